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
    assert exported == Result(0, "", "Wrote 3 files into conf.\n")
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
    # `support` is the handle that a person chose; the file is theirs.
    refused = cli("export", *EMULATED, "--out", ".")
    assert refused.code == 1
    assert "--force" in refused.err
    assert not (tmp_path / "services").exists()
    forced = cli("export", *EMULATED, "--out", ".", "--force")
    assert forced.code == 0, forced.err
    assert "  support:\n    friendly_name: Customer Support\n" in (tmp_path / "services" / "support.yaml").read_text()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")}
    assert cli("export", *EMULATED, "--out", ".").code == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.yaml")} == before


def test_what_is_no_longer_part_of_an_export_is_named(cli: Cli, tmp_path: Path) -> None:
    assert cli("export", *EMULATED, "--out", "conf").code == 0
    old = tmp_path / "conf" / "services" / "old.yaml"
    old.write_text(f"{MARK}\nservices: {{old: {{}}}}\n")
    again = cli("export", *EMULATED, "--out", "conf")
    assert "No longer part of it, and yours to delete: conf/services/old.yaml" in again.err
    assert old.exists()
    assert cli("plan", "conf", *EMULATED, "--detailed-exitcode").code == 0


def test_files_of_another_account_are_not_written_over(cli: Cli, tmp_path: Path) -> None:
    assert cli("export", *EMULATED, "--out", "conf").code == 0
    root = tmp_path / "conf" / "reconciler.yaml"
    root.write_text(root.read_text().replace("AC" + "0" * 32, "AC" + "1" * 32))
    refused = cli("export", *EMULATED, "--out", "conf", "--force")
    assert refused.code == 1
    assert "those of account AC1111" in refused.err


def test_files_that_do_not_load_are_not_written_over(cli: Cli, tmp_path: Path) -> None:
    # Nobody can tell then which of their values they take from secrets.
    (tmp_path / "conf").mkdir()
    root = tmp_path / "conf" / "reconciler.yaml"
    root.write_text(f"{MARK}\nversion: 2\n")
    refused = cli("export", *EMULATED, "--out", "conf", "--force")
    assert refused.code == 1
    assert " ".join(refused.err.split()) == (
        'Error: the files that are there do not load (conf/reconciler.yaml:2:10: version "2" is not known), so an '
        "export cannot keep their handles, and what they take from secrets; mend them (`reconciler validate` tells "
        "all), or name another folder"
    )
    assert root.read_text() == f"{MARK}\nversion: 2\n"


def test_a_link_is_not_followed(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "services").symlink_to(tmp_path / "elsewhere")
    refused = cli("export", *EMULATED, "--out", "conf")
    assert refused.code == 1
    assert "is a link" in refused.err
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_wrong_usage_is_told(cli: Cli, tmp_path: Path) -> None:
    assert "neither of users and conversations" in cli("export", *EMULATED, "--include", "users,rolls").err
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
    assert "to be set as a secret: CREDENTIALS_" in exported.err
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
        assert differs == {"canary-of-ada": 0, "canary-of-bob": 2, None: 1}[pin]
        assert ("services.support.users.ada: attributes stays" in exported.err) == (pin != "canary-of-ada")


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
    assert "it is no regular file" in refused.err
    assert (tmp_path / "conf" / "reconciler.yaml").read_text() == f"{MARK}\nversion: 1\nservices: {{}}\n"
    assert sorted(tmp_path.glob("conf/**/*.tmp")) == []
    assert len(before) == 3
