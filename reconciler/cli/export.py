"""``reconciler export``."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from reconciler import workflow
from reconciler.cli import candidates, console
from reconciler.cli.edits import is_approved
from reconciler.cli.exit_codes import DONE, WITHHELD
from reconciler.cli.files import READABLE, write_files
from reconciler.cli.manual import Page
from reconciler.cli.next_steps import command_line
from reconciler.cli.options import account_options, reading_options, target_option
from reconciler.cli.running import Run, display
from reconciler.errors import ReconcilerError, UsageError
from reconciler.render.terminal import escape, wrap
from reconciler.sources.disk import ROOT_NAME
from reconciler.workflow import Addition, Endpoint, Inputs

if TYPE_CHECKING:
    from reconciler.accept.model import At

EPILOG = """\b
Examples:
  reconciler export > reconciler.yaml
  reconciler export --out conversations --include users,conversations
  reconciler export --out . --env prod --dry-run
  reconciler export --out . --env prod --target addresses --at overlay"""

LONG = ("users", "conversations")
_MOST_NAMED = 10
_ON_SEALED = (
    "The settings are sealed: if you remove one from the files, an apply clears its\n"
    "live value. To stop managing settings, remove `sealed: true` too, or list them\n"
    "in `unmanaged.ignore`.\n"
)
"""Said of written files, because anyone who trims them expects the opposite."""


def _included(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for text in texts for word in text.split(",")))
    unknown = [word for word in words if word not in LONG]
    if unknown:
        raise click.BadParameter(f"unknown collection {unknown[0]!r}. Use {' or '.join(LONG)}")
    return words


@click.command(cls=Page, epilog=EPILOG)
@click.option(
    "--out",
    metavar="PATH",
    default="",
    shell_complete=candidates.folders,
    help="The folder to write to, or the root file of a configuration that people wrote.",
)
@click.option(
    "--include",
    metavar="WHAT",
    multiple=True,
    callback=_included,
    help="Include users, conversations, or both (users,conversations); there may be many. Repeatable.",
)
@target_option("Export only this resource, everything below it, its parents, and its references.")
@click.option(
    "--at",
    type=click.Choice(["overlay", "base"]),
    help="Where to add what other environments share.",
)
@click.option("--dry-run", is_flag=True, help="Show the diff; write no file, and do not ask.")
@click.option("--yes", is_flag=True, help="Write the edits without approval.")
@click.option("--force", is_flag=True, help="Overwrite files that people wrote.")
@reading_options
@account_options
def export(
    inputs: Inputs,
    endpoint: Endpoint,
    *,
    out: str,
    include: tuple[str, ...],
    target: tuple[str, ...],
    at: At | None,
    dry_run: bool,
    yes: bool,
    force: bool,
) -> int:
    """Write the live account as a configuration (reads the account only).

    A plan of the result has no changes. Comments show where you have to add something. Without --out, writes one file
    to standard output; otherwise, a root file and one file per service. Files of an earlier export are updated.

    If people wrote the files, adds only what they lack: the unmanaged resources and undeclared settings that
    `reconciler drift` lists. Shows a diff and asks before it writes. All other lines stay as they are; to take over
    values that differ, use `reconciler accept`.
    """
    former = _find_former(out)
    inputs = _checked(replace(inputs, path=former or ".", targets=target), out, dry_run=dry_run)
    run = Run(display(lines_on_stdout=False, may_colour=True))
    if former and not force and (target or workflow.is_written_by_hand(inputs, endpoint.environment)):
        added = run.execute(lambda: workflow.add_missing(inputs, endpoint, run.display, include=include, at=at or ""))
        return _add(added, inputs, endpoint, dry_run=dry_run, yes=yes)
    if former and target:
        raise UsageError("--force with --target would remove everything else. Use another folder, or omit --force")
    folder = Path(out) if out else None
    if folder is not None and folder.is_file():
        raise UsageError(f"cannot write to {folder}: it is a file. Use a folder")
    exported = run.execute(
        lambda: workflow.export(
            endpoint,
            run.display,
            include=include,
            targets=target,
            former=inputs if former else None,
            in_one_file=folder is None,
        )
    )
    if folder is None:
        console.out("".join(exported.files.values()))
    else:
        _check_overwriting(folder, exported.files, exported.mark, force=force)
        if dry_run:
            _show_overwriting(folder, exported.files)
        else:
            _write(folder, exported.files)
            _report(folder, exported.files, exported.mark, is_sealed=exported.is_sealed)
    pinned = [str(address) for address in exported.pinned]
    left_out = (exported.left_out, "left out, because a configuration cannot contain them; comments say why")
    _report_notes((*exported.unreadable, *exported.warnings), left_out, pinned, exported.secrets)
    if folder is not None and not dry_run:
        console.err(f"Next: {command_line('plan', Inputs(str(folder)), endpoint)}\n")
    return WITHHELD if exported.unreadable else DONE


def _find_former(out: str) -> str:
    """Return the path of an existing configuration; empty if there is none."""
    if Path(out).is_file() and out.endswith((".yaml", ".yml")):
        return out
    return out if out and (Path(out) / ROOT_NAME).exists() else ""


def _checked(inputs: Inputs, out: str, *, dry_run: bool) -> Inputs:
    """Check the options on a configuration.

    Raises:
        UsageError: There is no configuration that they could be for.
    """
    if dry_run and not out:
        raise UsageError("--dry-run shows what would be written to --out. Add --out, or omit --dry-run")
    if inputs.path != "." or out == ".":
        return inputs
    context = click.get_current_context()
    for name, option in (("env", "--env"), ("var", "--var"), ("overlay", "--overlay"), ("strict", "--strict")):
        if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
            where = f"{out} contains no {ROOT_NAME}" if out else "there is no --out"
            raise UsageError(f"{option} is for a configuration to add to, but {where}")
    return inputs


def _add(added: Addition, inputs: Inputs, endpoint: Endpoint, *, dry_run: bool, yes: bool) -> int:
    """Show edits that add what is missing, and write them once they are approved."""
    from reconciler.render.acceptance import addition_text, not_added_text  # noqa: PLC0415 - help does without

    document = workflow.acceptance_document(added.acceptance, written=False)
    console.out(addition_text(document, colour=console.takes_colour(sys.stdout, allowed=True)))
    writes = bool(document.files) and not dry_run
    if writes and not yes and not is_approved(document):
        raise ReconcilerError("declined. No file was changed")
    if writes:
        workflow.write(added.acceptance)
        number = len(document.files)
        console.out(f"Wrote {number:,} {'file' if number == 1 else 'files'}.\n")
    if document.refused:
        console.err(not_added_text(document))
    pinned = [str(address) for address in added.pinned]
    console.err("".join(f"note: {escape(text)}\n" for text in added.left_out[:_MOST_NAMED]))
    more = len(added.left_out) - _MOST_NAMED
    _report_notes(
        added.unreadable, (max(more, 0), "more notes, which are in comments of the files"), pinned, added.secrets
    )
    if writes:
        console.err(f"Next: {command_line('plan', replace(inputs, targets=()), endpoint)}\n")
    return WITHHELD if document.refused or added.unreadable else DONE


def _report_notes(
    warnings: Sequence[str], left_out: tuple[int, str], pinned: Sequence[str], secrets: Sequence[str]
) -> None:
    """Report on standard error what the user has to know about an export."""
    notes = [left_out, (len(pinned), f"pinned by SID, because they have no unique name: {_some(pinned)}")]
    lines = [*(f"Warning: {text}" for text in warnings), *(f"{number:,} {what}" for number, what in notes if number)]
    console.err("".join(f"{line}\n" for text in lines for line in _wrapped(text)))
    if secrets:
        console.err("Set these secrets before you validate, plan, or apply:\n")
        # Shell lines to paste and complete. A credential's secrets are needed only when it is sent again.
        console.err("".join(f"  export {escape(name)}='…'\n" for name in secrets))


def _wrapped(text: str) -> list[str]:
    """Break a text into lines for standard error; the first is not indented."""
    width = console.width_of(sys.stderr)
    first = wrap(escape(text), width)[0]
    rest = escape(text)[len(first) :].removeprefix(" ")
    return [first, *(f"  {line}" for line in (wrap(rest, width - 2) if rest else ()))]


def _show_overwriting(folder: Path, files: Mapping[str, str]) -> None:
    """Show what an export would write as a diff."""
    from reconciler.accept.diff import unified  # noqa: PLC0415 - only this option needs it
    from reconciler.render.acceptance import diff_text  # noqa: PLC0415 - see above

    diffs = [
        unified(
            (folder / path).as_posix(), (folder / path).read_bytes() if (folder / path).exists() else b"", text.encode()
        )
        for path, text in files.items()
    ]
    console.out(diff_text(diffs, colour=console.takes_colour(sys.stdout, allowed=True)))
    number = sum(1 for diff in diffs if diff)
    console.out(f"{number:,} {'file' if number == 1 else 'files'} would be written to {escape(str(folder))}.\n")


def _some(names: Sequence[str]) -> str:
    """List the first names, and count the rest."""
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")


def _check_overwriting(folder: Path, files: Mapping[str, str], mark: str, *, force: bool) -> None:
    for part in sorted({(folder / path).parent for path in files}):
        if part != folder and part.is_symlink():
            raise UsageError(f"cannot write to {part}: it is a link, which may lead anywhere")
    foreign = [
        str(folder / path)
        for path, text in files.items()
        if (folder / path).exists() and not force and not _is_ours(folder / path, mark, text)
    ]
    if foreign:
        raise UsageError(
            f"{', '.join(foreign[:5])}{', …' if len(foreign) > 5 else ''} would be overwritten, but no export wrote "
            "it. Use another folder, or --force"
        )


def _is_ours(path: Path, mark: str, text: str = "") -> bool:
    """Return whether an export wrote a file, or would not change it."""
    try:
        with path.open("rb") as file:
            start = file.read(max(len(mark.encode()), len(text.encode()) + 1))
    except OSError:
        return False
    return start.startswith(mark.encode()) or start == text.encode()


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files that anyone may read, because they contain no secrets. Writes all files, or no new one."""
    for part in dict.fromkeys((folder / path).parent for path in files):
        try:
            part.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {part}: {error.strerror or error}") from None
    # The root file comes last, because it includes the others.
    write_files({folder / path: text for path, text in reversed(list(files.items()))}, READABLE)


def _report(folder: Path, files: Mapping[str, str], mark: str, *, is_sealed: bool) -> None:
    """Report the written files, and files of earlier exports that are no longer part of the configuration."""
    left = _left_behind(folder, files, mark)
    number = len(files)
    text = f"Wrote {number:,} {'file' if number == 1 else 'files'} to {escape(str(folder))}.\n"
    if left:
        text += f"No longer part of the configuration; delete them if you do not need them: {escape(', '.join(left))}\n"
    console.err(text + (_ON_SEALED if is_sealed else ""))


def _left_behind(folder: Path, files: Mapping[str, str], mark: str) -> Sequence[str]:
    found = sorted((folder / "services").glob("*.yaml"))
    return [str(path) for path in found if f"services/{path.name}" not in files and _is_ours(path, mark)]
