"""The way in and the only way out: runs the command line and turns whatever happens into an exit code.

Takes the arguments; gives the exit code. Nothing is raised to the caller, and no traceback reaches the screen.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Sequence

from reconciler.cli import console
from reconciler.cli.exit_codes import BUG, worst
from reconciler.cli.root import ROOT
from reconciler.cli.signals import interrupting
from reconciler.errors import ReconcilerError

VARIABLE = "_RECONCILER_COMPLETE"
"""The environment variable by which a shell asks for candidates; click makes it of the program's name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; the process's own when left out.

    Returns:
        The exit code; see `reconciler.cli.exit_codes`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _set_encodings()
        if VARIABLE in os.environ:
            from reconciler.cli import shells  # noqa: F401, PLC0415 - registers what click asks for; only completion does
        with interrupting():
            return _main(given)
    except BaseException as error:  # noqa: BLE001 - as in `_run`
        return _told(error, given)


def _main(given: Sequence[str]) -> int:
    code = _run(given)
    try:
        lost = console.end()
    except BaseException as error:  # noqa: BLE001 - as below
        return worst([code, _told(error, given)])
    if not lost:
        return code
    return worst([code, _told(ReconcilerError(lost), [])])


def _set_encodings() -> None:
    """Write UTF-8 with plain line feeds on every machine, and never fail on a character.

    Files and programs read what is written, and a locale must not change its meaning. Only a terminal keeps the
    encoding that it was started with, since it shows nothing else.
    """
    for stream in (sys.stdout, sys.stderr):
        if not isinstance(stream, io.TextIOWrapper):
            continue
        with contextlib.suppress(ValueError, io.UnsupportedOperation):
            if console.is_terminal(stream):
                stream.reconfigure(errors="backslashreplace")
            else:
                stream.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    if isinstance(sys.stdin, io.TextIOWrapper):
        with contextlib.suppress(ValueError, io.UnsupportedOperation):
            sys.stdin.reconfigure(errors="replace")


def _run(given: Sequence[str]) -> int:
    try:
        console.begin()
        code = ROOT.main(args=given, prog_name="reconciler", standalone_mode=False)
    except SystemExit as leaving:
        # Click leaves by itself when whoever reads our output has gone away.
        return leaving.code if isinstance(leaving.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - this is where every outcome becomes an exit code
        return _told(error, given)
    return code if isinstance(code, int) else 0


def _told(error: BaseException, arguments: Sequence[str]) -> int:
    """Tell an error; a bug in that is told without anything that could fail again."""
    try:
        from reconciler.cli.failures import tell  # noqa: PLC0415 - what it imports is not needed to start

        return tell(error, arguments)
    except BaseException as second:  # noqa: BLE001 - nothing may reach the screen as a traceback
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"Error: {type(error).__name__}, and telling it failed: {type(second).__name__}\n")
        return BUG
