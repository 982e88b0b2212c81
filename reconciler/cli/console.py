"""The two output streams: whether they take colours, how wide they are, and writing to them without surprises.

Takes finished texts. A reader that goes away (``reconciler plan | head``) ends nothing: what is left to write is
dropped, and the exit code stays what it would have been. Where standard output cannot be written for another reason (a
full disk), a run goes on to its end too, since it may be changing an account, and says so at last. Where more than the
text is lost with it, since an apply shows what it does to an account, a reader that goes away is an error as well: see
`at_stake`.
"""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
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


@dataclass(slots=True)
class _Loss:
    """What standard output lacks.

    Attributes:
        failed: why it could not be written.
        unread: the same, where whoever started the command may have wanted it so: the reader went away, or there never
            was one.
        at_stake: what must be known all the same, a sentence.
        is_told: whether another error says so already.
    """

    failed: str = ""
    unread: str = ""
    at_stake: str = ""
    is_told: bool = False

    @property
    def reason(self) -> str:
        return self.failed or self.unread


_loss = _Loss()


def write(stream: TextIO, text: str) -> bool:
    """Write a text and flush it; give up when that cannot be done any more, without a word when nobody reads.

    Returns:
        Whether it was written.
    """
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
        # Python flushes standard streams once more at its end, which must not fail either.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)
        return False
    return True


def begin() -> None:
    """Give every standard stream that is closed (``reconciler plan >&-``) somewhere to lead.

    Whatever is opened next would have its number otherwise, and get what is meant for it.
    """
    global _loss  # noqa: PLW0603 - a process has one standard output
    _loss = _Loss()
    if sys.stdout is None:
        _loss.unread = "it is closed"
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(
                sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8", errors="backslashreplace")
            )


def at_stake(sentence: str) -> None:
    """Say what has been done that standard output shows, and that must be known even if nobody reads that."""
    _loss.at_stake = sentence


def unwritten() -> str:
    """Why standard output lacks something so far; empty if it has everything."""
    return _loss.reason


def take_as_told() -> None:
    """Let `end` say nothing of what standard output lacks: the error that ends the command does."""
    _loss.is_told = True


def end() -> str:
    """Flush what is left.

    Returns:
        What is wrong, as a sentence, if standard output lacks something that matters; else empty.
    """
    write(sys.stdout, "")
    reason = _loss.reason if _loss.at_stake else _loss.failed
    if not reason or _loss.is_told:
        return ""
    return f"standard output could not be written: {reason}" + (f"; {_loss.at_stake}" if _loss.at_stake else "")


def out(text: str) -> bool:
    """Write to standard output; gives whether it was written."""
    return write(sys.stdout, text)


def err(text: str) -> bool:
    """Write to standard error; gives whether it was written."""
    return write(sys.stderr, text)
