"""What an apply writes down while it runs, and what the next run makes of it: the command, with its process killed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import socket
import stat
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.address import Address
from reconciler.api.client import ReadClient
from reconciler.api.credentials import Credentials
from reconciler.api.hosts import twilio_url
from reconciler.documents.journal import JournalScope, journal_text
from reconciler.documents.report import parse_report
from reconciler.emulator import Emulator, Store
from reconciler.execution.journal_file import JournalFile
from reconciler.journal import UnfinishedReplace
from reconciler.kinds import BY_NAME
from tests.oracles.account import Account, picture
from tests.oracles.command import Folder, Run
from tests.oracles.recorder import Fault

NUMBER = "+14155550111"
FILES = f"version: 1\naddresses: {{'{NUMBER}': {{type: sms, address_country: US}}}}\n"
SECRET_URL = "https://hooks.example.com/in?token=s3cr3t-of-the-account"
BETWEEN = Fault("killed after", 0)
"""The process dies between the delete and the create."""


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def account() -> Account:
    account = Account()
    account.address(
        NUMBER,
        FriendlyName="Main line",
        AutoCreation__Enabled="true",
        AutoCreation__Type="webhook",
        AutoCreation__WebhookUrl=SECRET_URL,
        AutoCreation__WebhookFilters=["onMessageAdded"],
    )
    return account


def apply(folder: Folder, account: Account, *options: str, fault: Fault | None = None) -> Run:
    return folder.run(account, "apply", "--yes", "--format", "json", *options, fault=fault)


def scope_of(account: Account) -> JournalScope:
    """What the journals of these tests belong to."""
    return JournalScope(
        account_sid="AC" + "0" * 32,
        root="reconciler.yaml",
        endpoint=f"emulator {account.emulator.store.public_id()}",
        key=Credentials("AC" + "0" * 32, "emulator", "AC" + "0" * 32).signing_key(),
    )


def killed(folder: Folder, account: Account, *options: str, files: str = FILES, fault: Fault = BETWEEN) -> None:
    folder.write(files)
    assert apply(folder, account, *options, fault=fault).was_killed


def journals(folder: Folder) -> list[Path]:
    return sorted(folder.path.glob(".reconciler/*.json"))


def expected() -> list[str]:
    """The account after an apply that nothing disturbed."""
    account = Account()
    account.address(
        NUMBER,
        FriendlyName="Main line",
        AddressCountry="US",
        AutoCreation__Enabled="true",
        AutoCreation__Type="webhook",
        AutoCreation__WebhookUrl=SECRET_URL,
        AutoCreation__WebhookFilters=["onMessageAdded"],
    )
    return picture(account.state())


def test_a_run_after_a_kill_between_delete_and_create_restores_what_only_the_account_had(
    folder: Folder, account: Account
) -> None:
    killed(folder, account)
    assert not any(row["kind"] == "address" for row in account.state().values())
    (journal,) = journals(folder)
    assert stat.S_IMODE(journal.stat().st_mode) == 0o600
    plan = folder.run(account, "plan", "--format", "json").document
    (change,) = plan["changes"]
    assert (change["action"], change["reason"]) == (
        "create",
        "deleted by an interrupted apply; saved values are restored",
    )
    restored = {item["path"]: item for item in change["fields"] if item["source"]["file"].endswith(journal.name)}
    assert {path: item["sensitive"] for path, item in restored.items()} == {
        "friendly_name": False,
        "auto_creation.enabled": False,
        "auto_creation.type": False,
        "auto_creation.webhook_url": True,
        "auto_creation.webhook_method": False,
        "auto_creation.webhook_filters": False,
    }
    assert restored["friendly_name"]["after"] == "Main line"
    assert restored["friendly_name"]["source"]["via"] == "saved by an interrupted apply"
    assert "s3cr3t" not in json.dumps(plan)
    run = apply(folder, account)
    assert run.code == 0, run.out + run.err
    assert "s3cr3t" not in run.out + run.err
    assert picture(account.state()) == expected()
    assert not (folder.path / ".reconciler").exists()
    assert apply(folder, account).writes == []


def test_an_apply_leaves_nothing_behind(folder: Folder, account: Account) -> None:
    folder.write(FILES)
    run = apply(folder, account, "--report", "report.json")
    assert run.code == 0
    assert sorted(path.name for path in folder.path.iterdir() if not path.name.startswith("account.db")) == [
        "reconciler.yaml",
        "report.json",
    ]
    assert (folder.path / "report.json").read_text() == run.out


def test_the_report_is_written_during_the_apply_and_restores_what_may_be_shown(
    folder: Folder, account: Account
) -> None:
    killed(folder, account, "--report", "report.json")
    report = json.loads((folder.path / "report.json").read_text())
    assert (report["ended"], report["interrupted"]) == (False, True)
    (entry,) = report["unfinished"]
    assert entry["values"]["friendly_name"] == "Main line"
    assert (entry["sensitive"], "auto_creation.webhook_url" in entry["values"]) == (
        ["auto_creation.webhook_url"],
        False,
    )
    shown = parse_report((folder.path / "report.json").read_bytes(), "report.json")
    assert [outcome.status for outcome in shown.changes[0].outcomes] == ["interrupted", "skipped"]
    # In a pipeline, the next run may have the report and nothing else.
    (journal,) = journals(folder)
    journal.unlink()
    folder.write(
        FILES.replace("address_country: US", f"address_country: US, auto_creation: {{webhook_url: '{SECRET_URL}'}}")
    )
    run = apply(folder, account, "--report", "report.json")
    assert run.code == 0, run.out + run.err
    assert picture(account.state()) == expected()
    assert "unfinished" not in json.loads((folder.path / "report.json").read_text())


def test_a_value_that_only_the_lost_journal_held_is_reported(folder: Folder, account: Account) -> None:
    killed(
        folder,
        account,
        "--report",
        "report.json",
        files=FILES.replace("type: sms,", "type: sms, sensitive: [friendly_name],"),
    )
    (journal,) = journals(folder)
    journal.unlink()
    folder.write(
        FILES.replace("type: sms,", f"type: sms, auto_creation: {{webhook_url: '{SECRET_URL}'}},").replace(
            "type: sms,", "type: sms, sensitive: [friendly_name],"
        )
    )
    run = folder.run(account, "apply", "--report", "report.json", "--yes")
    assert "friendly_name" in run.out
    assert (
        "Run this command in the folder that contains that apply's .reconciler/, or set the value in the configuration."
        in " ".join(run.out.split())
    )


def test_a_file_that_is_not_a_report_is_not_replaced(folder: Folder, account: Account) -> None:
    folder.write(FILES)
    run = apply(folder, account, "--report", "reconciler.yaml")
    assert (run.code, run.writes) == (1, [])
    assert (folder.path / "reconciler.yaml").read_text() == FILES


def test_nothing_is_sent_where_the_journal_cannot_be_written(folder: Folder, account: Account) -> None:
    folder.write(FILES)
    (folder.path / ".reconciler").write_text("a file")
    run = apply(folder, account)
    assert (run.code, run.writes) == (1, [])
    assert "nothing was sent" in run.out + run.err


def test_the_delete_is_not_sent_when_the_disk_is_full(
    folder: Folder, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write(FILES)

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    run = apply(folder, account)
    assert (run.code, run.writes) == (1, [])
    assert "No space left on device" in run.out
    monkeypatch.undo()
    assert apply(folder, account).code == 0
    assert picture(account.state()) == expected()


def test_one_apply_writes_the_journal_at_a_time(folder: Folder, account: Account) -> None:
    import fcntl

    killed(folder, account)
    (journal,) = journals(folder)
    with journal.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run = apply(folder, account)
        assert (run.code, run.writes) == (1, [])
        assert "another apply of this configuration is running" in run.out + run.err
    assert apply(folder, account).code == 0


EXISTS_AGAIN = pytest.mark.parametrize(
    "values",
    [
        {"FriendlyName": "By somebody else", "AddressCountry": "US"},
        {"AddressCountry": "US"},
        {"FriendlyName": "Main line", "AddressCountry": "US", "AutoCreation__Enabled": "true"},
    ],
    ids=["another name", "nothing", "some of it"],
)


@EXISTS_AGAIN
def test_saved_values_that_a_resource_lacks_stay_saved_with_a_warning(
    folder: Folder, account: Account, values: dict[str, str]
) -> None:
    killed(folder, account)
    account.address(NUMBER, **values)
    before = picture(account.state())
    for _ in range(2):
        run = apply(folder, account)
        assert (run.code, run.writes) == (0, [])
        assert picture(account.state()) == before
    (journal,) = journals(folder)
    shown = " ".join(folder.run(account, "plan").out.split()).replace(" ", "")
    for words in (
        "auto_creation.webhook_url",
        "exists again without them",
        f"to discard them, delete .reconciler/{journal.name}",
    ):
        assert words.replace(" ", "") in shown
    assert "s3cr3t" not in shown
    journal.unlink()
    assert folder.run(account, "plan", "--format", "json").document["warnings"] == []


@EXISTS_AGAIN
def test_saved_values_that_the_configuration_sets_by_now_are_forgotten(
    folder: Folder, account: Account, values: dict[str, str]
) -> None:
    killed(folder, account)
    account.address(NUMBER, **values)
    folder.write(
        FILES.replace(
            "address_country: US",
            "address_country: US, friendly_name: Main line, auto_creation: {enabled: true, type: webhook, "
            f"webhook_url: '{SECRET_URL}', webhook_method: POST, webhook_filters: [onMessageAdded]}}",
        )
    )
    assert apply(folder, account).code == 0
    assert picture(account.state()) == expected()
    assert apply(folder, account).writes == []
    assert journals(folder) == []


def test_a_value_that_a_report_may_not_hold_is_reported_while_the_resource_lacks_it(
    folder: Folder, account: Account
) -> None:
    sets = "friendly_name: Main line, auto_creation: {enabled: true, type: webhook, webhook_method: POST, "
    files = FILES.replace("type: sms,", f"type: sms, {sets}webhook_filters: [onMessageAdded]}},")
    report = ("--report", "report.json")
    killed(folder, account, *report, files=files)
    (journal,) = journals(folder)
    journal.unlink()
    account.address(NUMBER, FriendlyName="Main line", AddressCountry="US")
    folder.write(FILES)
    for _ in range(2):
        run = folder.run(account, "apply", "--yes", *report)
        assert (run.code, run.writes) == (0, [])
        shown = " ".join(run.out.split())
        assert f"report.json cannot hold auto_creation.webhook_url of addresses['{NUMBER}']".replace("'", '"') in shown
    (folder.path / "report.json").unlink()
    assert "not-restored" not in folder.run(account, "plan", "--format", "json").out


def test_a_resource_that_has_every_saved_value_again_needs_no_journal(folder: Folder, account: Account) -> None:
    killed(folder, account, fault=Fault("killed after", 1))
    assert len(journals(folder)) == 1
    run = apply(folder, account)
    assert (run.code, run.writes, journals(folder)) == (0, [], [])
    assert picture(account.state()) == expected()


def test_saved_values_of_a_resource_with_another_name_by_now_stay_saved(folder: Folder, account: Account) -> None:
    files = FILES.replace(f"'{NUMBER}': {{", f"main: {{address: '{NUMBER}', ")
    killed(folder, account, files=files)
    folder.write(files.replace(NUMBER, "+14155550122"))
    assert "declares under another name" in " ".join(folder.run(account, "plan").out.split())
    assert apply(folder, account).code == 0
    assert len(journals(folder)) == 1
    folder.write("version: 1\naddresses: {main: {absent: true, address: '+14155550122'}}\n")
    assert [item["code"] for item in folder.run(account, "plan", "--format", "json").document["warnings"]] == [
        "not-restored"
    ]
    assert apply(folder, account).code == 0
    assert len(journals(folder)) == 1


@pytest.mark.parametrize("what", ["folder", "fifo", "socket", "device"])
@pytest.mark.parametrize("name", ["journal", "report"])
def test_what_is_not_a_regular_file_is_refused_where_a_file_is_read(
    folder: Folder, account: Account, what: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(folder, account)
    (journal,) = journals(folder)
    path = journal if name == "journal" else folder.path / "report.json"
    path.unlink(missing_ok=True)
    before = picture(account.state())
    if what == "folder":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "socket":
        monkeypatch.chdir(path.parent)  # the path of a socket is at most about 100 characters
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind(path.name)
        monkeypatch.undo()
    else:
        path.symlink_to("/dev/null")
    options = ("--report", "report.json") if name == "report" else ()
    run = folder.run(account, "apply", "--yes", *options)
    assert (run.code, run.writes) == (1, []), run.out + run.err
    assert path.name in "".join(run.err.split())
    assert "not a regular file" in " ".join(run.err.split())
    assert "Traceback" not in run.err
    assert picture(account.state()) == before


def test_a_journal_that_cannot_be_read_is_an_error(
    folder: Folder, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed(folder, account)
    (journal,) = journals(folder)

    def denied(path: Any, *arguments: Any, **more: Any) -> int:
        if Path(path).name == journal.name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return opened(path, *arguments, **more)

    opened = os.open
    monkeypatch.setattr(os, "open", denied)
    run = folder.run(account, "apply", "--yes")
    assert (run.code, run.writes) == (1, [])
    assert "Permission denied" in run.err


def test_another_account_is_not_given_what_this_one_lost(folder: Folder, account: Account) -> None:
    killed(folder, account)
    (journal,) = journals(folder)
    scope = scope_of(account)
    for other in (
        replace(scope, account_sid="AC" + "9" * 32),
        replace(scope, root="other.yaml"),
        replace(scope, endpoint="ie1.twilio.com"),
    ):
        assert JournalFile(folder.path, other).load() == ()
    assert [entry.name for entry in JournalFile(folder.path, scope).load()] == [NUMBER]
    assert journals(folder) == [journal]


@pytest.mark.parametrize(("first", "second"), [(("--env", "prod"), ()), ((), ("--env", "prod"))])
def test_a_run_in_another_environment_of_the_account_restores_the_values(
    folder: Folder, account: Account, first: tuple[str, ...], second: tuple[str, ...]
) -> None:
    killed(folder, account, *first, files=FILES + "environments: {prod: {}}\n")
    assert apply(folder, account, *second).code == 0
    assert picture(account.state()) == expected()
    assert journals(folder) == []


def test_a_rename_of_another_environment_is_reported_and_left_to_it(folder: Folder) -> None:
    account = with_default_role()
    head = "version: 1\nservices: {support: {friendly_name: Support}}\n"
    folder.write(head + "environments: {prod: {overlays: [prod.yaml]}}\n")
    (folder.path / "prod.yaml").write_text(RENAMED)
    assert apply(folder, account, "--env", "prod", fault=Fault("killed after", 0)).was_killed
    run = apply(folder, account)
    assert (run.code, run.writes) == (0, [])
    plan = folder.run(account, "plan", "--format", "json").document
    assert [(item["code"], item["hint"]) for item in plan["warnings"]] == [
        ("not-completed", "To complete it, run that apply again, with --env prod.")
    ]
    assert apply(folder, account, "--env", "prod").code == 0
    assert not any("service:old" in line for line in picture(account.state()))
    assert journals(folder) == []


def test_values_of_what_is_no_longer_declared_are_kept_and_reported(folder: Folder, account: Account) -> None:
    killed(folder, account)
    folder.write("version: 1\naddresses: {}\n")
    plan = folder.run(account, "plan", "--format", "json").document
    assert [item["code"] for item in plan["warnings"]] == ["not-restored"]
    apply(folder, account)
    folder.write(FILES)
    assert apply(folder, account).code == 0
    assert picture(account.state()) == expected()


def test_declared_values_win_over_saved_ones(folder: Folder, account: Account) -> None:
    killed(folder, account)
    folder.write(FILES.replace("type: sms,", "type: sms, friendly_name: New name,"))
    assert apply(folder, account).code == 0
    (line,) = [line for line in picture(account.state()) if "/address:" in line]
    assert '"friendly_name": "New name"' in line
    assert SECRET_URL in line


def edit(**changes: Any) -> Callable[[dict[str, Any]], None]:
    def edited(document: dict[str, Any]) -> None:
        document["entries"][0].update(changes)

    return edited


@pytest.mark.parametrize(
    "change",
    [
        edit(values={"friendly_name": {"secret": "X"}}),
        edit(values={"friendly_name": 7}),
        edit(values={"auto_creation.enabled": "true"}),
        edit(values={"auto_creation.webhook_filters": ["a", 1]}),
        edit(values={"__class__": "x"}),
        edit(kind="service_configuration"),
        edit(kind="nothing"),
        edit(address="services.club.roles.agent"),
        edit(address="a..b"),
        edit(more="x"),
        lambda document: document.update(account_sid="AC" + "1" * 32),
        lambda document: document.update(environment="prod"),
        lambda document: document.update(format_version=2),
        lambda document: document.update(format_version=True),
        lambda document: document.pop("entries"),
    ],
)
def test_an_edited_journal_is_refused_with_a_way_out(
    folder: Folder, account: Account, change: Callable[[dict[str, Any]], None]
) -> None:
    killed(folder, account)
    (journal,) = journals(folder)
    document = json.loads(journal.read_text())
    change(document)
    journal.write_text(json.dumps(document))
    for command in (["plan"], ["apply", "--yes"]):
        run = folder.run(account, *command)
        assert (run.code, run.writes) == (1, [])
        said = " ".join((run.out + run.err).split())
        assert "restore the file, or delete it to continue without them" in said
        assert "s3cr3t" not in said


@pytest.mark.parametrize("text", ["", "{", "[" * 100_000, "null", '{"format": "reconciler.plan"}'])
def test_a_journal_that_is_no_journal_is_refused(folder: Folder, account: Account, text: str) -> None:
    killed(folder, account)
    (journal,) = journals(folder)
    journal.write_text(text)
    run = folder.run(account, "apply", "--yes")
    assert (run.code, run.writes) == (1, [])


def test_a_journal_is_not_read_through_a_link(folder: Folder, account: Account) -> None:
    killed(folder, account)
    (journal,) = journals(folder)
    kept = journal.parent.rename(folder.path / "public")
    journal.parent.symlink_to(kept, target_is_directory=True)
    run = folder.run(account, "apply", "--yes")
    assert (run.code, run.writes) == (1, [])
    assert ".reconciler is a link" in run.err
    journal.parent.unlink()
    kept.rename(journal.parent)
    journal.rename(folder.path / "elsewhere.json")
    journal.symlink_to(folder.path / "elsewhere.json")
    run = folder.run(account, "apply", "--yes")
    assert (run.code, run.writes) == (1, [])


def test_a_service_that_a_restored_address_uses_is_not_deleted(folder: Folder) -> None:
    account = Account()
    service = account.service("Old").rpartition("/")[2]
    account.address(
        NUMBER, AutoCreation__Enabled="true", AutoCreation__Type="default", AutoCreation__ConversationServiceSid=service
    )
    files = FILES + "services: {old: {friendly_name: Old, absent: true}}\napprovals: [{address: services.old}]\n"
    folder.write(files)
    undisturbed = account.copied()
    assert apply(folder, undisturbed).code == 5
    assert apply(folder, account, fault=BETWEEN).was_killed
    run = apply(folder, account)
    assert run.code == 5, run.out + run.err
    assert picture(account.state()) == picture(undisturbed.state())


# --- whose journal it is ----------------------------------------------------------------------------------------------


def test_an_apply_to_another_database_neither_uses_nor_removes_a_journal(folder: Folder, account: Account) -> None:
    killed(folder, account)
    (journal,) = journals(folder)
    content = journal.read_bytes()
    empty, full = Account(), Account()
    full.address(NUMBER, AddressCountry="US")
    for other in (empty, full):
        run = apply(folder, other)
        assert run.code == 0, run.out + run.err
        assert not any("Main line" in line for line in picture(other.state()))
        assert journal.read_bytes() == content
    assert apply(folder, account).code == 0
    assert picture(account.state()) == expected()


def test_a_report_of_another_database_is_neither_used_nor_replaced(folder: Folder, account: Account) -> None:
    killed(folder, account, "--report", "report.json")
    content = (folder.path / "report.json").read_bytes()
    other = Account()
    run = apply(folder, other, "--report", "report.json")
    assert (run.code, run.writes) == (1, [])
    assert "Use another file" in " ".join(run.err.split())
    assert (folder.path / "report.json").read_bytes() == content
    assert apply(folder, account, "--report", "report.json").code == 0


def test_an_apply_to_a_region_or_host_has_its_own_journal() -> None:
    def named(url: str) -> str:
        return ReadClient(url, Credentials("AC" + "1" * 32, "secret", "AC" + "1" * 32)).endpoint

    us = named("https://conversations.twilio.com")
    assert us == "us1.twilio.com"
    # An edge is only the way in.
    assert {named(twilio_url(region, edge)) for region, edge in (("us1", ""), ("", "dublin"), ("us1", "tokyo"))} == {us}
    assert named(twilio_url("ie1", "")) == named(twilio_url("ie1", "ashburn")) == "ie1.twilio.com"
    assert named("http://localhost:4010") == named("http://127.0.0.1:4010") == named("http://[::1]:4010")
    others = ["http://localhost:4011", "https://api.example.com", "https://api.example.com/proxy", twilio_url("ie1")]
    assert len({us, named("http://localhost:4010"), *map(named, others)}) == 2 + len(others)


def test_an_emulator_keeps_its_identity_on_another_port(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "one.db")
    with contextlib.closing(store), contextlib.closing(Store.open(tmp_path / "other.db")) as other:
        first = store.public_id()
        assert first != other.public_id()
    with contextlib.closing(Store.open(tmp_path / "one.db")) as again:
        assert again.public_id() == first


def forged(account: Account, entry: UnfinishedReplace) -> str:
    """A journal as somebody would write it who knows everything but the credentials."""
    return journal_text(replace(scope_of(account), key=b"guessed"), [entry])


def test_a_forged_journal_deletes_nothing(folder: Folder) -> None:
    account = Account()
    service = account.service("Support")
    role = account.role(service, "old").rpartition("/")[2]
    account.role(service, "member")
    folder.write(RENAMED)
    before = picture(account.state())
    entry = UnfinishedReplace(
        Address.parse("services.support.roles.member"), BY_NAME["role"], role, "old", (service.rpartition("/")[2],)
    )
    path = JournalFile(folder.path, scope_of(account)).path
    path.parent.mkdir()
    path.write_text(forged(account, entry))
    run = apply(folder, account)
    assert (run.code, run.writes) == (1, [])
    assert "with other credentials" in " ".join(run.err.split())
    assert picture(account.state()) == before
    # The same with the right key, but for a role of another name or type than the live one.
    for wrong in (replace(entry, name="anything"), replace(entry, former={"type": "conversation"})):
        path.parent.mkdir(exist_ok=True)
        path.write_text(journal_text(scope_of(account), [wrong]))
        run = apply(folder, account)
        assert (run.code, [exchange.method for exchange in run.writes if exchange.method == "DELETE"]) == (0, [])


def test_an_entry_from_another_plan_key_is_refused(folder: Folder, account: Account) -> None:
    folder.write(FILES)
    key = {"RECONCILER_PLAN_KEY": "k" * 32}
    run = folder.run(account, "apply", "--yes", fault=BETWEEN, environment=key)
    assert run.was_killed
    run = apply(folder, account)
    assert (run.code, run.writes) == (1, [])
    assert "another RECONCILER_PLAN_KEY" in " ".join(run.err.split())
    assert folder.run(account, "apply", "--yes", environment=key).code == 0
    assert picture(account.state()) == expected()


def test_an_edited_report_restores_nothing(folder: Folder, account: Account) -> None:
    killed(folder, account, "--report", "report.json")
    path = folder.path / "report.json"
    path.write_text(path.read_text().replace("Main line", "Mean line"))
    (journal,) = journals(folder)
    journal.unlink()
    run = apply(folder, account, "--report", "report.json")
    assert (run.code, run.writes) == (1, [])
    assert "was edited" in " ".join(run.err.split())


@pytest.mark.parametrize("file", ["journal", "report"])
def test_what_git_tracks_is_not_believed(folder: Folder, account: Account, file: str) -> None:
    killed(folder, account, "--report", "report.json")
    (journal,) = journals(folder)
    if file == "report":
        journal.unlink()
    path = journal if file == "journal" else folder.path / "report.json"
    for command in (["init", "-q"], ["add", "-f", str(path)]):
        subprocess.run(["git", *command], cwd=folder.path, check=True)
    run = apply(folder, account, *(() if file == "journal" else ("--report", "report.json")))
    assert (run.code, run.writes) == (1, [])
    assert "git tracks" in " ".join(run.err.split())
    subprocess.run(["git", "rm", "-q", "--cached", str(path)], cwd=folder.path, check=True)
    if file == "journal":
        assert apply(folder, account).code == 0
        return
    run = folder.run(account, "apply", "--yes", "--report", "report.json")
    assert (run.code, run.writes) == (1, [])
    assert "webhook_url, which is sensitive, so report.json does not contain it" in " ".join(run.err.split())


def test_files_that_form_a_repository_cannot_deny_that_git_tracks_the_journal(folder: Folder, account: Account) -> None:
    killed(folder, account)
    (journal,) = journals(folder)
    (journal.parent / "HEAD").write_text("ref: refs/heads/main\n")
    for name in ("objects", "refs"):
        (journal.parent / name).mkdir()
    for command in (["init", "-q"], ["add", "-f", str(journal)]):
        subprocess.run(["git", *command], cwd=folder.path, check=True)
    run = apply(folder, account)
    assert (run.code, run.writes) == (1, [])
    assert "looks like a git repository inside of another one" in " ".join(run.err.split())


# --- names that may not be shown --------------------------------------------------------------------------------------

SECRET_USER = """
version: 1
services:
  support:
    friendly_name: Support
    users: {vip: {identity: vip-2, renamed_from: vip-s3cr3t, sensitive: [identity]}}
"""
SECRET_HOOK = """
version: 1
services:
  support:
    friendly_name: Support
    conversations:
      room:
        webhooks:
          bot: {target: trigger, triggers: [help], url: "https://hooks.example.com/in?token=${secret:TOKEN}",
            renamed_from: "webhook https://hooks.example.com/in?token=s3cr3t-of-the-account"}
"""


@pytest.mark.parametrize("files", [SECRET_USER, SECRET_HOOK], ids=["sensitive", "token in a URL"])
@pytest.mark.parametrize("failure", ["killed before", "killed after", "refused"])
@pytest.mark.parametrize("at", [0, 1])
def test_a_natural_key_that_may_not_be_shown_is_in_no_report_and_the_report_is_enough_to_resume(
    folder: Folder, failure: Any, at: int, files: str
) -> None:
    account, environment = Account(), {"TOKEN": "s3cr3t-of-the-account"}
    service = account.service("Support")
    account.user(service, "vip-s3cr3t", FriendlyName="Vip")
    room = account.post(f"{service}/Conversations", UniqueName="room")
    hooks = f"{service}/Conversations/{room}/Webhooks"
    account.post(
        hooks, {"Target": "webhook", "Configuration.Url": SECRET_URL, "Configuration.Filters": ["onMessageAdded"]}
    )
    folder.write(files)
    options = ("apply", "--yes", "--report", "report.json")
    run = folder.run(account, *options, fault=Fault(failure, at), environment=environment)
    assert run.was_killed or run.code == 1
    report = (folder.path / "report.json").read_text()
    assert "s3cr3t" not in report + run.out + run.err
    assert bool(json.loads(report)["unfinished"])
    for journal in journals(folder):
        journal.unlink()
    plan = folder.run(account, "plan", environment=environment)
    assert "s3cr3t" not in plan.out + plan.err
    run = folder.run(account, *options, environment=environment)
    assert "s3cr3t" not in run.out + run.err + (folder.path / "report.json").read_text()
    if files == SECRET_USER:
        assert run.code == 0, run.out + run.err
        end = picture(account.state())
        assert [line.partition(" ")[0] for line in end if "/user:" in line] == ["/service:Support/user:vip-2"]


# --- an approved plan, and renames ------------------------------------------------------------------------------------

RENAMED = """
version: 1
services:
  support:
    friendly_name: Support
    roles: {member: {renamed_from: old, type: service, permissions: [joinConversation]}}
"""


def with_default_role() -> Account:
    # Its clock is the real one, like that of the plan file.
    account = Account(Emulator(Store.open(":memory:")))
    service = account.service("Support")
    account.default_roles(service, user=account.role(service, "old"))
    return account


@pytest.mark.parametrize("failure", ["killed before", "killed after", "refused"])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_an_approved_plan_can_be_applied_again_after_an_interrupted_rename(
    folder: Folder, failure: Any, at: int
) -> None:
    account = with_default_role()
    folder.write(RENAMED)
    assert folder.run(account, "plan", "--out", "plan.json").code == 0
    run = folder.run(account, "apply", "--plan", "plan.json", fault=Fault(failure, at))
    # A role that Twilio refuses to delete is kept, and the next run tries again.
    assert run.was_killed or run.code == (5 if at == 2 else 1)
    run = folder.run(account, "apply", "--plan", "plan.json")
    assert run.code == 0, run.out + run.err
    end = picture(account.state())
    assert not any("service:old" in line for line in end)
    assert any('"default_chat_service_role_sid": "→/service:Support/role:service:member"' in line for line in end)
    assert not (folder.path / ".reconciler").exists()


def test_an_approved_plan_restores_what_was_saved(folder: Folder, account: Account) -> None:
    folder.write(FILES)
    assert folder.run(account, "plan", "--out", "plan.json").code == 0
    assert folder.run(account, "apply", "--plan", "plan.json", fault=BETWEEN).was_killed
    run = folder.run(account, "apply", "--plan", "plan.json")
    assert run.code == 0, run.out + run.err
    assert picture(account.state()) == expected()


RENAMED_ADDRESS = """
version: 1
addresses: {main: {address: '+14155550122', renamed_from: '+14155550111'}}
"""
RENAMED_USER = """
version: 1
services: {support: {friendly_name: Support, users: {ada.l: {renamed_from: ada}}}}
"""


@pytest.mark.parametrize("files", [RENAMED_ADDRESS, RENAMED_USER], ids=["address", "user"])
@pytest.mark.parametrize("failure", ["killed before", "killed after", "refused"])
@pytest.mark.parametrize("at", [0, 1])
def test_an_approved_rename_states_the_effects_of_each_of_its_parts_so_that_it_can_be_resumed(
    folder: Folder, account: Account, files: str, failure: Any, at: int
) -> None:
    account = Account(Emulator(Store.open(":memory:")))
    account.address(NUMBER, AutoCreation__Enabled="true", AutoCreation__Type="default")
    account.user(account.service("Support"), "ada")
    folder.write(files)
    plan = folder.run(account, "plan", "--out", "plan.json")
    assert plan.code == 0
    shown = " ".join(plan.out.split())
    if files == RENAMED_ADDRESS:
        assert "Messages to +14155550111 no longer start conversations." in shown
        assert "Messages to +14155550122 that belong to no conversation start one." in shown
    else:
        assert "ada is removed from all of its conversations." in shown
    run = folder.run(account, "apply", "--plan", "plan.json", fault=Fault(failure, at))
    assert run.was_killed or run.code == 1
    plan = folder.run(account, "plan")
    assert "Remove renamed_from" not in plan.out or "No changes" in plan.out or "No changes" in plan.out
    run = folder.run(account, "apply", "--plan", "plan.json")
    assert run.code == 0, run.out + run.err
    end = picture(account.state())
    assert not any(NUMBER in line if files == RENAMED_ADDRESS else "/user:ada " in line for line in end)
