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
    for stream in (sys.stdout, sys.stderr):
        # An old locale must not turn an arrow into a crash.
        if isinstance(stream, io.TextIOWrapper):
            with contextlib.suppress(ValueError):
                stream.reconfigure(errors="backslashreplace")
    if VARIABLE in os.environ:
        from reconciler.cli import shells  # noqa: F401, PLC0415 - click asks what it registers; nobody else needs it
    code = _run(given)
    try:
        lost = console.end()
    except BaseException as error:  # noqa: BLE001 - as below
        return worst([code, _told(error, given)])
    if not lost:
        return code
    return worst([code, _told(ReconcilerError(f"standard output could not be written: {lost}"), [])])


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
