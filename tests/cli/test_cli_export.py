"""``reconciler export``: to standard output, into a folder, and never over what a person wrote."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from reconciler.export import MARK
from tests.cli.conftest import Result

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


def test_files_that_do_not_load_are_said_to_lose_their_handles(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf" / "reconciler.yaml").write_text(f"{MARK}\nversion: 2\n")
    exported = cli("export", *EMULATED, "--out", "conf")
    assert exported.code == 0
    assert "its handles are not kept" in exported.err


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
