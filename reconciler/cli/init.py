"""``reconciler init``: writes a starter, and the workflows of a CI service.

Takes a folder; writes the missing files, all of them or none, and overwrites nothing. Offline; asks nothing.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shlex
import stat
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import candidates, console
from reconciler.cli.choices import Choices
from reconciler.cli.exit_codes import DONE
from reconciler.cli.manual import Page
from reconciler.cli.workflow_files import (
    ENVIRONMENT,
    REMOTE,
    for_environment,
    for_folder,
    github_with_ledger,
    gitlab_with_ledger,
    workflow_examples,
)
from reconciler.errors import UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.render.terminal import escape
from reconciler.sources.disk import ROOT_NAME

if TYPE_CHECKING:
    from reconciler.config.model import LedgerSetting

EPILOG = """\b
Examples:
  reconciler init
  reconciler init conversations --ci github
  reconciler init && reconciler plan --emulator demo.db"""

IGNORED = ("plan.json", "report.json", "*.db", "*.db-*", ".reconciler/journal-*")
"""Files of commands that do not belong in a repository: plans, reports, and journals contain live values."""
_HERE = Path(__file__).parent
_WORKFLOWS = {
    "github": ("github-actions", ".github/workflows", "*.yml"),
    "gitlab": ("gitlab-ci", ".", ".gitlab-ci.yml"),
}
"""By service: the folder of its examples, their place in a repository, and their names."""
_TO_FILL_IN = {
    "github": "Before you use the workflows, follow the comment at the top of each one. Then\n"
    "commit and merge .github/ first, and add the configuration in a separate pull\n"
    "request: the plan of a pull request that also changes workflows cannot be\n"
    "applied.",
    "gitlab": "Before you use .gitlab-ci.yml, follow the comment at its top.",
}
"""The next step, by service."""
_OURS = {"github": "reconciler/.github/actions/reconcile@", "gitlab": "RECONCILER_COMMIT:"}
"""Text that only a workflow of `init` contains, by service."""
_WITH_LEDGER = {"github": github_with_ledger, "gitlab": gitlab_with_ledger}
"""What adds a ledger to a workflow, by service."""
_MODES = {errno.EPERM, errno.ENOTSUP, errno.ENOSYS}


@dataclass(frozen=True, slots=True)
class StarterFile:
    """A file to write.

    Attributes:
        path: The path.
        text: The whole text.
        replaces: Whether an existing file was written by `init` or only gets additional lines.
        keeps: Whether an existing file is kept, because the user completes it.
    """

    path: Path
    text: str
    replaces: bool = False
    keeps: bool = False


@click.command(cls=Page, epilog=EPILOG)
@click.argument("folder", default=".", shell_complete=candidates.folders)
@click.option(
    "--ci",
    type=Choices([*_WORKFLOWS, "none"]),
    default="none",
    show_default=True,
    help="Add workflows to the folder's repository that plan, apply, and detect drift.",
)
def init(folder: str, *, ci: str) -> int:
    """Write a commented starter, schemas for editors, and CI workflows.

    FOLDER is created if it does not exist; the default is the current folder. The starter is valid and can be planned
    as it is. No file is overwritten: if a file already exists, the conflict is shown and nothing is written. With --ci,
    an existing configuration and workflows that `init` wrote are kept, and only missing files are added.
    """
    target = Path(folder)
    if target.exists() and not target.is_dir():
        raise UsageError(f"{folder} is not a folder. Use a folder, or omit it for the current folder")
    is_new = ci == "none" or not os.path.lexists(target / ROOT_NAME)
    starters = [*_starter(target, with_root=is_new), *_ignored(target), *_workflows(ci, target)]
    kept = [starter for starter in starters if starter.keeps and starter.path.is_file() and not _is_written(starter)]
    changed = [starter for starter in starters if starter not in kept and not _is_written(starter)]
    _check_conflicts(changed)
    _write_all(changed)
    console.out(_summary(target, changed, [starter.path for starter in kept], ci, is_new=is_new))
    return DONE


# --- drafts ---------------------------------------------------------------------------------------------------


def _starter(folder: Path, *, with_root: bool) -> list[StarterFile]:
    from reconciler.schema import schema_text  # noqa: PLC0415 - it knows every kind, which `--help` can do without

    starters = (
        [StarterFile(folder / ROOT_NAME, (_HERE / "starter.yaml").read_text(encoding="utf-8"))] if with_root else []
    )
    for name in ("config", "overlay"):
        path = folder / ".reconciler" / f"{name}.schema.json"
        # A schema of an earlier release is updated.
        starters.append(
            StarterFile(path, schema_text(name), replaces=f'"title": "reconciler {name}' in _read(path)[:2000])
        )
    return starters


def _ignored(folder: Path) -> list[StarterFile]:
    """Add missing lines to .gitignore: in the folder, and at the top of its repository, where commands usually run."""
    root = _repository(folder)
    top = [line for line in IGNORED if "/" not in line]
    is_below = folder.resolve() != root and (root / ".git").exists()
    return [
        *_ignore(folder / ".gitignore", IGNORED),
        *(_ignore(Path(os.path.relpath(root)) / ".gitignore", top) if is_below else []),
    ]


def _ignore(path: Path, lines: Sequence[str]) -> list[StarterFile]:
    # Existing content is kept byte for byte, line endings included.
    there = _read(path, newline="")
    missing = [line for line in lines if line not in there.splitlines()]
    if not missing:
        return []
    end = "\r\n" if "\r\n" in there else "\n"
    gap = end if there and not there.endswith("\n") else ""
    return [StarterFile(path, there + gap + "".join(line + end for line in missing), replaces=bool(there))]


def _workflows(ci: str, folder: Path) -> list[StarterFile]:
    if ci == "none":
        return []
    examples, below, pattern = _WORKFLOWS[ci]
    root = _repository(folder)
    inside = Path(os.path.relpath(folder.resolve(), root)).as_posix()
    environment, ledger = _settings(folder)
    files = workflow_examples(_examples(examples), pattern, with_ledger=ledger is not None)
    assert files, f"no workflows for {ci}"
    starters = []
    for name, example in files.items():
        path = Path(os.path.relpath(root)) / below / name
        text = for_environment(for_folder(example, inside), environment)
        if ledger is not None:
            text = _WITH_LEDGER[ci](text, ledger.prefix)
        starters.append(StarterFile(path, text, keeps=_OURS[ci] in _read(path)))
    return starters


def _settings(folder: Path) -> tuple[str, LedgerSetting | None]:
    """Return the environment of the workflows, and the ledger of an existing configuration.

    The environment is prod, or the only one of the configuration; empty for none.

    Raises:
        UsageError: The jobs of a CI service could not share the ledger.
    """
    if not (folder / ROOT_NAME).exists():
        return ENVIRONMENT, None
    from reconciler.config.outline import outline  # noqa: PLC0415 - only an existing configuration needs it
    from reconciler.sources.disk import DiskSources  # noqa: PLC0415 - see above

    found = outline(DiskSources(str(folder), {}))
    ledger = found.ledger
    if ledger is not None and ledger.remote != REMOTE:
        what = f"is shared through the remote {ledger.remote}" if ledger.remote else "is not shared through a remote"
        raise UsageError(
            f"the ledger in {folder / ROOT_NAME} {what}, and the clones of CI jobs only have the remote {REMOTE}. "
            f"Write ledger: {{git: {ledger.prefix}, remote: {REMOTE}}}"
        )
    names = sorted(found.environments)
    return names[0] if len(names) == 1 else ENVIRONMENT if names else "", ledger


def _examples(name: str) -> Path:
    """Return a folder of examples: from the package if it was built, otherwise from the repository."""
    packaged = _HERE / "workflows" / name
    return packaged if packaged.is_dir() else _HERE.parents[1] / "examples" / name


def _repository(folder: Path) -> Path:
    """Return the root of the git repository; without one, the current folder, or a folder outside of it itself."""
    resolved = folder.resolve()
    for above in (resolved, *resolved.parents):
        if (above / ".git").exists():
            return above
    here = Path.cwd().resolve()
    return here if resolved.is_relative_to(here) else resolved


# --- writing ------------------------------------------------------------------------------------------------------


def _read(path: Path, newline: str | None = None) -> str:
    try:
        with path.open(encoding="utf-8", newline=newline) as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _is_written(starter: StarterFile) -> bool:
    """Return whether a file already has the text."""
    return starter.path.is_file() and _read(starter.path) == starter.text


def _check_conflicts(starters: Sequence[StarterFile]) -> None:
    in_the_way = [
        str(starter.path)
        for starter in starters
        # Replacing a link would lose it, and its target belongs to someone else.
        if os.path.lexists(starter.path) and (not starter.replaces or starter.path.is_symlink())
    ]
    if not in_the_way:
        return
    verb = "exists" if len(in_the_way) == 1 else "exist"
    message = f"{', '.join(in_the_way)} already {verb}, and init never overwrites files. Nothing was written"
    if any(path.endswith(ROOT_NAME) for path in in_the_way):
        message += ". Keep using it (reconciler validate), use another folder, or add workflows with --ci"
    else:
        message += ". Rename it, run init again, and merge the two files"
    raise UsageError(message)


def _write_all(starters: Sequence[StarterFile]) -> None:
    """Write every file, or none: first under temporary names; a failure removes the new files again.

    Raises:
        UsageError: One cannot be written; then no new file exists.
    """
    made: list[Path] = []
    temporaries: dict[Path, StarterFile] = {}
    try:
        for starter in starters:
            _make_folders(starter.path.parent, made)
            descriptor, name = tempfile.mkstemp(prefix=f".{starter.path.name}.", suffix=".tmp", dir=starter.path.parent)
            temporaries[Path(name)] = starter
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
                file.write(starter.text)
            Path(name).chmod(stat.S_IMODE(starter.path.stat().st_mode) if starter.replaces else 0o644)
        _name_all(temporaries, made)
    except OSError as error:
        # Only empty folders can be removed.
        for path in (*temporaries, *reversed(made)):
            with contextlib.suppress(OSError):
                path.rmdir() if path.is_dir() else path.unlink()
        where = error.filename2 or error.filename or "the files"
        raise UsageError(f"cannot write {where}: {error.strerror or error}. Nothing was written") from None
    finally:
        for temporary in temporaries:
            temporary.unlink(missing_ok=True)


def _make_folders(folder: Path, made: list[Path]) -> None:
    missing = [folder, *folder.parents]
    for path in reversed(missing):
        if not path.exists():
            path.mkdir()
            made.append(path)


def _name_all(temporaries: Mapping[Path, StarterFile], made: list[Path]) -> None:
    # Replacements come last, because they cannot be undone.
    for temporary, starter in sorted(temporaries.items(), key=lambda item: item[1].replaces):
        if starter.replaces:
            temporary.replace(starter.path)
            continue
        try:
            # Unlike a rename, a link never replaces a file that was created in the meantime.
            os.link(temporary, starter.path)
        except OSError as error:
            if error.errno not in _MODES:
                raise
            temporary.replace(starter.path)
        made.append(starter.path)


# --- summary ---------------------------------------------------------------------------------------------------------


def _summary(folder: Path, written: Sequence[StarterFile], kept: Sequence[Path], ci: str, *, is_new: bool) -> str:
    """List what was written and kept, and the next steps."""
    where = "" if folder == Path() else f" {escape(shlex.quote(str(folder)))}"
    lines = [f"{'Updated' if starter.replaces else 'Wrote'} {escape(str(starter.path))}" for starter in written]
    lines = lines or ["Nothing to write: all files exist."]
    lines += [f"Kept {escape(str(path))}" for path in ([] if is_new else [folder / ROOT_NAME]) + [*kept]]
    lines += ["", "Next:"]
    steps = []
    if is_new:
        steps += [
            (f"reconciler plan{where} --emulator demo.db", "show the changes, with an emulated account"),
            (f"reconciler apply{where} --emulator demo.db", "apply them to the emulated account"),
        ]
    else:
        steps.append((f"reconciler validate{where}", "check the configuration, offline"))
    if is_new:
        steps.append(("reconciler export --out FOLDER", "or start with the configuration of an existing account"))
    lines += [line for command, what in steps for line in (f"  # {what}", f"  {command}")]
    if ci != "none":
        lines += ["", _TO_FILL_IN[ci]]
    elif is_new:
        lines += ["", "Commit these files, the schemas in .reconciler included."]
        lines += ["", "--ci github or --ci gitlab adds workflows that plan, apply, and detect drift."]
    return "\n".join(lines) + "\n"
