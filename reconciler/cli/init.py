"""``reconciler init``: a starter to go on from, and the workflows of a CI service.

Takes a folder; writes what is not there yet, all of it or nothing, and never over anything. Offline; asks nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shlex
import stat
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from reconciler.cli import candidates, console
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page
from reconciler.errors import UsageError
from reconciler.render.terminal import escape
from reconciler.sources.disk import ROOT_NAME

EPILOG = """\b
Examples:
  reconciler init
  reconciler init conversations --ci github
  reconciler init && reconciler plan --emulator demo.db"""

IGNORED = ("plan.json", "*.db", "*.db-*", ".reconciler/journal-*")
"""What commands leave in the folder that belongs into no repository: plans and journals hold live values."""
_HERE = Path(__file__).parent
_WORKFLOWS = {
    "github": ("github-actions", ".github/workflows", "*.yml"),
    "gitlab": ("gitlab-ci", ".", ".gitlab-ci.yml"),
}
"""By service: the folder of its examples, where they belong in a repository, and which files they are."""
_TO_FILL_IN = {
    "github": "Each workflow begins with what you fill in: the version, whose account, and\n"
    "which environment (remove `env: prod` if your configuration has none).",
    "gitlab": ".gitlab-ci.yml begins with what you fill in: the version, whose account, and\n"
    "which environment (remove `--env` if your configuration has none).",
}
"""What is left to do, by service."""
_FOLDER_OF_WORKFLOWS = "conversations"
"""The folder that the examples plan; another one is written in its place."""
_MODES = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS}


@dataclass(frozen=True, slots=True)
class Draft:
    """A file to write.

    Attributes:
        path: where.
        text: the whole of it.
        replaces: whether a file that is there is one of ours, or stays as it is but for added lines.
    """

    path: Path
    text: str
    replaces: bool = False


@click.command(cls=Page, epilog=EPILOG)
@click.argument("folder", default=".", shell_complete=candidates.folders)
@click.option(
    "--ci",
    type=click.Choice([*_WORKFLOWS, "none"]),
    default="none",
    show_default=True,
    help="Workflows that plan, apply and look for drift, for the repository that the folder is in.",
)
def init(folder: str, *, ci: str) -> int:
    """Write a commented starter, what editors need to know of it, and CI workflows.

    FOLDER is made when it is not there; the current folder when left out. The starter is valid and can be planned as it
    stands. Nothing is ever written over: when a file is in the way, all that are get named and nothing is written. With
    --ci, a configuration that is there already is left as it is, and only the rest is added.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{folder} is no folder; name one, or leave it out for the current one")
    is_new = ci == "none" or not os.path.lexists(target / ROOT_NAME)
    drafts = [*_starter(target, with_root=is_new), *_ignored(target), *_workflows(ci, target)]
    changed = [draft for draft in drafts if not _is_written(draft)]
    _check_conflicts(changed)
    _write_all(changed)
    console.out(_told(target, changed, ci, is_new=is_new))
    return DONE


# --- what to write ---------------------------------------------------------------------------------------------------


def _starter(folder: Path, *, with_root: bool) -> list[Draft]:
    from reconciler.schema import schema_text  # noqa: PLC0415 - it knows every kind, which `--help` can do without

    drafts = [Draft(folder / ROOT_NAME, (_HERE / "starter.yaml").read_text(encoding="utf-8"))] if with_root else []
    for name in ("config", "overlay"):
        path = folder / ".reconciler" / f"{name}.schema.json"
        # An earlier release's is renewed.
        drafts.append(Draft(path, schema_text(name), replaces=f'"title": "reconciler {name}' in _read(path)[:2000]))
    return drafts


def _ignored(folder: Path) -> list[Draft]:
    """The lines that git's list of what to ignore lacks, added to it."""
    path = folder / ".gitignore"
    # What is there stays byte for byte, the ends of its lines included.
    there = _read(path, newline="")
    missing = [line for line in IGNORED if line not in there.splitlines()]
    if not missing:
        return []
    end = "\r\n" if "\r\n" in there else "\n"
    gap = end if there and not there.endswith("\n") else ""
    return [Draft(path, there + gap + "".join(line + end for line in missing), replaces=bool(there))]


def _workflows(ci: str, folder: Path) -> list[Draft]:
    if ci == "none":
        return []
    examples, below, pattern = _WORKFLOWS[ci]
    root = _repository(folder)
    inside = Path(os.path.relpath(folder.resolve(), root)).as_posix()
    files = sorted(_examples(examples).glob(pattern))
    assert files, f"there are no workflows for {ci}"
    shown = Path(os.path.relpath(root))
    return [Draft(shown / below / file.name, for_folder(file.read_text(encoding="utf-8"), inside)) for file in files]


def _examples(name: str) -> Path:
    """A folder of examples: in the package when it was built, else in the repository that it is run from."""
    packaged = _HERE / "workflows" / name
    return packaged if packaged.is_dir() else _HERE.parents[1] / "examples" / name


def _repository(folder: Path) -> Path:
    """The root of the git repository that a folder is in; the current folder or, outside of that, the folder itself."""
    resolved = folder.resolve()
    for above in (resolved, *resolved.parents):
        if (above / ".git").exists():
            return above
    here = Path.cwd().resolve()
    return here if resolved.is_relative_to(here) else resolved


def for_folder(workflow: str, folder: str) -> str:
    """A workflow with another folder in the place of the one that the examples plan."""
    if folder == _FOLDER_OF_WORKFLOWS:
        return workflow
    if not re.fullmatch(r"[\w.][\w./-]*", folder):
        raise UsageError(
            f"the folder {folder!r} would have to be quoted in workflows; give it a name of letters, digits, - and _"
        )
    below = "" if folder == "." else f"{folder}/"
    # A star begins an alias in YAML, so what begins with one needs quotes.
    quote = '"' if not below else ""
    text = re.sub(
        rf"\b{_FOLDER_OF_WORKFLOWS}/(\*\*(?:/\*)?)", lambda found: f"{quote}{below}{found[1]}{quote}", workflow
    )
    return re.sub(rf"((?:\bpath|CONFIGURATION): ){_FOLDER_OF_WORKFLOWS}$", rf"\g<1>{folder}", text, flags=re.MULTILINE)


# --- writing it ------------------------------------------------------------------------------------------------------


def _read(path: Path, newline: str | None = None) -> str:
    try:
        with path.open(encoding="utf-8", newline=newline) as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _is_written(draft: Draft) -> bool:
    """Whether a file says already what is to be written."""
    return draft.path.is_file() and _read(draft.path) == draft.text


def _check_conflicts(drafts: Sequence[Draft]) -> None:
    in_the_way = [
        str(draft.path)
        for draft in drafts
        # A link that is replaced would be lost, and what it leads to is somebody else's.
        if os.path.lexists(draft.path) and (not draft.replaces or draft.path.is_symlink())
    ]
    if not in_the_way:
        return
    verb = "is" if len(in_the_way) == 1 else "are"
    message = f"{', '.join(in_the_way)} {verb} there already, and init writes over nothing; nothing was written"
    if any(path.endswith(ROOT_NAME) for path in in_the_way):
        message += "; go on with what is there (reconciler validate), name another folder, or add workflows with --ci"
    else:
        message += "; move what is there away, run init again, and bring the two together"
    raise UsageError(message)


def _write_all(drafts: Sequence[Draft]) -> None:
    """Write every file, or none: all of them under other names first, and what was named is taken back on failure.

    Raises:
        UsageError: when one cannot be written; then nothing is there that was not there before.
    """
    made: list[Path] = []
    temporaries: dict[Path, Draft] = {}
    try:
        for draft in drafts:
            _make_folders(draft.path.parent, made)
            descriptor, name = tempfile.mkstemp(prefix=f".{draft.path.name}.", suffix=".tmp", dir=draft.path.parent)
            temporaries[Path(name)] = draft
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(draft.text)
            Path(name).chmod(stat.S_IMODE(draft.path.stat().st_mode) if draft.replaces else 0o644)
        _name_all(temporaries, made)
    except OSError as error:
        # Folders can only go when nothing is in them.
        for path in (*temporaries, *reversed(made)):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        where = error.filename2 or error.filename or "the files"
        raise UsageError(f"cannot write {where}: {error.strerror or error}; nothing was written") from None
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def _make_folders(folder: Path, made: list[Path]) -> None:
    missing = [folder, *folder.parents]
    for path in reversed(missing):
        if not path.exists():
            path.mkdir()
            made.append(path)


def _name_all(temporaries: Mapping[Path, Draft], made: list[Path]) -> None:
    # Those that replace something come last: they are the ones that cannot be taken back.
    for temporary, draft in sorted(temporaries.items(), key=lambda item: item[1].replaces):
        if draft.replaces:
            temporary.replace(draft.path)
            continue
        try:
            # A link, unlike a rename, never takes the place of what somebody made meanwhile.
            os.link(temporary, draft.path)
        except OSError as error:
            if error.errno not in _MODES:
                raise
            temporary.replace(draft.path)
        made.append(draft.path)


# --- telling ---------------------------------------------------------------------------------------------------------


def _told(folder: Path, written: Sequence[Draft], ci: str, *, is_new: bool) -> str:
    where = "" if folder == Path() else f" {escape(shlex.quote(str(folder)))}"
    lines = [f"{'Brought up to date' if draft.replaces else 'Wrote'} {escape(str(draft.path))}" for draft in written]
    lines = lines or ["Nothing to write: everything is there."]
    if not is_new:
        lines.append(f"Left {escape(str(folder / ROOT_NAME))} as it is.")
    lines += ["", "Next:"]
    steps = []
    if is_new:
        steps += [
            (f"reconciler plan{where} --emulator demo.db", "what it would do, on an account that is only a file"),
            (f"reconciler apply{where} --emulator demo.db", "do it there"),
        ]
    else:
        steps.append((f"reconciler validate{where}", "is it right? offline"))
    steps.append(("reconciler export --out FOLDER", "or begin with what a real account holds already"))
    lines += [line for command, what in steps for line in (f"  # {what}", f"  {command}")]
    if ci != "none":
        lines += ["", _TO_FILL_IN[ci]]
    elif is_new:
        lines += ["", "--ci github or --ci gitlab adds workflows that plan, apply and look for drift."]
    return "\n".join(lines) + "\n"
