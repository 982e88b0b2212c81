"""``drift``, from files to what it says and ends with; and Markdown from the command line."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.api.client import ReadClient
from reconciler.documents.drift import drift_document
from reconciler.render.drift import CHAT_LIMIT, drift_chat, drift_markdown, drift_text
from reconciler.render.markdown import LIMIT
from reconciler.render.terminal import escape
from tests.cli.conftest import FILES
from tests.commands import Result
from tests.render import plan_samples as samples

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")


@pytest.fixture
def applied(cli: Cli, files: Path) -> Path:
    assert cli("apply", *EMULATED, "--yes").code == 0
    return files


def test_without_drift_it_ends_with_0(cli: Cli, applied: Path) -> None:
    assert applied.exists()
    result = cli("drift", *EMULATED)
    assert result.code == 0
    assert result.out.startswith("No drift: ")


def test_it_says_whose_value_is_which(cli: Cli, applied: Path) -> None:
    applied.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
    result = cli("drift", *EMULATED)
    assert result.code == 2
    assert "services.support.roles.agent: differs" in result.out
    assert "only configured: leaveConversation" in result.out
    assert "only live: sendMessage" in result.out
    [difference] = cli("drift", *EMULATED, "--format", "json").json["differences"]
    assert difference["state"] == "differs"
    [field] = difference["fields"]
    assert (field["files"], field["account"]) == (["leaveConversation"], ["sendMessage"])


@pytest.mark.usefixtures("account")
def test_what_is_missing_is_called_that(cli: Cli, files: Path) -> None:
    assert files.exists()
    result = cli("drift", *EMULATED, "--format", "chat")
    assert result.code == 2
    assert "services.support: missing in the account" in result.out


def test_what_counts_can_be_chosen(cli: Cli, applied: Path) -> None:
    # The emulator's own default service is unmanaged.
    found = cli("drift", *EMULATED, "--format", "json").json
    assert applied.exists()
    assert found["summary"]["unmanaged"] >= 1
    assert cli("drift", *EMULATED).code == 0
    assert cli("drift", *EMULATED, "--fail-on", "differences,unmanaged").code == 2
    assert cli("drift", *EMULATED, "--fail-on", "unmanaged").code == 2
    wrong = cli("drift", *EMULATED, "--fail-on", "everything")
    assert wrong.code == 1
    assert "differences, unmanaged" in wrong.err


ADDRESS = 'addresses: {"+14155550100": {type: sms}}\n'


@pytest.fixture
def with_address(cli: Cli, files: Path) -> Path:
    """A file that declares only a service, of an account that once had a declared role and a declared address."""
    files.write_text(FILES + ADDRESS)
    assert cli("apply", *EMULATED, "--yes").code == 0
    files.write_text("version: 1\nservices: {support: {friendly_name: Customer Support}}\n")
    return files


@pytest.mark.usefixtures("with_address")
def test_collections_in_which_nothing_is_declared_are_named_and_searched_on_request(cli: Cli) -> None:
    note = "Not searched for unmanaged resources"
    for command in ("plan", "drift"):
        assert f"{note}: addresses, credentials (nothing declared)" in " ".join(cli(command, *EMULATED).out.split())
        found = cli(command, *EMULATED, "--format", "json").json
        assert found["unsearched"] == ["addresses", "credentials"]
        assert {item["kind"] for item in found["unmanaged"]} == {"service"}
        assert note in cli(command, *EMULATED, "--format", "markdown").out
        assert note in cli(command, *EMULATED, "--format", "html").out
    searched = cli("drift", *EMULATED, "--fail-on", "unmanaged", "--format", "json")
    assert (searched.code, "unsearched" in searched.json) == (2, False)
    assert {item["kind"] for item in searched.json["unmanaged"]} == {"service", "role", "address_configuration"}


def test_a_search_finds_what_an_empty_section_hides(cli: Cli, with_address: Path) -> None:
    with_address.write_text("version: 1\naddresses: {}\nunmanaged: {ignore: ['services*']}\n")
    assert cli("drift", *EMULATED).code == 0
    searched = cli("drift", *EMULATED, "--fail-on", "unmanaged", "--format", "json")
    assert (searched.code, [item["kind"] for item in searched.json["unmanaged"]]) == (2, ["address_configuration"])


@pytest.mark.parametrize("glob", ["services*", "services[*]", "{address}", "services[?IS*"])
def test_what_the_files_say_to_ignore_is_neither_told_nor_counted(cli: Cli, applied: Path, glob: str) -> None:
    [unmanaged] = cli("drift", *EMULATED, "--format", "json").json["unmanaged"]
    pattern = glob.format(address=unmanaged["address"])
    applied.write_text(FILES + f"unmanaged: {{ignore: ['{pattern}', account.*]}}\n")
    result = cli("drift", *EMULATED, "--fail-on", "differences,unmanaged", "--format", "json")
    assert (result.code, result.json["unmanaged"]) == (0, [])
    applied.write_text(FILES + "unmanaged: {ignore: [addresses*, services.other*]}\n")
    assert cli("drift", *EMULATED, "--fail-on", "differences,unmanaged").code == 2


def test_it_looks_at_a_part_of_the_files(cli: Cli, applied: Path) -> None:
    applied.write_text(
        FILES.replace("[sendMessage]", "[leaveConversation]").replace(
            "conversation_role: agent", "conversation_role: channel user"
        )
    )

    def told(*options: str) -> list[str]:
        return [item["address"] for item in cli("drift", *EMULATED, "--format", "json", *options).json["differences"]]

    assert told() == ["services.support.configuration", "services.support.roles.agent"]
    assert told("--target", "services.support.roles") == ["services.support.roles.agent"]
    assert told("--exclude", "services.support.roles.agent") == ["services.support.configuration"]
    assert cli("drift", *EMULATED, "--exclude", "services.support").code == 0
    assert cli("drift", *EMULATED, "--target", "services.sales").code == 1
    assert cli("drift", *EMULATED, "--approve", "services.support").code == 1


def test_it_sends_what_plan_sends_and_reads_the_settings_besides(
    cli: Cli, applied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert applied.exists()
    sent: list[tuple[str, str]] = []
    attempt = ReadClient._attempt

    async def watched(self: ReadClient, request: httpx.Request, path: str, number: int, *, first: bool) -> Any:
        sent.append((request.method, str(request.url)))
        return await attempt(self, request, path, number, first=first)

    monkeypatch.setattr(ReadClient, "_attempt", watched)
    assert cli("plan", *EMULATED).code == 0
    planned = sorted(sent)
    sent.clear()
    assert cli("drift", *EMULATED).code == 0
    for request in planned:
        sent.remove(request)
    settings = [re.sub("IS[0-9a-f]{32}", "IS", httpx.URL(url).path) for method, url in sent if method == "GET"]
    assert sorted(settings) == [
        "/v1/Configuration/Webhooks",
        "/v1/Services/IS/Configuration/Notifications",
        "/v1/Services/IS/Configuration/Webhooks",
    ]
    assert len(settings) == len(sent)


def test_markdown_links_to_the_commit_that_a_job_runs_on(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = "0123456789abcdef0123456789abcdef01234567"
    monkeypatch.setenv("GITHUB_SERVER_URL", "https://github.com")
    monkeypatch.setenv("GITHUB_REPOSITORY", "acme/desk")
    monkeypatch.setenv("GITHUB_SHA", commit)
    monkeypatch.setenv("GITHUB_WORKSPACE", str(files.parent.parent))
    link = f"(https://github.com/acme/desk/blob/{commit}/{files.parent.name}/reconciler.yaml#L"
    planned = cli("plan", *EMULATED, "--out", "plan.json", "--format", "markdown")
    assert planned.code == 0
    assert link in planned.out
    assert cli("show", "plan.json", "--format", "markdown").out == planned.out
    assert link in cli("drift", *EMULATED, "--format", "markdown").out
    monkeypatch.delenv("GITHUB_SHA")
    assert "](" not in cli("show", "plan.json", "--format", "markdown").out


# --- renderers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", samples.PLANS)
def test_every_sample_in_every_format(name: str) -> None:
    plan = samples.PLANS[name]
    text = drift_text(drift_document(plan), colour=False, width=100)
    assert len(drift_chat(drift_document(plan))) < CHAT_LIMIT
    assert len(drift_markdown(drift_document(plan)).encode()) < LIMIT
    told = json.loads(drift_document(plan).to_json())
    assert len(told["differences"]) == len(plan.changes)
    for shown in (text, drift_chat(drift_document(plan)), drift_markdown(drift_document(plan))):
        assert "known after apply" not in shown
        assert "An apply" not in shown
        assert [item for item in shown if not item.isprintable() and item != "\n"] == []
    whole = drift_text(drift_document(plan), colour=False, width=100, verbose=True).replace("\n", "")
    assert all(escape(entry.address)[:40] in whole for entry in plan.changes)
    assert text.count("\n  ") >= len(plan.unmanaged)


MISSING = """version: 1
services:
  support:
    configuration: {reachability_enabled: true}
    roles: {agent: {type: conversation, permissions: [sendMessage]}, channel user: {permissions: [sendMessage]}}
    conversations: {lobby: {webhooks: {bot: {target: studio, flow_sid: FW0123456789abcdef0123456789abcdef}}}}
addresses: {"+14155550100": {auto_creation: {enabled: true, type: default}}}
"""
BELOW = "and 5 inside it: 1 conversation, 1 conversation webhook, 2 roles, 1 service configuration"


def test_a_service_that_is_missing_is_one_difference_with_what_is_in_it_counted(cli: Cli, files: Path) -> None:
    files.write_text(MISSING)
    assert cli("apply", *EMULATED, "--yes", "--exclude", "services.support").code == 0
    text = cli("drift", *EMULATED)
    assert text.code == 2
    head, *differences = text.out.split("\n\n")
    assert " ".join(head.split()).startswith(
        "Drift: 0 different, 6 missing, 0 to be deleted, 1 unmanaged, 2 undeclared settings."
    )
    assert [" ".join(each.split()) for each in differences[:-4]] == [
        (
            f'services.support: missing in the account service "support" · reconciler.yaml:3 {BELOW} '
            "accept: reconciler accept services.support --emulator demo.db "
            "revert: reconciler apply --target services.support --emulator demo.db "
            "ignore: reconciler drift --exclude services.support --emulator demo.db"
        )
    ]
    assert (
        f"| `+` service: missing in the account, {BELOW} | `services.support` |"
        in cli("drift", *EMULATED, "--format", "markdown").out
    )
    assert f"• services.support: missing in the account, {BELOW}\n" in cli("drift", *EMULATED, "--format", "chat").out
    annotated = cli("drift", *EMULATED, "--format", "github").out
    assert annotated.count("::warning ") == 1
    assert BELOW in annotated
    # In full where it is asked for, where there are filters, and for programs: nothing of it "differs".
    assert cli("drift", *EMULATED, "--verbose").out.count(": missing in the account") == 6
    assert cli("drift", *EMULATED, "--format", "html").out.count('data-action="create"') == 6
    told = json.loads(cli("drift", *EMULATED, "--format", "json").out)
    assert {entry["state"] for entry in told["differences"]} == {"missing"}
    assert (told["summary"]["missing"], told["summary"]["differs"], len(told["differences"])) == (6, 0, 6)


def test_a_conversation_that_is_missing_is_one_difference_too(cli: Cli, files: Path) -> None:
    files.write_text(MISSING)
    assert cli("apply", *EMULATED, "--yes", "--exclude", "services.support.conversations").code == 0
    text = cli("drift", *EMULATED)
    assert " ".join(text.out.split("\n\n")[1].split()) == (
        'services.support.conversations.lobby: missing in the account conversation "lobby" of service "support" · '
        "reconciler.yaml:6 and 1 inside it: 1 conversation webhook "
        "accept: reconciler accept services.support.conversations.lobby --emulator demo.db "
        "revert: reconciler apply --target services.support.conversations.lobby --emulator demo.db "
        "ignore: reconciler drift --exclude services.support.conversations.lobby --emulator demo.db"
    )


def test_secrets_stay_hidden() -> None:
    for shown in (
        drift_text(drift_document(samples.SECRETS), colour=True, width=80, verbose=True),
        drift_markdown(drift_document(samples.SECRETS)),
    ):
        assert "not redacted" not in shown
        assert "k1:" not in shown


def test_a_chat_calls_nobody() -> None:
    plan = samples.plan(
        samples.change('users["@here <!channel> https://evil.example"]', "user", "update", samples.field("@x", 1, 2))
    )
    assert not set("@<>") & set(drift_chat(drift_document(plan)))
    assert "://" not in drift_chat(drift_document(plan))


STEPS = {
    "accept": "reconciler accept services.support.roles.agent.permissions --emulator demo.db",
    "revert": "reconciler apply --target services.support.roles.agent --emulator demo.db",
    "ignore": "lifecycle: {ignore_changes: [permissions]}",
}


def test_each_finding_names_its_owner_and_the_ways_out(cli: Cli, applied: Path) -> None:
    applied.write_text(FILES.replace("[sendMessage]", "[leaveConversation]"))
    (applied.parent / ".git").mkdir()
    (applied.parent / "CODEOWNERS").write_text("* @acme/all\n*.yaml @acme/messaging ada@example.com\n")
    [found] = cli("drift", *EMULATED, "--format", "json").json["differences"]
    assert found["owners"] == found["fields"][0]["owners"] == ["@acme/messaging", "ada@example.com"]
    assert found["next_steps"] == STEPS
    for name in ("text", "markdown", "html"):
        out = " ".join(re.sub("</?code>", "", cli("drift", *EMULATED, "--format", name).out).split())
        assert "owners: @acme/messaging, ada@example.com" in out
        for step, text in STEPS.items():
            assert f"{step}: {text}" in out
    assert f"{STEPS['ignore']}  # in services.support.roles.agent\n" in cli("drift", *EMULATED).out


def test_the_ways_out_of_a_finding_do_what_they_say(cli: Cli, applied: Path) -> None:
    drifted = FILES.replace("[sendMessage]", "[leaveConversation]")
    ways = ("accept", "revert", "ignore")
    for way in ways:
        applied.write_text(drifted)
        [found] = cli("drift", *EMULATED, "--format", "json").json["differences"]
        assert tuple(found["next_steps"]) == ways
        if way == "ignore":
            ignored = drifted.replace("permissions:", f"{found['next_steps'][way]}, permissions:")
            applied.write_text(ignored)
        else:
            _, *words = shlex.split(found["next_steps"][way])
            assert cli(*words, "--yes").code == 0
        assert cli("drift", *EMULATED).code == 0
        applied.write_text(FILES)
        assert cli("apply", *EMULATED, "--yes").code == 0


def test_what_no_apply_reverts_has_no_command_that_reverts_it(cli: Cli, applied: Path) -> None:
    kept = FILES + "    users: {zed: {lifecycle: {prevent_create: true}}}\n"
    applied.write_text(kept)
    [found] = cli("drift", *EMULATED, "--format", "json").json["differences"]
    why = "services.support.users.zed is not in the account, and lifecycle.prevent_create is set"
    assert (found["withheld"], found["next_steps"]["revert"]) == (why, "")
    out = " ".join(cli("drift", *EMULATED).out.split())
    assert (why in out, "revert:" in out) == (True, False)
    closed = FILES + "    conversations: {line: {state: closed}}\n"
    applied.write_text(closed)
    assert cli("apply", *EMULATED, "--yes").code == 0
    applied.write_text(closed.replace("closed", "active"))
    [found] = cli("drift", *EMULATED, "--format", "json").json["differences"]
    assert found["withheld"].startswith("services.support.conversations.line cannot be changed: it is closed")
    assert found["next_steps"]["revert"] == ""


def test_the_ways_out_of_an_unwanted_service_do_what_they_say(cli: Cli, applied: Path) -> None:
    unwanted = FILES.replace("    friendly_name: Customer", "    absent: true\n    friendly_name: Customer")
    applied.write_text(unwanted)
    [found] = cli("drift", *EMULATED, "--format", "json").json["differences"]
    steps = found["next_steps"]
    assert steps["accept"] == "absent: false"
    applied.write_text(unwanted.replace("absent: true", steps["accept"]))
    assert cli("drift", *EMULATED).code == 0
    applied.write_text(unwanted)
    _, *words = shlex.split(steps["revert"])
    assert "--approve" in words
    assert cli(*words, "--yes").code == 0
    assert cli("drift", *EMULATED).code == 0


def test_a_resource_that_would_be_pruned_can_be_kept(cli: Cli, applied: Path) -> None:
    role = "      agent: {type: conversation, permissions: [sendMessage]}\n"
    less = FILES.replace("    configuration: {default_conversation_role: agent}\n", "")
    less = less.replace(role, "      other: {type: conversation, permissions: [sendMessage]}\n")
    applied.write_text(less + "    prune: [roles]\n")
    [pruned] = [part for part in cli("drift", *EMULATED, "--format", "json").json["differences"]
                if part["state"] == "unwanted"]  # fmt: skip
    _, *words = shlex.split(pruned["next_steps"]["accept"])
    assert cli(*words, "--yes").code == 0
    assert role.split(":", maxsplit=1)[0].strip() + ":" in applied.read_text()


def test_undeclared_resources_and_missing_ones_have_ways_out(cli: Cli, applied: Path) -> None:
    applied.write_text(FILES + 'addresses: {bot: {address: "+14155550100", type: sms}}\n')
    result = cli("drift", *EMULATED, "--format", "json").json
    [missing] = result["differences"]
    assert missing["next_steps"] == {
        "accept": "reconciler accept addresses.bot --emulator demo.db",
        "revert": "reconciler apply --target addresses.bot --emulator demo.db",
        "ignore": "reconciler drift --exclude addresses.bot --emulator demo.db",
    }
    [unmanaged] = result["unmanaged"]
    address = unmanaged["address"]
    assert unmanaged["next_steps"] == {
        "accept": f"reconciler accept --unmanaged '{address}' --emulator demo.db",
        "revert": "",
        "ignore": f"unmanaged: {{ignore: ['{address}']}}",
    }, "the account's default service is never deleted"
    names = [f"{item['address']}.{item['field']}" for item in result["undeclared_settings"]]
    steps = [item["next_steps"] for item in result["undeclared_settings"]]
    assert [step["accept"] for step in steps] == [f"reconciler accept {name} --emulator demo.db" for name in names]
    assert [step["ignore"] for step in steps] == [f"unmanaged: {{ignore: ['{name}']}}" for name in names]
