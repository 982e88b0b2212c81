"""Promise 8: a secret reaches nothing but the API. Canaries stand in every place for secrets, and are found nowhere.

Every command that there is runs in every format that it declares, so a new one of either is covered without a line
here; and so does every way of failing that we know: files that are wrong, an API that repeats what it was sent, and a
bug in each module.
"""

from __future__ import annotations

import base64
import json
import os
import signal
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qsl, unquote, unquote_plus

import click
import pytest

from reconciler import config
from reconciler.cli import main
from reconciler.cli.root import ROOT
from reconciler.emulator import Emulator, Store
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.errors import ConfigError
from reconciler.kinds import KINDS
from tests.canary import planted
from tests.canary.planted import CREDENTIALS, KEY_SECRET, LIVE, TOKEN, canaries, canary, found_in
from tests.config.memory import MemorySources
from tests.emulator.served import Host, served

Run = Callable[..., "Ended"]


class Ended:
    """How a command ended, and all that it said: both streams, and every file that it left."""

    def __init__(self, code: int, out: str, err: str, kept: dict[str, str]) -> None:
        self.code, self.out, self.err, self.kept = code, out, err, kept

    def leaks(self) -> dict[str, set[str]]:
        told = {"out": self.out, "err": self.err, **self.kept}
        return {where: found for where, text in told.items() if (found := found_in(text))}


class Served:
    """A served account whose answers can be changed on their way."""

    def __init__(self, host: Host) -> None:
        self.host = host
        self.new()

    def new(self, store: Store | None = None) -> None:
        self.emulator = Emulator(store or Store.open(":memory:"), require_auth=True, auth_token=TOKEN)
        self.host.show(self.emulator)

    def post(self, path: str, form: dict[str, Any]) -> dict[str, Any]:
        reply = self.emulator.call("POST", path, form)
        assert reply.status in {200, 201}, (path, reply.body)
        assert isinstance(reply.body, dict)
        return reply.body

    def get(self, path: str) -> Any:
        return self.emulator.call("GET", path).body


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with served(Emulator(Store.open(":memory:"))) as made:
        yield made


@pytest.fixture
def account(host: Host) -> Served:
    return Served(host)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The planted files in the current folder, the secrets in the environment, and no other folder for crash files."""
    for name in list(os.environ):
        if name.startswith("TWILIO_") or name in {"NO_COLOR", "FORCE_COLOR", "COLUMNS"}:
            monkeypatch.delenv(name)
    for name, value in {**planted.environment(), **CREDENTIALS["token"]}.items():
        monkeypatch.setenv(name, value)
    folder = tmp_path / "here"
    (tmp_path / "crashes").mkdir()
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "crashes"))
    monkeypatch.chdir(folder)
    write(planted.files())
    return folder


def write(files: dict[str, str]) -> None:
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    own = set(planted.files())

    def command(*arguments: str) -> Ended:
        capsys.readouterr()
        before = {path for path in tmp_path.rglob("*") if path.is_file()}
        code = main(arguments)
        out, err = capsys.readouterr()
        made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
        texts = {path.name: path.read_text(errors="replace") for path in made if path.name not in own}
        return Ended(code, out, err, {name: text for name, text in texts.items() if ".db" not in name})

    return command


@pytest.fixture(scope="module")
def aged_stores() -> Iterator[list[Store]]:
    """What `aged` made, at most once."""
    stores: list[Store] = []
    yield stores
    for store in stores:
        store.close()


@pytest.fixture
def aged(run: Run, monkeypatch: pytest.MonkeyPatch, account: Served, aged_stores: list[Store]) -> Callable[[], None]:
    """Makes the account as the files were once, with some more in it that they do not name."""

    def show() -> None:
        if not aged_stores:
            _age(run, monkeypatch, account)
            aged_stores.append(account.emulator.store.copied())
        account.new(aged_stores[0].copied())

    return show


def _age(run: Run, monkeypatch: pytest.MonkeyPatch, account: Served) -> None:
    write(planted.files(" before"))
    with monkeypatch.context() as then:
        for name, value in planted.environment(" before").items():
            then.setenv(name, value)
        ended = run("apply", "--yes", "--api-url", account.host.url)
    assert (ended.code, ended.leaks()) == (0, {})
    write(planted.files())
    services = {item["friendly_name"]: item["sid"] for item in account.get("/v1/Services")["services"]}
    support = services[canary("SERVICE_NAME")]
    hooks = {"Method": "POST", "Filters": ["onMessageAdd"], "PreWebhookUrl": LIVE["password"]}
    account.post(f"/v1/Services/{services['sales']}/Configuration/Webhooks", hooks)
    (lounge,) = account.get(f"/v1/Services/{support}/Conversations")["conversations"]
    scoped = f"/v1/Services/{support}/Conversations/{lounge['sid']}/Webhooks"
    for name in ("password", "user", "token"):
        form = {"Target": "webhook", "Configuration.Url": LIVE[name], "Configuration.Filters": ["onMessageAdded"]}
        account.post(scoped, form)
    form = {"Type": "sms", "Address": "+15005550006", "AutoCreation.Enabled": "true", "AutoCreation.Type": "webhook"}
    account.post("/v1/Configuration/Addresses", {**form, "AutoCreation.WebhookUrl": LIVE["signature"]})


# --- the witness itself ----------------------------------------------------------------------------------------------


def test_every_field_for_free_text_of_every_kind_holds_a_canary() -> None:
    read = config.load(MemorySources(planted.files(), planted.environment()))
    hidden = {
        (declared.kind.name, path)
        for declared in read.resources.values()
        for path in declared.values
        if declared.is_sensitive(path)
    }
    assert planted.planted_fields() - hidden == set()
    assert {(kind.name, field.path) for kind in KINDS for field in kind.fields if field.secret} <= hidden


@pytest.mark.parametrize(
    "spelled",
    [
        lambda text: text,
        lambda text: text.upper(),
        lambda text: f"xyz{text[5:13]}abc",
        lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
        lambda text: json.dumps({"a": text}),
        "\n      ".join,
        lambda text: text.encode().hex(),
    ],
)
def test_the_search_finds_a_canary_however_it_is_spelled(spelled: Callable[[str], str]) -> None:
    for name in ("auth token", "live token", "USER_ATTRIBUTE"):
        assert found_in(f"before {spelled(canary(name))} after") == {name}
    assert found_in("nothing to be found in here, (sensitive value of HOOK_TOKEN)") == set()
    assert len({text for _, text in canaries()}) > 70


# --- every command in every format -----------------------------------------------------------------------------------


def _leaves(command: click.Command, names: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _leaves(below, (*names, name))
    else:
        yield names, command


def _choices(command: click.Command, option: str) -> Sequence[str]:
    for parameter in command.params:
        if option in parameter.opts and isinstance(parameter.type, click.Choice):
            return [str(choice) for choice in parameter.type.choices]
    return ()


def _has(command: click.Command, option: str) -> bool:
    return any(option in parameter.opts for parameter in command.params)


def _ways() -> Iterator[Any]:
    """Every command with every format, and with every level and format of logs."""
    for names, command in _leaves(ROOT):
        ways = [["--format", choice] for choice in _choices(command, "--format")] or [[]]
        if _has(command, "--verbose"):
            ways += [[*way, "--verbose"] for way in ways]
        for level in _choices(command, "--log-level"):
            ways += [["--log-level", level, "--log-format", form] for form in _choices(command, "--log-format")]
        for way in ways:
            # A lower level tells what debug tells, and less; what is verbose tells in other words only of long texts.
            is_more_of_it = ("--log-level" in way and "debug" not in way) or "--verbose" in way
            marks = [pytest.mark.slow] if is_more_of_it else []
            yield pytest.param(names, command, way, id=" ".join([*names, *way]), marks=marks)


ENDS: dict[tuple[str, ...], list[str]] = {
    ("emulator", "serve"): ["--db", "x.db", "--host", "no such host"],
    ("emulator", "seed"): ["--db", "x.db", "--users", "1"],
    ("init",): ["fresh"],
    ("diff",): [".", "."],
    ("show",): ["saved.json"],
}
"""What a command needs besides, so that it comes to an end."""


@pytest.mark.parametrize(("names", "command", "way"), list(_ways()))
def test_nothing_shows_a_canary(  # noqa: PLR0917 - fixtures
    names: tuple[str, ...],
    command: click.Command,
    way: list[str],
    account: Served,
    run: Run,
    aged: Callable[[], None],
) -> None:
    # A `show` needs a saved plan of an account that differs in everything.
    if _has(command, "--api-url") or names == ("show",):
        aged()
    arguments = [*names, *ENDS.get(names, [])]
    if names == ("show",):
        assert run("plan", "--out", "saved.json", "--api-url", account.host.url).leaks() == {}
    if _has(command, "--api-url"):
        arguments += ["--api-url", account.host.url]
    if _has(command, "--yes"):
        arguments += ["--yes"]
    if _has(command, "--rotate"):
        arguments += ["--rotate", "credentials.ios", "--rotate", "credentials.old", "--rotate", "credentials.new"]
    if _has(command, "--out") and names != ("export",):
        arguments += ["--out", "kept.json"]
    ended = run(*arguments, *way)
    assert ended.code in {0, 1, 2}, ended.err
    if names == ("export",):
        # It writes what is in the account, and of that only URLs tell by themselves that a secret is in them.
        live = {name: found & {f"live {key}" for key in LIVE} for name, found in ended.leaks().items()}
        assert {name: found for name, found in live.items() if found} == {}
        known = {
            "auth token",
            "API secret",
            "APN_KEY",
            "GCM_KEY",
            "FCM_KEY",
            "certificate",
            "url_password",
            "url_token",
        }
        assert not known & set().union(*ended.leaks().values(), set())
    else:
        assert ended.leaks() == {}


def test_a_saved_plan_is_for_its_owner_alone(account: Served, run: Run) -> None:
    run("plan", "--out", "kept.json", "--api-url", account.host.url)
    assert Path("kept.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_shows_no_canary(shell: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("_RECONCILER_COMPLETE", f"{shell}_complete")
    monkeypatch.setenv("COMP_WORDS", "reconciler plan --target ")
    monkeypatch.setenv("COMP_CWORD", "3")
    assert run().leaks() == {}
    monkeypatch.setenv("_RECONCILER_COMPLETE", f"{shell}_source")
    assert run().leaks() == {}


# --- an API that repeats what it was sent ----------------------------------------------------------------------------


class Echo:
    """Passes requests on until one fits; that is refused with everything that it said, in many spellings."""

    def __init__(self, app: Emulator, fits: Callable[[Scope], bool], status: int) -> None:
        self.app, self.fits, self.status = app, fits, status

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not self.fits(scope):
            await self.app(scope, receive, send)
            return
        body = (await receive()).get("body", b"").decode()
        token = next(value for name, value in scope["headers"] if name == b"authorization").decode()
        decoded = base64.b64decode(token.partition(" ")[2]).decode()
        values = [value for _, value in parse_qsl(body, keep_blank_values=True)]
        words = [
            token, decoded, unquote_plus(body), *values, *(value.upper() for value in values),
            *(value[3:17] + "…" for value in values), *(json.dumps(value) for value in values),
            *(base64.b64encode(f"a{value}".encode()).decode() for value in values), scope["path"],
            *(unquote(value) for value in values), *(unquote(unquote(value)) for value in values),
        ]  # fmt: skip
        told = " / ".join(words)
        answer = {"code": 20001, "message": f"refused: {told}", "more_info": f"https://x.example.com/{told}"}
        headers = [(b"twilio-request-id", token.encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


@pytest.mark.parametrize("who", ["token", "key"])
@pytest.mark.parametrize("way", [["--format", "json"], ["--log-level", "debug", "--log-format", "json"], []])
@pytest.mark.parametrize("method", ["POST", "GET", "by name"])
def test_an_api_that_repeats_what_it_was_sent_leads_to_no_canary(  # noqa: PLR0917 - fixtures
    who: str,
    way: list[str],
    method: str,
    account: Served,
    aged: Callable[[], None],
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if method != "by name":
        aged()
    for name, value in CREDENTIALS[who].items():
        monkeypatch.setenv(name, value)
    account.emulator._auth_token = TOKEN if who == "token" else KEY_SECRET

    def fits(scope: Scope) -> bool:
        if method == "by name":
            return canary("IDENTITY") in scope["path"] or canary("UNIQUE_NAME") in scope["path"]
        return scope["method"] == method and (method == "POST" or scope["path"].endswith("/Webhooks"))

    if method == "by name":
        # A list that is too long to be read makes the client ask for each by its name.
        service = account.post("/v1/Services", {"FriendlyName": canary("SERVICE_NAME")})
        for number in range(60):
            account.post(f"/v1/Services/{service['sid']}/Users", {"Identity": f"u{number}"})
    account.host.app = Echo(account.emulator, fits, 400)
    ended = run("apply", "--yes", "--api-url", account.host.url, *way)
    assert ended.code == 1, ended.out
    assert "refused" in ended.out + ended.err
    assert ended.leaks() == {}


PASSWORD = "c0rrect/h0rse@b!"
ENCODED_PASSWORD = """\
version: 1
account:
  webhooks:
    target: webhook
    pre_webhook_url: "https://joe:${secret:HOOK_PW}@h.example.com/in"
    post_webhook_url: "https://h.example.com/in?token=%s"
"""


@pytest.mark.parametrize("way", [["--format", "json"], []])
@pytest.mark.parametrize("encoded", ["c0rrect%2Fh0rse%40b%21", "c0rrect%252Fh0rse%2540b%2521"])
def test_an_api_that_decodes_what_it_was_sent_shows_no_password(
    encoded: str, way: list[str], account: Served, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    write({"reconciler.yaml": ENCODED_PASSWORD % encoded})
    monkeypatch.setenv("HOOK_PW", encoded)
    account.host.app = Echo(account.emulator, lambda scope: scope["method"] == "POST", 400)
    ended = run("apply", "--yes", "--report", "report.json", "--api-url", account.host.url, *way)
    assert ended.code == 1, ended.out
    assert "refused" in ended.out + ended.err
    assert "refused" in ended.kept["report.json"]
    told = "\n".join([ended.out, ended.err, *ended.kept.values()])
    assert not {PASSWORD[start : start + 8] for start in range(9) if PASSWORD[start : start + 8] in told}


def test_wrong_credentials_are_not_repeated(account: Served, run: Run) -> None:
    account.host.app = Echo(account.emulator, lambda _scope: True, 401)
    for way in ([], ["--format", "json"], ["--log-level", "debug"]):
        ended = run("plan", "--api-url", account.host.url, *way)
        assert (ended.code, ended.leaks()) == (1, {})


# --- wrong files -----------------------------------------------------------------------------------------------------


def _broken() -> Iterator[tuple[str, list[str]]]:
    """The files with each line that holds a canary wrong in several ways."""
    lines = planted.files()["reconciler.yaml"].splitlines()
    for number, line in enumerate(lines):
        # What `sensitive` lists is known only where the file can be read, and the field is spelled right.
        if not ("${" in line or "url_" in planted.FIELDS.splitlines()[number]):
            continue
        indent = len(line) - len(line.lstrip())
        key, _, value = line.strip().partition(": ")
        pad = " " * indent
        changed = {
            "misspelt": f"{pad}x{key}: {value}",
            "twice": f"{line}\n{line}",
            "unfinished": f"{line} : [",
            "a tab": f"{line}\n\t{line}",
            "a list": f"{pad}{key}: [[{value}]]",
            "unquoted": line.replace('"', ""),
            "too long": line.replace("${secret:", "x" * 300 + "${secret:")
            if "${secret:" in line
            else line + "x" * 3000,
            "wrong name": line.replace("${secret:", "${secrt:").replace("${env:", "${evn:"),
            "open": line.replace("}", ""),
            "a blank": line.replace("https://", "https:// ").replace("${secret:", " ${secret:"),
            "a word": line.replace("${secret:", "${secret:AUTH_").replace("https", "htps"),
        }
        for how, text in changed.items():
            yield f"{number + 1} {how}", [*lines[:number], text, *lines[number + 1 :]]


@pytest.mark.parametrize("every", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_wrong_files_are_told_without_a_canary(run: Run, every: int) -> None:
    told: dict[str, str] = {}
    codes = set()
    for number, (name, lines) in enumerate(_broken()):
        if number % every:
            continue
        write({"reconciler.yaml": "\n".join(lines) + "\n"})
        ended = run("validate", *(["--format", "json"] if number % 4 == 0 else []))
        codes.add(ended.code)
        # Most lines are told again and again; to look at each once saves minutes.
        for line in (ended.out + ended.err).splitlines():
            told.setdefault(line, name)
    assert {name: found for line, name in told.items() if (found := found_in(line))} == {}
    assert codes == {0, 1}


@pytest.mark.parametrize("name", sorted(planted.environment()))
@pytest.mark.parametrize(
    "wrong",
    [
        lambda own: f"{own} \x1b]0;x\x07",
        pytest.param(lambda own: (own * 300)[:8000], marks=pytest.mark.slow),
        pytest.param(lambda own: f"IS{'0' * 32}{own}", marks=pytest.mark.slow),
    ],
    ids=["control characters", "too long", "a SID"],
)
def test_a_secret_of_a_wrong_form_is_told_without_it(
    name: str, wrong: Callable[[str], str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, wrong(planted.environment()[name]))
    for command in (("validate", "--format", "json"), ("plan", "--emulator", "a.db")):
        ended = run(*command)
        assert ended.code in {0, 1}
        assert ended.leaks() == {}


def test_an_unset_secret_is_told_by_its_name(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CRM_TOKEN")
    planned = run("plan", "--emulator", "a.db")
    assert (planned.code, planned.leaks()) == (0, {})
    assert "CRM_TOKEN, set at apply" in planned.out
    applied = run("apply", "--emulator", "a.db", "--yes")
    assert (applied.code, applied.leaks()) == (1, {})
    assert "secret CRM_TOKEN is not set" in applied.err


@pytest.mark.parametrize("where", ["reconciler.yaml", "overlay.yaml"])
def test_the_problems_as_data_hold_no_canary(where: str) -> None:
    files = planted.files()
    files.setdefault(where, "version: 1\nservices: {support: {webhooks: {post_webhook_url: 7}}}\n")
    files[where] += "unknown: {}\n"
    with pytest.raises(ConfigError) as caught:
        config.load(MemorySources(files, planted.environment()), overlays=[where] if where != "reconciler.yaml" else [])
    told = [repr(caught.value.problems), repr(caught.value), str(caught.value)]
    assert [found_in(text) for text in told] == [set(), set(), set()]


# --- a bug in each module --------------------------------------------------------------------------------------------

_TELLING = {
    "reconciler.cli", "reconciler.cli.entry", "reconciler.errors", "reconciler.api.logs", "reconciler.redaction",
}  # fmt: skip
"""What a bug is told with: one in there is told by the name of its sort alone."""


def _modules_that_run(run: Run) -> list[str]:
    """The modules of which a function is called when the planted files are applied."""
    # Once before, so that what is imported and made only once does not count, whichever test came first.
    run("apply", "--yes", "--emulator", "warm.db")
    seen: dict[str, None] = {}

    def look(frame: FrameType, _event: str, _argument: object) -> None:
        name = frame.f_globals.get("__name__", "")
        if name.startswith("reconciler."):
            seen.setdefault(name)

    sys.setprofile(look)
    try:
        run("apply", "--yes", "--emulator", "seen.db")
    finally:
        sys.setprofile(None)
    return sorted(seen)


_SORTS = (ValueError, TypeError, KeyError, RuntimeError, AttributeError)


@pytest.fixture
def handlers() -> Iterator[None]:
    """Restore the handlers of signals: a bug in the module of signals leaves them ignored, also for later tests."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    yield
    for number, handler in former.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize(
    ("part", "shift"),
    [(0, 0), *(pytest.param(part, shift, marks=pytest.mark.slow) for shift in range(5) for part in range(4))],
)
def test_a_bug_anywhere_leaves_no_canary_behind(part: int, shift: int, run: Run, tmp_path: Path) -> None:
    everything = [name for name in _modules_that_run(run) if name not in _TELLING]
    assert len(everything) > 60
    modules = everything[part::4]
    secrets = " ".join(planted.environment().values())
    ended: dict[str, int] = {}
    leaks: dict[str, dict[str, set[str]]] = {}
    for number, module in enumerate(modules):
        # Whatever catches a sort of error for another reason must not repeat its text either.
        sort: type[Exception] = _SORTS[(number + shift) % len(_SORTS)]
        raised = False

        def fail(frame: FrameType, event: str, _argument: object, module: str = module, sort: Any = sort) -> None:
            nonlocal raised
            if not raised and event == "call" and frame.f_globals.get("__name__") == module:
                raised = True
                # A profiler that raises is taken away; the error comes out of the function that was called.
                raise sort(f"{secrets} {TOKEN} {frame.f_locals}")

        sys.setprofile(fail)
        try:
            result = run("apply", "--yes", "--emulator", f"{number}.db")
        finally:
            sys.setprofile(None)
        assert raised, module
        ended[module] = result.code
        if result.leaks():
            leaks[module] = result.leaks()
    assert leaks == {}
    assert set(ended.values()) <= {70, 1, 0}, ended
    assert sum(code == 70 for code in ended.values()) > 12, ended
    assert len(list((tmp_path / "crashes").glob("reconciler-bug-*"))) > 12


# --- the emulator's file ---------------------------------------------------------------------------------------------


def test_the_emulators_file_holds_what_an_account_holds_and_nothing_else(run: Run, here: Path) -> None:
    assert run("apply", "--yes", "--emulator", "a.db").code == 0
    assert (here / "a.db").stat().st_mode & 0o777 == 0o600
    connection = sqlite3.connect("a.db")
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = [row for table in tables for row in connection.execute(f"SELECT * FROM {table}")]
    connection.close()
    everything = found_in(repr(rows))
    never_returned = {"APN_KEY", "GCM_KEY", "FCM_KEY", "certificate"}
    assert everything & never_returned == set()
    assert everything & {"auth token", "API secret"} == set()
    assert everything >= {"url_password", "WHOLE_URL", "TRIGGER_URL"}
