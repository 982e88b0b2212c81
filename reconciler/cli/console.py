"""The two output streams: whether they take colours, how wide they are, and writing to them without surprises.

Takes finished texts. A reader that goes away (``reconciler plan | head``) ends nothing: what is left to write is
dropped, and the exit code stays what it would have been.
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


def write(stream: TextIO, text: str) -> None:
    """Write a text and flush it; give up quietly when nobody reads any more."""
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        # Python flushes standard streams once more at its end, which must not fail either.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def out(text: str) -> None:
    """Write to standard output."""
    write(sys.stdout, text)


def err(text: str) -> None:
    """Write to standard error."""
    write(sys.stderr, text)
