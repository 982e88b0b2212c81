"""The two output streams: whether they take colours, how wide they are, and writing to them without surprises.

Takes finished texts. A reader that goes away (``reconciler plan | head``) ends nothing: what is left to write is
dropped, and the exit code stays what it would have been. Where standard output cannot be written for another reason (a
full disk), a run goes on to its end too, since it may be changing an account, and says so at last.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

PIPE_WIDTH = 100
"""Columns where there is no terminal to ask, so that logs are the same everywhere."""


def takes_colour(stream: TextIO, *, allowed: bool = True) -> bool:
    """Whether to lay colours on what goes to a stream.

    ``--no-color`` and NO_COLOR (no-color.org) forbid them, FORCE_COLOR asks for them, else a terminal decides.
    """
    if not allowed or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at a stream."""
    try:
        return stream.isatty()
    except ValueError:  # a stream that is closed
        return False


def width_of(stream: TextIO) -> int:
    """How many columns a stream has; COLUMNS decides where it is set."""
    if is_terminal(stream) or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    return PIPE_WIDTH


_lost: list[str] = []
"""Why standard output could not be written."""


def write(stream: TextIO, text: str) -> None:
    """Write a text and flush it; give up when that cannot be done any more, without a word when nobody reads."""
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if stream is sys.stdout and not isinstance(error, BrokenPipeError):
            _lost.append(error.strerror or "it is not known why")
        # Python flushes standard streams once more at its end, which must not fail either.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def begin() -> None:
    """Give every standard stream that is closed (``reconciler plan >&-``) somewhere to lead.

    Whatever is opened next would have its number otherwise, and get what is meant for it.
    """
    _lost.clear()
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(
                sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8", errors="backslashreplace")
            )


def end() -> str:
    """Flush what is left; gives why standard output lacks something, and is empty when it has everything."""
    write(sys.stdout, "")
    return _lost[0] if _lost else ""


def out(text: str) -> None:
    """Write to standard output."""
    write(sys.stdout, text)


def err(text: str) -> None:
    """Write to standard error."""
    write(sys.stderr, text)
