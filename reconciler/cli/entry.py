"""The entry point: runs the command line and converts every outcome into an exit code.

Takes the arguments; returns the exit code. Raises nothing; no traceback reaches the screen.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import sys
from collections.abc import Sequence

from reconciler.cli import console, signals
from reconciler.cli.exit_codes import BUG, worst
from reconciler.cli.root import ROOT
from reconciler.errors import ReconcilerError

VARIABLE = "_RECONCILER_COMPLETE"
"""The environment variable by which a shell requests candidates; click derives it from the program's name."""

COLLECT_EVERY = 200_000
"""New objects between two searches for reference cycles. Python's default of 700 searches a hundred times while modules
are imported, which is a tenth of the CPU time of a short command. A short plan makes fewer than this."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The arguments without the program's name; the process's own if omitted.

    Returns:
        The exit code; see `reconciler.cli.exit_codes`.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        _set_encodings()
        if VARIABLE in os.environ:
            from reconciler.cli import shells  # noqa: F401, PLC0415 - registers what click asks for; only completion does
        if arguments is None:
            # The process ends here: no signal may interrupt the final report.
            signals.raise_interrupts()
            gc.set_threshold(COLLECT_EVERY)
            # httpx imports its own command line if rich is installed: a tenth of the CPU time of a short command.
            sys.modules["httpx._main"] = None  # type: ignore[assignment]
            # pydantic would search every installed package for plugins, which no document needs.
            os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
            code = _main(given)
            # Python would search everything for cycles once more: a sixth of the CPU time of a short command.
            gc.freeze()
            return code
        with signals.interrupting():
            return _main(given)
    except BaseException as error:  # noqa: BLE001 - as in `_run`
        return _report(error, given)


def _main(given: Sequence[str]) -> int:
    code = _run(given)
    signals.ignore()
    try:
        lost = console.end()
    except BaseException as error:  # noqa: BLE001 - as below
        return worst([code, _report(error, given)])
    if not lost:
        return code
    return worst([code, _report(ReconcilerError(lost), [])])


def _set_encodings() -> None:
    """Write UTF-8 with line feeds on every machine, and never fail on a character.

    Other programs read the output, so it must not depend on the locale. Only a terminal keeps its encoding, because it
    displays no other.
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
        # click exits by itself if the reader of the output is gone.
        return leaving.code if isinstance(leaving.code, int) else 1
    except BaseException as error:  # noqa: BLE001 - every outcome becomes an exit code here
        return _report(error, given)
    return code if isinstance(code, int) else 0


def _report(error: BaseException, arguments: Sequence[str]) -> int:
    """Report an error; an error during that is reported by simpler means, which cannot fail again."""
    signals.ignore()
    try:
        from reconciler.cli.failures import report  # noqa: PLC0415 - its imports are not needed to start

        return report(error, arguments)
    except BaseException as second:  # noqa: BLE001 - nothing may reach the screen as a traceback
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(f"Error: {type(error).__name__}; reporting it failed: {type(second).__name__}\n")
        return BUG
