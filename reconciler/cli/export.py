"""``reconciler export``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from reconciler import workflow
from reconciler.cli import candidates, console
from reconciler.cli.exit_codes import DONE, WITHHELD
from reconciler.cli.files import READABLE, write_files
from reconciler.cli.manual import Page
from reconciler.cli.next_steps import command_line
from reconciler.cli.options import account_options, target_option
from reconciler.cli.running import Run, display
from reconciler.errors import UsageError
from reconciler.render.terminal import escape
from reconciler.sources.disk import ROOT_NAME
from reconciler.workflow import Endpoint, Inputs

EPILOG = """\b
Examples:
  reconciler export > reconciler.yaml
  reconciler export --out conversations
  reconciler export --out conversations --include users,conversations
  reconciler export --emulator demo.db"""

LONG = ("users", "conversations")
_MOST_NAMED = 10


def _included(_context: click.Context, _parameter: click.Parameter, texts: tuple[str, ...]) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(word.strip() for text in texts for word in text.split(",")))
    unknown = [word for word in words if word not in LONG]
    if unknown:
        raise click.BadParameter(f"unknown collection {unknown[0]!r}. Use {' or '.join(LONG)}")
    return words


@click.command(cls=Page, epilog=EPILOG)
@click.option(
    "--out",
    metavar="DIR",
    default="",
    shell_complete=candidates.folders,
    help="Write a root file and one file per service to this folder.",
)
@click.option(
    "--include",
    metavar="WHAT",
    multiple=True,
    callback=_included,
    help="Include users, conversations, or both (users,conversations); there may be many. Repeatable.",
)
@target_option("Export only this resource, everything below it, its parents, and its references.")
@click.option("--force", is_flag=True, help="Overwrite files that no export wrote.")
@account_options
def export(endpoint: Endpoint, *, out: str, include: tuple[str, ...], target: tuple[str, ...], force: bool) -> int:
    """Write the live account as a configuration (read-only).

    A plan of the result has no changes. Resources that Twilio creates are omitted unless they were changed. Comments
    show where you have to add something. Without --out, writes one file to standard output. If the folder has a
    configuration, its handles are kept, and files that no export wrote are not overwritten.
    """
    folder = Path(out) if out else None
    former = str(folder) if folder is not None and (folder / ROOT_NAME).exists() else ""
    if former and target:
        raise UsageError(f"--target would remove everything else from {former}; use another folder")
    run = Run(display(lines_on_stdout=False, may_colour=True))
    exported = run.execute(
        lambda: workflow.export(
            endpoint, run.display, include=include, targets=target, former=former, in_one_file=folder is None
        )
    )
    if folder is None:
        console.out("".join(exported.files.values()))
    else:
        _check_overwriting(folder, exported.files, exported.mark, force=force)
        _write(folder, exported.files)
        _report(folder, exported.files, exported.mark)
    pinned = [str(address) for address in exported.pinned]
    notes = [
        (exported.left_out, "left out, because a configuration cannot contain them; comments say why"),
        (len(pinned), f"pinned by SID, because they have no unique name: {_some(pinned)}"),
    ]
    console.err("".join(f"warning: {escape(text)}\n" for text in (*exported.unreadable, *exported.warnings)))
    console.err("".join(f"{number:,} {escape(what)}\n" for number, what in notes if number))
    if exported.secrets:
        console.err("Set these secrets before you validate or apply:\n")
        # Shell lines to paste and complete. A credential's secrets are needed only when it is sent again.
        console.err("".join(f"  export {escape(name)}='…'\n" for name in exported.secrets))
    if folder is not None:
        console.err(f"Next: {command_line('plan', Inputs(str(folder)), endpoint)}\n")
    return WITHHELD if exported.unreadable else DONE


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


def _report(folder: Path, files: Mapping[str, str], mark: str) -> None:
    """Report the written files, and files of earlier exports that are no longer part of the configuration."""
    left = _left_behind(folder, files, mark)
    number = len(files)
    text = f"Wrote {number:,} {'file' if number == 1 else 'files'} to {escape(str(folder))}.\n"
    if left:
        text += f"No longer part of the configuration; delete them if you do not need them: {escape(', '.join(left))}\n"
    console.err(text)


def _left_behind(folder: Path, files: Mapping[str, str], mark: str) -> Sequence[str]:
    found = sorted((folder / "services").glob("*.yaml"))
    return [str(path) for path in found if f"services/{path.name}" not in files and _is_ours(path, mark)]
