"""``reconciler export``."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from reconciler import workflow
from reconciler.cli import candidates, console
from reconciler.cli.exit_codes import DONE, WITHHELD
from reconciler.cli.files import READABLE, write_files
from reconciler.cli.manual import Page
from reconciler.cli.options import account_options
from reconciler.cli.running import Run, display
from reconciler.errors import UsageError
from reconciler.render.terminal import escape
from reconciler.sources.disk import ROOT_NAME
from reconciler.workflow import Endpoint

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
        raise click.BadParameter(f"{unknown[0]!r} is neither of {' and '.join(LONG)}")
    return words


@click.command(cls=Page, epilog=EPILOG)
@click.option(
    "--out",
    metavar="DIR",
    default="",
    shell_complete=candidates.folders,
    help="Write files into this folder, one for each service.",
)
@click.option(
    "--include",
    metavar="WHAT",
    multiple=True,
    callback=_included,
    help="Users, conversations or both, which may be many: users,conversations. Repeatable.",
)
@click.option("--force", is_flag=True, help="Write over files that no export wrote.")
@account_options
def export(endpoint: Endpoint, *, out: str, include: tuple[str, ...], force: bool) -> int:
    """Write the live account as files. Sends nothing but GET.

    Planning the files straight away finds nothing to do. What Twilio makes by itself and nobody touched is left out;
    comments say where a person has to act. Without --out, everything goes to standard output as one file. In a folder
    that holds files already, handles are kept, and files that no export wrote are not written over.
    """
    folder = Path(out) if out else None
    former = str(folder) if folder is not None and (folder / ROOT_NAME).exists() else ""
    run = Run(display(lines_on_stdout=False, may_colour=True))
    exported = run.execute(
        lambda: workflow.export(endpoint, run.display, include=include, former=former, in_one_file=folder is None)
    )
    if folder is None:
        console.out("".join(exported.files.values()))
    else:
        _check_overwriting(folder, exported.files, exported.mark, force=force)
        _write(folder, exported.files)
        _tell(folder, exported.files, exported.mark)
    pinned = [str(address) for address in exported.pinned]
    notes = [
        (exported.left_out, "left out, since files cannot hold it; a comment says why"),
        (len(pinned), f"pinned by SID, since nothing else recognises it: {_some(pinned)}"),
    ]
    console.err("".join(f"warning: {escape(text)}\n" for text in (*exported.unreadable, *exported.warnings)))
    console.err("".join(f"{number:,} {escape(what)}\n" for number, what in notes if number))
    if exported.secrets:
        console.err("Set these secrets before you plan or apply:\n")
        # As lines of a shell, to be pasted and filled in. A credential's are needed only when it is sent again.
        console.err("".join(f"  export {escape(name)}='…'\n" for name in exported.secrets))
    if folder is not None:
        console.err(f"Next: reconciler plan {_plan_arguments(folder, endpoint)}\n")
    return WITHHELD if exported.unreadable else DONE


def _plan_arguments(folder: Path, endpoint: Endpoint) -> str:
    """Return the arguments of the plan that compares the exported configuration with the same account."""
    options = (("--emulator", endpoint.emulator), ("--api-url", endpoint.api_url), ("--profile", endpoint.profile))
    words = [str(folder), *(word for name, value in options if value for word in (name, value))]
    return " ".join(escape(shlex.quote(word)) for word in words)


def _some(names: Sequence[str]) -> str:
    """Names, as many as a person reads; the rest is counted."""
    rest = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {rest:,} more" if rest > 0 else "")


def _check_overwriting(folder: Path, files: Mapping[str, str], mark: str, *, force: bool) -> None:
    for part in sorted({(folder / path).parent for path in files}):
        if part != folder and part.is_symlink():
            raise UsageError(f"cannot write into {part}: it is a link, and may lead anywhere")
    foreign = [
        str(folder / path)
        for path, text in files.items()
        if (folder / path).exists() and not force and not _is_ours(folder / path, mark, text)
    ]
    if foreign:
        raise UsageError(
            f"{', '.join(foreign[:5])}{', …' if len(foreign) > 5 else ''} would be written over, and no export wrote "
            "it; name another folder, or say --force"
        )


def _is_ours(path: Path, mark: str, text: str = "") -> bool:
    """Whether an export wrote a file, or would change nothing in it."""
    try:
        with path.open("rb") as file:
            start = file.read(max(len(mark.encode()), len(text.encode()) + 1))
    except OSError:
        return False
    return start.startswith(mark.encode()) or start == text.encode()


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """Write files that everybody may read: there is nothing secret in them. All of them, or none that was not there."""
    for part in dict.fromkeys((folder / path).parent for path in files):
        try:
            part.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"cannot write {part}: {error.strerror or error}") from None
    # The root file comes last: it names the others.
    write_files({folder / path: text for path, text in reversed(list(files.items()))}, READABLE)


def _tell(folder: Path, files: Mapping[str, str], mark: str) -> None:
    """Say what was written, and what earlier exports wrote that is no longer part of it."""
    left = _left_behind(folder, files, mark)
    number = len(files)
    text = f"Wrote {number:,} {'file' if number == 1 else 'files'} into {escape(str(folder))}.\n"
    if left:
        text += f"No longer part of it, and yours to delete: {escape(', '.join(left))}\n"
    console.err(text)


def _left_behind(folder: Path, files: Mapping[str, str], mark: str) -> Sequence[str]:
    found = sorted((folder / "services").glob("*.yaml"))
    return [str(path) for path in found if f"services/{path.name}" not in files and _is_ours(path, mark)]
