"""What is wrong is told from the command line to the exit code: its place, what it is, a way out, and no traceback.

Real files on a disk, the whole message as a literal. A message may change; then somebody reads the new one here.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.emulator import Emulator, Store
from tests.commands import Result, Run, forget_surroundings, runner

ACCOUNT = "AC" + "0" * 32
OTHER_ACCOUNT = "AC0123456789abcdef0123456789abcdef"

WRONG_FILES: dict[str, tuple[dict[str, str | bytes], str]] = {
    "malformed YAML": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support: {roles: {agent: [sendMessage}
"""
        },
        """\
error: the YAML is malformed: a list in brackets is not closed here
  --> reconciler.yaml:3:40
  |
3 |   support: {roles: {agent: [sendMessage}
  |                                        ^
  = add a comma or a ]

1 error
""",
    ),
    "a tab": (
        {
            "reconciler.yaml": """\
version: 1
services:
	support: {}
"""
        },
        """\
error: the YAML is malformed: a tab cannot indent
  --> reconciler.yaml:3:1
  |
3 |     support: {}
  | ^
  = indent with spaces

1 error
""",
    ),
    "duplicate keys": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support: {}
  sales: {}
  support: {}
"""
        },
        """\
error: the key "support" occurs twice in one mapping
  --> reconciler.yaml:5:3
  |
5 |   support: {}
  |   ^
  = keep one of the two
  = reconciler.yaml:3:3: first occurrence

1 error
""",
    ),
    "an unknown key": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support:
    freindly_name: Support
"""
        },
        """\
error: a service has no key "freindly_name"
  --> reconciler.yaml:4:5
  |
4 |     freindly_name: Support
  |     ^
  = did you mean friendly_name?

1 error
""",
    ),
    "an unknown block": (
        {
            "reconciler.yaml": """\
version: 1
service:
  support: {}
"""
        },
        """\
error: a configuration has no key "service"
  --> reconciler.yaml:2:1
  |
2 | service:
  | ^
  = did you mean services?

1 error
""",
    ),
    "wrong types": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support:
    configuration: {reachability_enabled: perhaps}
    roles: [agent]
"""
        },
        """\
error: reachability_enabled must be true or false, not "perhaps"
  --> reconciler.yaml:4:43
  |
4 |     configuration: {reachability_enabled: perhaps}
  |                                           ^
  = write true or false

error: roles must be a mapping of handles
  --> reconciler.yaml:5:12
  |
5 |     roles: [agent]
  |            ^
  = write keys with colons, indented below it, or {} for none

2 errors
""",
    ),
    "an unknown reference": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support:
    roles: {agent: {type: conversation, permissions: [sendMessage]}}
    configuration: {default_conversation_role: agnet}
"""
        },
        """\
error: default_conversation_role refers to "agnet", but there is no such role in services.support
  --> reconciler.yaml:5:48
  |
5 |     configuration: {default_conversation_role: agnet}
  |                                                ^
  = did you mean agent?

1 error
""",
    ),
    "a circle of variables": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support: {friendly_name: '${var:a}'}
variables: {a: '${var:b}', b: '${var:c}', c: '${var:a}'}
"""
        },
        """\
error: variable cycle: a → b → c → a
  --> reconciler.yaml:4:16
  |
4 | variables: {a: '${var:b}', b: '${var:c}', c: '${var:a}'}
  |                ^
  = give one of them a literal value

1 error
""",
    ),
    "a circle of includes": (
        {
            "reconciler.yaml": """\
version: 1
include: [one.yaml]
""",
            "one.yaml": """\
include: [two.yaml]
""",
            "two.yaml": """\
include: [one.yaml]
services: {support: {}}
""",
        },
        """\
error: include cycle: one.yaml includes two.yaml includes one.yaml
  --> two.yaml:1:11
  |
1 | include: [one.yaml]
  |           ^
  = remove one of these includes

1 error
""",
    ),
    "an environment variable that is not set": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support: {webhooks: {post_webhook_url: 'https://${env:HOOK_HOST}/a'}}
"""
        },
        """\
error: environment variable HOOK_HOST is not set
  --> reconciler.yaml:3:51
  |
3 |   support: {webhooks: {post_webhook_url: 'https://${env:HOOK_HOST}/a'}}
  |                                                   ^
  = set it, or give a default: ${env:HOOK_HOST:-…}

1 error
""",
    ),
    "a variable that is not defined": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support: {friendly_name: '${var:name}'}
"""
        },
        """\
error: variable name is not defined
  --> reconciler.yaml:3:29
  |
3 |   support: {friendly_name: '${var:name}'}
  |                             ^
  = define it under variables, or pass --var name=…

1 error
""",
    ),
    "an unknown interpolation namespace": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support: {friendly_name: '${evn:NAME}'}
"""
        },
        """\
error: "${evn:…}" has an unknown namespace
  --> reconciler.yaml:3:29
  |
3 |   support: {friendly_name: '${evn:NAME}'}
  |                             ^
  = did you mean ${env:…}? or write $${ for a literal ${

1 error
""",
    ),
    "an account guard that guards nothing": (
        {
            "reconciler.yaml": """\
version: 1
account: {sid: '${env:TWILIO_ACCOUNT_SID}'}
services: {support: {}}
"""
        },
        """\
error: account.sid does not protect the account if it comes from an environment variable
  --> reconciler.yaml:2:16
  |
2 | account: {sid: '${env:TWILIO_ACCOUNT_SID}'}
  |                ^
  = write the account's SID, or a variable defined in the files

1 error
""",
    ),
    "SIDs of the wrong kind": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support:
    sid: RL0123456789abcdef0123456789abcdef
account:
  configuration: {default_messaging_service_sid: IS0123456789abcdef0123456789abcdef}
"""
        },
        """\
error: sid is "RL0123456789abcdef0123456789abcdef", the SID of a role
  --> reconciler.yaml:4:10
  |
4 |     sid: RL0123456789abcdef0123456789abcdef
  |          ^
  = write the SID of a service, IS and 32 hexadecimal digits

error: default_messaging_service_sid is "IS0123456789abcdef0123456789abcdef", the SID of a service
  --> reconciler.yaml:6:50
  |
6 |   configuration: {default_messaging_service_sid: IS0123456789abcdef0123456789abcdef}
  |                                                  ^
  = write the SID of a messaging service, MG and 32 hexadecimal digits

2 errors
""",
    ),
    "timers under their minimum": (
        {
            "reconciler.yaml": """\
version: 1
account:
  configuration: {default_inactive_timer: PT30S, default_closed_timer: PT5M}
"""
        },
        """\
error: default_inactive_timer is "PT30S", below its minimum of PT1M
  --> reconciler.yaml:3:43
  |
3 |   configuration: {default_inactive_timer: PT30S, default_closed_timer: PT5M}
  |                                           ^
  = write PT1M or more

error: default_closed_timer is "PT5M", below its minimum of PT10M
  --> reconciler.yaml:3:72
  |
3 |   configuration: {default_inactive_timer: PT30S, default_closed_timer: PT5M}
  |                                                                        ^
  = write PT10M or more

2 errors
""",
    ),
    "a name over its limit": (
        {"reconciler.yaml": "version: 1\nservices:\n  support:\n    friendly_name: " + "x" * 257},
        """\
error: friendly_name is 257 characters long, over its limit of 256
  --> reconciler.yaml:4:20
  |
4 |     friendly_name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx…
  |                    ^
  = shorten it to 256 characters

1 error
""",
    ),
    "one resource declared twice": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support: {friendly_name: Support}
  helpdesk: {friendly_name: Support}
"""
        },
        """\
error: services.helpdesk and services.support are the same resource: both have the friendly_name "Support"
  --> reconciler.yaml:4:29
  |
4 |   helpdesk: {friendly_name: Support}
  |                             ^
  = remove one of them, or give them different names
  = reconciler.yaml:3:28: services.support has it here

1 error
""",
    ),
    "one value in two files": (
        {
            "reconciler.yaml": """\
version: 1
include: [a.yaml, b.yaml]
""",
            "a.yaml": """\
services: {support: {friendly_name: A}}
""",
            "b.yaml": """\
services: {support: {friendly_name: B}}
""",
        },
        """\
error: services.support.friendly_name is set twice
  --> b.yaml:1:22
  |
1 | services: {support: {friendly_name: B}}
  |                      ^
  = keep one of the two; only overlays may override
  = a.yaml:1:22: it is set here first

1 error
""",
    ),
    "prune of a collection that is not there": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support: {prune: [roles]}
prune: [addresses]
"""
        },
        """\
error: prune lists roles, but services.support has no roles
  --> reconciler.yaml:3:21
  |
3 |   support: {prune: [roles]}
  |                     ^
  = write roles: {} to prune all of them

error: prune lists addresses, but the configuration has no addresses
  --> reconciler.yaml:4:9
  |
4 | prune: [addresses]
  |         ^
  = write addresses: {} to prune all of them

2 errors
""",
    ),
    "clearing what cannot be cleared": (
        {
            "reconciler.yaml": """\
version: 1
services:
  support:
    configuration: {default_conversation_role: null}
account: {configuration: {default_closed_timer: null}}
"""
        },
        """\
error: default_conversation_role cannot be cleared: Twilio can replace a reference but not remove it
  --> reconciler.yaml:4:48
  |
4 |     configuration: {default_conversation_role: null}
  |                                                ^
  = give it a value, or remove the line to leave the field unmanaged

error: default_closed_timer cannot be cleared: Twilio can overwrite a timer but not clear it
  --> reconciler.yaml:5:49
  |
5 | account: {configuration: {default_closed_timer: null}}
  |                                                 ^
  = give it a value, or remove the line to leave the field unmanaged

2 errors
""",
    ),
    "a file that is no text": (
        {"reconciler.yaml": b"\x89PNG\r\n\x1a\n\x00\x00\xff"},
        """\
error: reconciler.yaml is not UTF-8 text
  --> reconciler.yaml:1
  = save it as UTF-8 text

1 error
""",
    ),
    "a file in another encoding": (
        {"reconciler.yaml": b"\xff\xfev\x00e\x00r\x00s\x00i\x00o\x00n\x00:\x00 \x001\x00\n\x00"},
        """\
error: reconciler.yaml is UTF-16, not UTF-8
  --> reconciler.yaml
  = save it as UTF-8 text

1 error
""",
    ),
    "a file that is empty": (
        {
            "reconciler.yaml": """\
"""
        },
        """\
error: reconciler.yaml has no version
  --> reconciler.yaml:1:1
  = start the file with version: 1

1 error
""",
    ),
    "no version": (
        {
            "reconciler.yaml": """\
services: {support: {}}
"""
        },
        """\
error: reconciler.yaml has no version
  --> reconciler.yaml:1:1
  |
1 | services: {support: {}}
  | ^
  = start the file with version: 1

1 error
""",
    ),
    "a version of the future": (
        {
            "reconciler.yaml": """\
version: 2
services: {support: {}}
"""
        },
        """\
error: unsupported version "2"
  --> reconciler.yaml:1:10
  |
1 | version: 2
  |          ^
  = write version: 1

1 error
""",
    ),
    "no mapping": (
        {
            "reconciler.yaml": """\
- a
"""
        },
        """\
error: reconciler.yaml must contain a mapping with keys such as services and account
  --> reconciler.yaml:1:1
  |
1 | - a
  | ^
  = start the file with version: 1

1 error
""",
    ),
    "an include that is missing": (
        {
            "reconciler.yaml": """\
version: 1
include: [services.yaml]
"""
        },
        """\
error: services.yaml does not exist
  --> reconciler.yaml:2:11
  |
2 | include: [services.yaml]
  |           ^
  = check the name; it is relative to the file that refers to it

1 error
""",
    ),
    "an include outside the folder": (
        {
            "reconciler.yaml": """\
version: 1
include: [../secrets.yaml]
"""
        },
        """\
error: "../secrets.yaml" is outside of the root file's folder
  --> reconciler.yaml:2:11
  |
2 | include: [../secrets.yaml]
  |           ^
  = use a file in that folder or below it

1 error
""",
    ),
    "an empty folder": (
        {},
        """\
error: the folder . contains no reconciler.yaml
  --> reconciler.yaml
  = `reconciler init` creates one, and `reconciler export --out FOLDER` writes one from a live account

1 error
""",
    ),
    "a folder without a root file": (
        {
            "conversations.yaml": """\
version: 1
"""
        },
        """\
error: the folder . contains no reconciler.yaml
  --> reconciler.yaml
  = use the file conversations.yaml

1 error
""",
    ),
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to stand in, and nothing of whoever runs the tests."""
    forget_surroundings(monkeypatch)
    for name in ("HOOK_HOST", "HOOK_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    here = tmp_path / "files"
    here.mkdir()
    monkeypatch.chdir(here)
    return here


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    return runner(capsys)


def write(files: Mapping[str, str | bytes]) -> None:
    for name, text in files.items():
        Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())


# --- the files -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("files", "told"), WRONG_FILES.values(), ids=WRONG_FILES)
def test_wrong_files(run: Run, files: dict[str, str | bytes], told: str) -> None:
    write(files)
    for command in (["validate"], ["plan", "--emulator", "../account.db"], ["apply", "--emulator", "../a.db", "--yes"]):
        assert run(*command) == Result(1, "", told)
    assert not Path("../account.db").exists(), "the account is not even opened"

    as_json = run("validate", "--format", "json")
    assert as_json.code == 1
    assert as_json.json["exit_code"] == 1
    assert as_json.err == told
    for problem in as_json.json["problems"]:
        assert problem["hint"]
        assert problem["place"]["file"]


def test_everything_on_the_list_of_wrong_files_has_a_place_and_a_way_out() -> None:
    for told in (text for _, text in WRONG_FILES.values()):
        for problem in re.split(r"\n\n", told.rstrip("\n"))[:-1]:
            assert problem.startswith("error: ")
            assert "\n  --> " in problem or re.search(r"\n +--> ", problem)
            assert re.search(r"\n +(?:\d+ )?= ", problem)


@pytest.mark.parametrize("path", ["nothing", "nothing.yaml", "nothing/deeper.yaml"])
def test_a_path_that_leads_nowhere(run: Run, path: str) -> None:
    told = f"""\
error: {path} does not exist
  --> {path}
  = use a file, or a folder that contains reconciler.yaml

1 error
"""
    assert run("validate", path) == Result(1, "", told)
    assert run("plan", path, "--emulator", "account.db") == Result(1, "", told)


def test_an_overlay_that_is_missing(run: Run) -> None:
    write({"reconciler.yaml": "version: 1\nservices: {support: {}}\n"})
    ended = run("validate", "--overlay", "prod.yaml")
    assert ended.code == 1
    assert ended.err.startswith("error: prod.yaml does not exist\n")


def test_all_problems_are_told_at_once(run: Run) -> None:
    write(
        {
            "reconciler.yaml": "version: 1\ninclude: [more.yaml]\nservices: {sales: {x: 1, y: 2}}\n",
            "more.yaml": "include: [reconciler.yaml]\nlimits: {deletes: many}\n",
        }
    )
    problems = run("validate", "--format", "json").json["problems"]
    assert [(problem["code"], problem["place"]["file"]) for problem in problems] == [
        ("include-cycle", "more.yaml"),
        ("wrong-type", "more.yaml"),
        ("unknown-key", "reconciler.yaml"),
        ("unknown-key", "reconciler.yaml"),
    ]


# --- the files and the account ---------------------------------------------------------------------------------------


def seeded(*services: str) -> list[str]:
    """An account with these services; their SIDs."""
    store = Store.open("../account.db")
    emulator = Emulator(store)
    sids = []
    for name in services:
        body = emulator.call("POST", "/v1/Services", {"FriendlyName": name}).body
        assert isinstance(body, dict)
        sids.append(str(body["sid"]))
    store.close()
    return sids


def services() -> list[str]:
    store = Store.open("../account.db")
    body = Emulator(store).call("GET", "/v1/Services").body
    assert isinstance(body, dict)
    store.close()
    return [service["friendly_name"] for service in body["services"]]


EMULATED = ("--emulator", "../account.db")


def refused(run: Run) -> str:
    """What plan and apply both say, having changed nothing."""
    before = services()
    planned, applied = run("plan", *EMULATED), run("apply", *EMULATED, "--yes")
    assert planned == applied
    assert (planned.code, planned.out) == (1, "")
    assert services() == before
    return planned.err


def test_two_addresses_for_one_live_resource(run: Run) -> None:
    seeded()
    store = Store.open("../account.db")
    configuration = Emulator(store).call("GET", "/v1/Configuration").body
    store.close()
    assert isinstance(configuration, dict)
    sid = configuration["default_chat_service_sid"]
    write({"reconciler.yaml": f"version: 1\nservices:\n  main: {{sid: default}}\n  support: {{sid: {sid}}}\n"})
    assert (
        refused(run)
        == f"""\
error: services.support and services.main both match the live service {sid} ('Default Conversations Service')
  --> reconciler.yaml:4:3
  |
4 |   support: {{sid: {sid}}}
  |   ^
  = Declare it once.
  = reconciler.yaml:3:3: the other declaration

1 error
"""
    )


def test_two_live_candidates_for_one_name(run: Run) -> None:
    one, two = sorted(seeded("Twin", "Twin"))
    write({"reconciler.yaml": "version: 1\nservices:\n  twin: {friendly_name: Twin}\n"})
    told = re.sub(r"created \S+, updated [^)]+", "DATES", refused(run))
    assert told in {
        f"""\
error: 2 live resources of kind service match 'Twin': {first} (DATES), {second} (DATES)
  --> reconciler.yaml:3:3
  |
3 |   twin: {{friendly_name: Twin}}
  |   ^
  = Set `sid` of services.twin to the one to manage.

1 error
"""
        for first, second in ((one, two), (two, one))
    }


def test_a_dead_pin(run: Run) -> None:
    seeded("Support")
    write({"reconciler.yaml": "version: 1\nservices:\n  support: {sid: IS0123456789abcdef0123456789abcdef}\n"})
    assert (
        refused(run)
        == """\
error: services.support is pinned to IS0123456789abcdef0123456789abcdef, but there is no such service in the account
  --> reconciler.yaml:3:18
  |
3 |   support: {sid: IS0123456789abcdef0123456789abcdef}
  |                  ^
  = Correct the SID, or remove it to match the resource by name.

1 error
"""
    )


def test_an_account_that_is_not_the_declared_one(run: Run) -> None:
    seeded()
    write({"reconciler.yaml": f"version: 1\naccount: {{sid: {OTHER_ACCOUNT}}}\nservices: {{support: {{}}}}\n"})
    assert (
        refused(run)
        == f"""\
error: ../account.db contains account {ACCOUNT}, but the configuration is for account {OTHER_ACCOUNT}
  --> reconciler.yaml:2:16
  |
2 | account: {{sid: {OTHER_ACCOUNT}}}
  |                ^
  = use another --emulator FILE (a new file gets the account of the configuration), or another environment (--env)

1 error
"""
    )


# --- the way to the account ------------------------------------------------------------------------------------------

SMALL = "version: 1\nservices: {support: {}}\n"


@pytest.fixture
def url() -> Iterator[str]:
    """An emulator that is served, with its credentials checked."""
    command = [sys.executable, "-m", "reconciler", "emulator", "serve", "--db", "../served.db", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        yield said.partition(" at ")[2].partition(" ")[0]
        process.terminate()


def test_wrong_credentials(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"reconciler.yaml": SMALL})
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "not-the-token")
    for command in (["plan"], ["apply", "--yes"]):
        ended = run(*command, "--api-url", url)
        assert (ended.code, ended.out) == (1, "")
        assert (
            # Several are asked at once, and any of them may be the first.
            re.sub(
                r"GET /v1/(Configuration|Services\?PageSize=50)\n",
                "GET …\n",
                re.sub(r"RQ[0-9a-f]{32}", "RQ", ended.err),
            )
            == """\
Error: the API rejected GET …
  - HTTP 401, Twilio error 20003: Authenticate
  - https://www.twilio.com/docs/errors/20003
  - request RQ
Twilio rejected the credentials. Check TWILIO_ACCOUNT_SID with TWILIO_AUTH_TOKEN, or TWILIO_API_KEY
and TWILIO_API_SECRET, and their region (TWILIO_REGION).
"""
        )
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "emulator")
    assert run("plan", "--api-url", url).code == 0


def test_a_host_that_does_not_answer(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"reconciler.yaml": SMALL})
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "emulator")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for command in (["plan"], ["apply", "--yes"]):
        ended = run(*command, "--api-url", f"http://127.0.0.1:{port}")
        assert (ended.code, ended.out) == (1, "")
        sentence = " ".join(ended.err.split())
        assert sentence == (
            f"Error: GET /v1/Configuration: http://127.0.0.1:{port} cannot be reached: All connection attempts failed"
            " No response. Check the network, the proxy, and the host of --api-url."
        )


def test_credentials_that_are_missing(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"reconciler.yaml": SMALL})
    assert run("plan") == Result(1, "", """\
Error: no credentials: set TWILIO_ACCOUNT_SID with TWILIO_API_KEY and TWILIO_API_SECRET
       (recommended), or with TWILIO_AUTH_TOKEN; or use --emulator FILE, which needs none
""")  # fmt: skip
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    assert run("plan") == Result(1, "", """\
Error: no credentials: TWILIO_ACCOUNT_SID is set, but TWILIO_API_KEY and TWILIO_API_SECRET
       (recommended), or TWILIO_AUTH_TOKEN, are not
""")  # fmt: skip


def test_an_apply_to_a_real_account_that_the_files_do_not_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"reconciler.yaml": SMALL})
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")

    def no_network(*_arguments: object, **_options: object) -> None:
        pytest.fail("something was sent")

    monkeypatch.setattr(socket, "getaddrinfo", no_network)
    for where in ([], ["--api-url", "https://api.example.com"]):
        assert run("apply", "--yes", *where) == Result(1, "", """\
Error: the configuration does not declare its account, so it is not applied to a real one; set
       account.sid, or account_sid of the environment, to the account's SID
""")  # fmt: skip


def test_credentials_are_not_sent_in_the_clear(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    write({"reconciler.yaml": SMALL})
    monkeypatch.setenv("TWILIO_ACCOUNT_SID", ACCOUNT)
    monkeypatch.setenv("TWILIO_AUTH_TOKEN", "token")
    assert run("plan", "--api-url", "http://api.example.com") == Result(1, "", """\
Error: --api-url http://api.example.com would send credentials unencrypted. Use https://; http:// is
       allowed only for this machine (127.0.0.1)
""")  # fmt: skip


# --- the command line ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["pln"], ["no such command 'pln'. Did you mean `reconciler plan`?"]),
        # What click says, it says in its own words; here are ours, and what was given.
        (["plan", "--emulatr", "a.db"], ["--emulatr", "--emulator"]),
        (["plan", "--emulator", "a.db", "--concurrency", "0"], ["--concurrency", "0", "100"]),
        (["plan", "--emulator", "a.db", "--var", "host"],
         ["--var", "use NAME=VALUE, such as --var host=hooks.example.com"]),
        (["apply", "--emulator", "a.db", "--plan", "gone.json"],
         ["cannot read gone.json: No such file or directory"]),
    ],
)  # fmt: skip
def test_a_wrong_command_line_ends_with_1_and_not_with_clicks_2(
    run: Run, arguments: list[str], says: list[str]
) -> None:
    write({"reconciler.yaml": SMALL})
    ended = run(*arguments)
    assert (ended.code, ended.out) == (1, "")
    last = ended.err.rstrip("\n").split("\n")[-1]
    assert last.startswith("Error: ")
    assert [words for words in says if words not in last] == []


def test_as_a_process_too() -> None:
    write({"reconciler.yaml": "version: 1\nservices: {support: {x: 1}}\n"})
    ended = subprocess.run(
        [sys.executable, "-m", "reconciler", "validate"], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith('error: a service has no key "x"\n')
