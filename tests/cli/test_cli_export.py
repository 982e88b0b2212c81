"""``reconciler export``: to standard output, into a folder, and never over what a person wrote."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.export import MARK
from tests.commands import Result

Cli = Callable[..., Result]
EMULATED = ("--emulator", "demo.db")


def test_an_export_to_standard_output_plans_as_empty(cli: Cli, files: Path) -> None:
    assert cli("apply", *EMULATED, "--yes").code == 0
    exported = cli("export", *EMULATED)
    assert (exported.code, exported.err) == (0, "")
    assert exported.out.startswith(MARK)
    assert "sid: AC00000000000000000000000000000000" in exported.out
    files.write_text(exported.out)
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0
    assert cli("validate", "--strict").code == 0
    assert cli("export", *EMULATED) == exported


def test_a_folder_gets_one_file_for_each_service(cli: Cli, files: Path, tmp_path: Path) -> None:
    assert files.exists()
    cli("apply", *EMULATED, "--yes")
    exported = cli("export", *EMULATED, "--out", "conf")
    assert exported == Result(
        0,
        "",
        "Wrote 3 files to conf.\n"
        "The settings are sealed: if you remove one from the files, an apply clears its\n"
        "live value. To stop managing settings, remove `sealed: true` too, or list them\n"
        "in `unmanaged.ignore`.\n"
        "Next: reconciler plan conf --emulator demo.db\n",
    )
    written = sorted(tmp_path.glob("conf/**/*.yaml"))
    assert [path.relative_to(tmp_path / "conf").as_posix() for path in written] == [
        "reconciler.yaml",
        "services/customer-support.yaml",
        "services/default-conversations-service.yaml",
    ]
    assert {stat.S_IMODE(path.stat().st_mode) for path in written} == {0o644}
    assert list(tmp_path.glob("conf/**/.*")) == []
    assert cli("plan", "conf", *EMULATED, "--detailed-exitcode").code == 0


def test_exporting_again_keeps_handles_and_leaves_files_of_people_alone(cli: Cli, files: Path, tmp_path: Path) -> None:
    assert files.exists()
    cli("apply", *EMULATED, "--yes")
    # `support` is the handle that a person chose; the file is theirs, and edits of it need approval.
    before = files.read_bytes()
    refused = cli("export", *EMULATED, "--out", ".")
    assert refused.code == 1
    assert "Use --yes, or --dry-run" in refused.err
    assert files.read_bytes() == before
    assert not (tmp_path / "services").exists()
    forced = cli("export", *EMULATED, "--out", ".", "--force")
    assert forced.code == 0, forced.err
    assert "  support:\n    friendly_name: Customer Support\n" in (tmp_path / "services" / "support.yaml").read_text()
    written = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    assert cli("export", *EMULATED, "--out", ".").code == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")} == written


@pytest.mark.usefixtures("account")
def test_what_is_no_longer_part_of_an_export_is_named(cli: Cli, tmp_path: Path) -> None:
    assert cli("export", *EMULATED, "--out", "conf").code == 0
    old = tmp_path / "conf" / "services" / "old.yaml"
    old.write_text(f"{MARK}\nservices: {{old: {{}}}}\n")
    again = cli("export", *EMULATED, "--out", "conf")
    assert (
        "No longer part of the configuration; delete them if you do not need them: conf/services/old.yaml" in again.err
    )
    assert old.exists()
    assert cli("plan", "conf", *EMULATED, "--detailed-exitcode").code == 0


@pytest.mark.usefixtures("account")
def test_files_of_another_account_are_not_written_over(cli: Cli, tmp_path: Path) -> None:
    assert cli("export", *EMULATED, "--out", "conf").code == 0
    root = tmp_path / "conf" / "reconciler.yaml"
    root.write_text(root.read_text().replace("AC" + "0" * 32, "AC" + "1" * 32))
    refused = cli("export", *EMULATED, "--out", "conf", "--force")
    assert refused.code == 1
    assert "the existing configuration is for account AC1111" in refused.err


def test_files_that_do_not_load_are_not_written_over(cli: Cli, tmp_path: Path) -> None:
    # Nobody can tell then which of their values they take from secrets.
    (tmp_path / "conf").mkdir()
    root = tmp_path / "conf" / "reconciler.yaml"
    root.write_text(f"{MARK}\nversion: 2\n")
    refused = cli("export", *EMULATED, "--out", "conf", "--force")
    assert refused.code == 1
    assert " ".join(refused.err.split()) == (
        'Error: the existing configuration is invalid (conf/reconciler.yaml:2:10: unsupported version "2"), so an '
        "export cannot keep its handles and the values that it takes from secrets; fix it (`reconciler validate` lists "
        "every problem), or name another folder"
    )
    assert root.read_text() == f"{MARK}\nversion: 2\n"


@pytest.mark.usefixtures("account")
def test_a_link_is_not_followed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "services").symlink_to(tmp_path / "elsewhere")
    refused = cli("export", *EMULATED, "--out", "conf")
    assert refused.code == 1
    assert "is a link" in refused.err
    assert list((tmp_path / "elsewhere").iterdir()) == []


@pytest.mark.usefixtures("account")
def test_wrong_usage_is_told(cli: Cli, tmp_path: Path) -> None:
    assert "unknown collection 'rolls'" in cli("export", *EMULATED, "--include", "users,rolls").err
    (tmp_path / "file").write_text("")
    refused = cli("export", *EMULATED, "--out", "file")
    assert refused.code == 1
    assert "cannot write" in refused.err


def test_users_and_conversations_come_when_they_are_asked_for(cli: Cli, tmp_path: Path) -> None:
    assert (
        cli("emulator", "seed", "--db", "demo.db", "--users", "5", "--conversations", "5", "--messages", "0").code == 0
    )
    assert "users:" not in cli("export", *EMULATED).out
    exported = cli("export", *EMULATED, "--include", "users,conversations", "--out", "conf")
    assert exported.code == 0, exported.err
    assert "Set these secrets before you validate, plan, or apply" in exported.err
    assert "\n  export CREDENTIALS_" in exported.err
    assert any("participants:" in path.read_text() for path in tmp_path.glob("conf/services/*.yaml"))
    before = {path: path.read_bytes() for path in tmp_path.glob("conf/**/*.yaml")}
    assert cli("export", *EMULATED, "--out", "conf").code == 0
    assert {path: path.read_bytes() for path in tmp_path.glob("conf/**/*.yaml")} == before
    assert cli("plan", "conf", *EMULATED, "--detailed-exitcode").code == 0


SECRETS = {
    "HOOK_TOKEN": "canary-of-the-hook",
    "PATH_TOKEN": "canary-of-the-path",
    "PIN": "canary-of-ada",
    "HOST": "h.io",
    "PUSH": "canary-of-push",
}

TAKES = """version: 1
variables: {host: hooks.example.com}
services:
  support:
    webhooks:
      pre_webhook_url: https://${var:host}/${secret:PATH_TOKEN}
      post_webhook_url: https://${env:HOST}/post?token=${secret:HOOK_TOKEN}
    users:
      ada: {attributes: {pin: "${secret:PIN}", team: 1}}
credentials:
  push: {type: gcm, api_key: "${secret:PUSH}"}
"""


def test_no_secret_of_the_files_is_written_into_them(
    cli: Cli, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    files.write_text(TAKES)
    assert cli("apply", *EMULATED, "--yes").code == 0
    # Set, exchanged and not set; over a person's files and over its own.
    for pin in ("canary-of-ada", "canary-of-bob", None):
        if pin is None:
            monkeypatch.delenv("PIN")
        else:
            monkeypatch.setenv("PIN", pin)
        exported = cli("export", *EMULATED, "--out", ".", "--force")
        assert exported.code == 0, exported.err
        told = "".join(path.read_text() for path in tmp_path.rglob("*.yaml")) + exported.out + exported.err
        assert "canary" not in told
        assert 'pre_webhook_url: "https://hooks.example.com/${secret:PATH_TOKEN}"' in told
        assert 'post_webhook_url: "https://${env:HOST}/post?token=${secret:HOOK_TOKEN}"' in told
        assert 'attributes: {pin: "${secret:PIN}", team: 1}' in told
        assert "api_key: ${secret:PUSH}" in told
        differs = cli("plan", *EMULATED, "--detailed-exitcode").code
        assert differs == {"canary-of-ada": 0, "canary-of-bob": 2, None: 0}[pin]
        assert ("services.support.users.ada: attributes keeps" in exported.err) == (pin != "canary-of-ada")


def test_where_one_file_cannot_be_written_none_is(cli: Cli, files: Path, tmp_path: Path) -> None:
    assert files.exists()
    assert cli("apply", *EMULATED, "--yes").code == 0
    assert cli("export", *EMULATED, "--out", "conf").code == 0
    before = {path: path.read_bytes() for path in tmp_path.glob("conf/**/*.yaml")}
    (tmp_path / "conf" / "reconciler.yaml").write_text(f"{MARK}\nversion: 1\nservices: {{}}\n")
    (tmp_path / "conf" / "services" / "customer-support.yaml").unlink()
    (tmp_path / "conf" / "services" / "customer-support.yaml").mkdir()
    refused = cli("export", *EMULATED, "--out", "conf", "--force")
    assert refused.code == 1
    assert "is not a regular file" in refused.err
    assert (tmp_path / "conf" / "reconciler.yaml").read_text() == f"{MARK}\nversion: 1\nservices: {{}}\n"
    assert sorted(tmp_path.glob("conf/**/*.tmp")) == []
    assert len(before) == 3


# --- secrets in URLs --------------------------------------------------------------------------------------------------

HOOK = "SERVICES_DESK_WEBHOOKS_POST_WEBHOOK_URL"


@pytest.mark.parametrize(
    ("url", "written", "secrets"),
    [
        ("https://x.example.com/post?token=canary-1", f"https://x.example.com/post?token=${{secret:{HOOK}_TOKEN}}",
         {f"{HOOK}_TOKEN": "canary-1"}),
        ("https://x.example.com/?a=1&api_key=canary%262&b=#top", f"https://x.example.com/?a=1&api_key=${{secret:{HOOK}_API_KEY}}&b=#top",
         {f"{HOOK}_API_KEY": "canary%262"}),
        ("https://x.example.com/p?sig=canary1&token=canary2", f"https://x.example.com/p?sig=${{secret:{HOOK}_SIG}}&token=${{secret:{HOOK}_TOKEN}}",
         {f"{HOOK}_SIG": "canary1", f"{HOOK}_TOKEN": "canary2"}),
        ("https://x.example.com/p?token=canary1&token=canary2", f"https://x.example.com/p?token=${{secret:{HOOK}_TOKEN}}&token=${{secret:{HOOK}_TOKEN_2}}",
         {f"{HOOK}_TOKEN": "canary1", f"{HOOK}_TOKEN_2": "canary2"}),
        ("https://canary-me:canary-pass@x.example.com/", f"https://${{secret:{HOOK}_USER}}:${{secret:{HOOK}_PASSWORD}}@x.example.com/",
         {f"{HOOK}_USER": "canary-me", f"{HOOK}_PASSWORD": "canary-pass"}),
        ("https://canary-me@x.example.com/?q=$%7Bx%7D", f"https://${{secret:{HOOK}_USER}}@x.example.com/?q=$%7Bx%7D",
         {f"{HOOK}_USER": "canary-me"}),
        ("https://x.example.com/#access_token=canary-3", f"https://x.example.com/#access_token=${{secret:{HOOK}_ACCESS_TOKEN}}",
         {f"{HOOK}_ACCESS_TOKEN": "canary-3"}),
    ],
)  # fmt: skip
def test_what_is_secret_in_a_url_is_looked_up(
    cli: Cli, files: Path, monkeypatch: pytest.MonkeyPatch, *, url: str, written: str, secrets: dict[str, str]
) -> None:
    tmp_path = files.parent
    (tmp_path / "made.yaml").write_text(
        f"version: 1\nservices: {{desk: {{webhooks: {{method: POST, post_webhook_url: '{url}'}}}}}}\n"
    )
    assert cli("apply", "made.yaml", *EMULATED, "--yes").code == 0
    exported = cli("export", *EMULATED)
    assert exported.code == 0
    assert f'post_webhook_url: "{written}"' in exported.out
    assert "canary" not in exported.out + exported.err
    lines = [line.strip() for line in exported.err.splitlines()]
    assert lines == [
        "Set these secrets before you validate, plan, or apply:",
        *(f"export {name}='…'" for name in sorted(secrets)),
    ]
    (tmp_path / "reconciler.yaml").write_text(exported.out)
    # Without them, the files are valid and planned as far as that goes; with them, nothing differs.
    assert cli("validate", "--allow-unset", "--strict").code == 0
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    assert cli("validate", "--strict").code == 0
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0
    monkeypatch.setenv(next(iter(secrets)), "another")
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 2


def test_webhooks_of_conversations_are_called_nothing_of_their_tokens(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "made.yaml").write_text(
        "version: 1\nservices: {desk: {conversations: {lobby: {webhooks: {\n"
        "  one: "
        "{target: webhook, method: POST, filters: [onMessageAdded], url: 'https://x.example.com?token=canary-one'},\n "
        " two: {target: studio, flow_sid: FW0123456789abcdef0123456789abcdef, replay_after: 3}}}}}}\n"
    )
    assert cli("apply", "made.yaml", *EMULATED, "--yes").code == 0
    exported = cli("export", *EMULATED, "--include", "conversations")
    assert "canary" not in exported.out + exported.err
    assert "Twilio does not return `timers`: add them where a conversation has them." in exported.out
    assert "Twilio does not return `replay_after`: add it where a conversation webhook has it." in exported.out
    (tmp_path / "reconciler.yaml").write_text(exported.out)
    assert cli("validate", "--allow-unset").code == 0
    assert cli("plan", *EMULATED, "--detailed-exitcode").code == 0
