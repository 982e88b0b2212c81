"""Files are replaced all or none: on a full disk, after a kill at any moment, and never through links."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import JournalError, UsageError
from reconciler.workflow import replacing
from reconciler.workflow.replacing import Replacement, complete, replace_files

OLD = {"a.yaml": b"a: 1\n", "sub/b.yaml": b"b: 1\n", "c.yaml": b"c: 1\n"}
NEW = {"a.yaml": b"a: 2\n", "sub/b.yaml": b"b: 2\n", "c.yaml": b"c: 2\n"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "sub").mkdir()
    for name, data in OLD.items():
        (tmp_path / name).write_bytes(data)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in OLD}


def everything(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def replacements() -> dict[str, Replacement]:
    return {name: Replacement(OLD[name], NEW[name]) for name in OLD}


class Killed(BaseException):
    """Stands for the end of the process: nothing after it runs."""


def test_files_are_replaced_and_keep_their_permissions(folder: Path) -> None:
    (folder / "a.yaml").chmod(0o640)
    names = everything(folder)
    replace_files(folder, replacements())
    assert contents(folder) == NEW
    assert everything(folder) == names
    assert (folder / "a.yaml").stat().st_mode & 0o777 == 0o640


def steps(monkeypatch: pytest.MonkeyPatch, at: int, error: BaseException, *, for_ever: bool) -> list[str]:
    """Let the call of that number to the disk fail; with `for_ever`, all calls after it, too."""
    made: list[str] = []

    def counted(owner: object, name: str) -> None:
        original = getattr(owner, name)

        def call(*args: object, **options: object) -> object:
            made.append(name)
            if len(made) == at or (for_ever and len(made) > at):
                raise error
            return original(*args, **options)

        monkeypatch.setattr(owner, name, call)

    counted(tempfile, "mkstemp")
    counted(os, "open")
    counted(os, "fsync")
    counted(Path, "replace")
    counted(Path, "unlink")
    return made


def count(folder: Path) -> int:
    with pytest.MonkeyPatch.context() as patch:
        made = steps(patch, 0, Killed(), for_ever=False)
        replace_files(folder, replacements())
        return len(made)


def test_a_kill_at_any_moment_leaves_all_old_or_is_completed(tmp_path: Path) -> None:
    outcomes = set()
    total = None
    number = 1
    while total is None or number <= total:
        folder = tmp_path / str(number)
        (folder / "sub").mkdir(parents=True)
        for name, data in OLD.items():
            (folder / name).write_bytes(data)
        if total is None:
            total = count(folder)
            for name, data in OLD.items():
                (folder / name).write_bytes(data)
        with pytest.MonkeyPatch.context() as patch:
            steps(patch, number, Killed(), for_ever=True)
            with pytest.raises(Killed):
                replace_files(folder, replacements())
        complete(folder)
        found = contents(folder)
        assert found in (OLD, NEW)
        outcomes.add(found == NEW)
        # Only an empty folder may be left.
        assert sorted({*everything(folder)} - {".reconciler"}) == sorted([*OLD, "sub"])
        number += 1
    assert outcomes == {True, False}


def test_a_full_disk_leaves_all_files_as_they_were(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = everything(folder)
    refused: list[str] = []
    seen = 0
    for number in range(1, 13):
        with monkeypatch.context() as patch:
            steps(patch, number, OSError(28, "No space left on device"), for_ever=False)
            try:
                replace_files(folder, replacements())
            except UsageError as error:
                refused.append(str(error))
        # A folder that cannot be synchronized is no reason to give up.
        assert contents(folder) == (OLD if len(refused) > seen else NEW)
        seen = len(refused)
        assert everything(folder) == names
        for name, data in OLD.items():
            (folder / name).write_bytes(data)
    assert len(refused) > 5
    assert all(text.endswith("No space left on device; no file was changed") for text in refused)


def test_a_file_that_changed_meanwhile_is_kept(folder: Path) -> None:
    (folder / "c.yaml").write_bytes(b"c: 3\n")
    with pytest.raises(UsageError, match="changed while it was read; no file was changed"):
        replace_files(folder, replacements())
    assert contents(folder) == {**OLD, "c.yaml": b"c: 3\n"}
    assert not (folder / ".reconciler").exists()


def killed(folder: Path) -> None:
    """Kill a replacement after its journal was written."""
    with pytest.MonkeyPatch.context() as patch:

        def complete_never(_folder: Path) -> None:
            raise Killed

        patch.setattr(replacing, "complete", complete_never)
        with pytest.raises(Killed):
            replace_files(folder, replacements())


def test_what_a_running_command_has_written_is_left_to_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: Any) -> None:
        write_beside(*arguments)
        if len(arguments[-1]) == len(OLD):
            assert complete(folder) == ""

    write_beside = replacing._write_beside
    monkeypatch.setattr(replacing, "_write_beside", interrupted)
    replace_files(folder, replacements())
    assert contents(folder) == NEW


def test_only_what_a_draft_names_is_removed(folder: Path) -> None:
    theirs = {".a.yaml.0000.accept.tmp", ".reconciler/notes.tmp", "sub/.b.yaml.1.accept.tmp"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(replacing, "_check_unchanged", lambda *_: (_ for _ in ()).throw(Killed))
        patch.setattr(Path, "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            replace_files(folder, replacements())
    for name in theirs:
        (folder / name).write_bytes(b"x")
    assert len(list((folder / ".reconciler").glob(".accept.json.*.tmp"))) == 1
    assert complete(folder) == ""
    assert everything(folder) == sorted([*OLD, "sub", ".reconciler", *theirs])


def test_what_was_not_begun_is_given_up_if_a_file_changed_after_the_kill(folder: Path) -> None:
    killed(folder)
    (folder / "c.yaml").write_bytes(b"c: 3\n")
    assert complete(folder) == "c.yaml"
    assert contents(folder) == {**OLD, "c.yaml": b"c: 3\n"}
    assert not (folder / ".reconciler").exists()
    assert complete(folder) == ""


def test_what_was_not_begun_is_given_up_if_a_new_text_is_gone(folder: Path) -> None:
    killed(folder)
    next(folder.glob(".*.accept.tmp")).unlink()
    assert complete(folder)
    assert contents(folder) == OLD


def test_what_was_not_begun_is_given_up_if_a_new_text_changed(folder: Path) -> None:
    killed(folder)
    next(folder.glob(".a.yaml.*.accept.tmp")).write_bytes(b"")
    assert complete(folder) == "a.yaml"
    assert contents(folder) == OLD
    assert not list(folder.glob(".*.accept.tmp"))


def test_a_file_that_has_the_new_text_already_is_complete(folder: Path) -> None:
    killed(folder)
    (folder / "a.yaml").write_bytes(NEW["a.yaml"])
    assert complete(folder) == ""
    assert contents(folder) == NEW
    assert not list(folder.glob(".*.accept.tmp"))


def test_a_file_that_changes_before_the_first_rename_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def changed(path: Path) -> str:
        (folder / "c.yaml").write_bytes(b"c: 3\n")
        return complete(path)

    monkeypatch.setattr(replacing, "complete", changed)
    with pytest.raises(UsageError, match=r"c\.yaml changed while it was read; no file was changed"):
        replace_files(folder, replacements())
    assert contents(folder) == {**OLD, "c.yaml": b"c: 3\n"}


def test_a_file_that_changed_after_others_were_replaced_is_not_overwritten(folder: Path) -> None:
    killed(folder)
    (folder / "a.yaml").write_bytes(NEW["a.yaml"])
    (folder / "c.yaml").write_bytes(b"c: 3\n")
    with pytest.raises(JournalError, match=r"cannot be completed: .*c\.yaml, or what it was to be replaced with, was"):
        complete(folder)
    assert contents(folder) == {**OLD, "a.yaml": NEW["a.yaml"], "c.yaml": b"c: 3\n"}


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="needs links")
def test_links_are_followed_inside_the_folder_only(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (folder / "real.yaml").write_bytes(OLD["a.yaml"])
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").symlink_to("real.yaml")
    replace_files(folder, replacements())
    assert (folder / "a.yaml").is_symlink()
    assert contents(folder) == NEW
    outside = tmp_path_factory.mktemp("outside") / "a.yaml"
    outside.write_bytes(OLD["a.yaml"])
    (folder / "a.yaml").unlink()
    (folder / "a.yaml").symlink_to(outside)
    with pytest.raises(UsageError, match="it leads out of the root file's folder"):
        replace_files(folder, {"a.yaml": Replacement(OLD["a.yaml"], NEW["a.yaml"])})
    assert outside.read_bytes() == OLD["a.yaml"]


@pytest.mark.parametrize(
    "change",
    [
        {"temporary": "../x.accept.tmp"},
        {"temporary": "b.yaml"},
        {"before": 1},
    ],
)
def test_a_journal_of_somebody_else_does_nothing(folder: Path, change: dict[str, object]) -> None:
    killed(folder)
    journal = folder / ".reconciler" / "accept.json"
    document = json.loads(journal.read_text())
    document["files"]["a.yaml"] |= change
    journal.write_text(json.dumps(document))
    with pytest.raises(JournalError, match="is not a journal of `reconciler accept`"):
        complete(folder)
    assert contents(folder) == OLD


@pytest.mark.parametrize("version", [True, 1.0, "1", 2, None])
def test_a_journal_of_another_version_does_nothing(folder: Path, version: object) -> None:
    killed(folder)
    journal = folder / ".reconciler" / "accept.json"
    journal.write_text(json.dumps({**json.loads(journal.read_text()), "format_version": version}))
    with pytest.raises(JournalError, match="is not a journal of `reconciler accept`"):
        complete(folder)
    assert contents(folder) == OLD


def test_a_new_file_gets_its_folders(folder: Path) -> None:
    replace_files(folder, {**replacements(), "x/y/d.yaml": Replacement(None, b"d: 1\n")})
    assert contents(folder) == NEW
    assert (folder / "x" / "y" / "d.yaml").read_bytes() == b"d: 1\n"


def test_folders_go_again_if_nothing_is_written(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    (folder / "c.yaml").write_bytes(b"c: 3\n")
    with pytest.raises(UsageError, match=r"c\.yaml changed while it was read"):
        replace_files(folder, {"x/y/d.yaml": Replacement(None, b"d: 1\n"), **replacements()})
    assert not (folder / "x").exists()
    outside = tmp_path_factory.mktemp("outside")
    (folder / "out").symlink_to(outside)
    for path, problem in {
        "out/x/d.yaml": "cannot write",
        "../x/d.yaml": "cannot write",
        "a.yaml/x/d.yaml": "cannot make the folder of",
    }.items():
        with pytest.raises(UsageError, match=problem):
            replace_files(folder, {path: Replacement(None, b"d: 1\n")})
    assert list(outside.iterdir()) == []
