"""The output streams: whether they take colors, how wide they are, and robust writing.

Takes finished texts. A reader that closes the pipe (``reconciler plan | head``) is not an error: the rest is dropped,
and the exit code stays the same. If standard output is closed, or cannot be written for another reason (a full disk),
the command runs to its end, because it may be changing an account, and then fails. If more than the text is lost, such
as the changes of an apply, a reader that closes the pipe is an error too; see `at_stake`.
"""

from __future__ import annotations

import os
import shutil
import sys
from typing import TextIO

from reconciler.lazy_dataclass import dataclass

PIPE_WIDTH = 100
"""The width without a terminal, so that logs are the same everywhere."""


def takes_colour(stream: TextIO, *, allowed: bool = True) -> bool:
    """Return whether to write colors to a stream.

    ``--no-color`` and NO_COLOR (no-color.org) turn them off, FORCE_COLOR turns them on; otherwise a terminal has them.
    """
    if not allowed or os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return is_terminal(stream) and os.environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO) -> bool:
    """Return whether a stream is a terminal."""
    try:
        return stream.isatty()
    except ValueError:  # the stream is closed
        return False


def width_of(stream: TextIO) -> int:
    """Return the number of columns of a stream; COLUMNS overrides it."""
    if is_terminal(stream) or os.environ.get("COLUMNS"):
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns
    return PIPE_WIDTH


_CLOSED = "it is closed"


@dataclass(slots=True)
class _Loss:
    """The output that was lost.

    Attributes:
        failed: Why standard output could not be written.
        unread: The same if it may be intended: the reader closed the pipe.
        is_closed: Whether standard output was closed from the start.
        at_stake: A sentence that the user must see nevertheless.
        is_reported: Whether another error reports it.
    """

    failed: str = ""
    unread: str = ""
    is_closed: bool = False
    at_stake: str = ""
    is_reported: bool = False

    @property
    def reason(self) -> str:
        return self.failed or self.unread or (_CLOSED if self.is_closed else "")


_loss = _Loss()


def write(stream: TextIO, text: str) -> bool:
    """Write a text and flush it; if that fails, drop it.

    Returns:
        Whether it was written.
    """
    if stream is sys.stdout and _loss.is_closed and text:
        _loss.failed = _CLOSED
        return False
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        if stream is sys.stdout:
            reason = error.strerror or "unknown reason"
            if isinstance(error, BrokenPipeError):
                _loss.unread = reason
            else:
                _loss.failed = reason
        # Python flushes the standard streams again when it exits, which must not fail either.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True


def begin() -> None:
    """Open every standard stream that is closed (``reconciler plan >&-``).

    Otherwise the next file that is opened would get its file descriptor, and the text intended for it.
    """
    global _loss  # noqa: PLW0603 - a process has one standard output
    _loss = _Loss()
    if sys.stdout is None:
        _loss.is_closed = True
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(
                sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8", errors="backslashreplace")
            )


def at_stake(sentence: str) -> None:
    """Set the sentence that the user must see even if standard output is lost."""
    _loss.at_stake = sentence


def unwritten() -> str:
    """Return the reason why standard output is incomplete so far; empty if it is complete."""
    return _loss.reason


def mark_reported() -> None:
    """Keep `end` from reporting lost output, because another error does."""
    _loss.is_reported = True


def end() -> str:
    """Flush standard output.

    Returns:
        An error message if output that matters was lost; otherwise empty.
    """
    write(sys.stdout, "")
    reason = _loss.reason if _loss.at_stake else _loss.failed
    if not reason or _loss.is_reported:
        return ""
    return f"cannot write to standard output: {reason}" + (f"; {_loss.at_stake}" if _loss.at_stake else "")


def out(text: str) -> bool:
    """Write to standard output; return whether it was written."""
    return write(sys.stdout, text)


def err(text: str) -> bool:
    """Write to standard error; return whether it was written."""
    return write(sys.stderr, text)
