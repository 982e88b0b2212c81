"""The signals that stop a command: SIGINT, SIGTERM, and SIGHUP.

A user sends SIGINT, a canceled pipeline SIGTERM, and a terminal that closes SIGHUP. All three mean the same here. A
signal that the parent process ignores stays ignored: ``nohup reconciler apply`` outlives its terminal.
"""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from types import FrameType

HANGUP = getattr(signal, "SIGHUP", None)
"""None on Windows."""
_ALL = (signal.SIGINT, signal.SIGTERM, *([HANGUP] if HANGUP is not None else []))
_ONE_INTERRUPT_SECONDS = 1.0
"""Signals within this time are one interrupt: a double Ctrl-C, or a runner that sends SIGINT and SIGTERM."""
_last_raised = float("-inf")


def stopping() -> tuple[int, ...]:
    """Return the signals that stop a command, without those that the parent process ignores."""
    return tuple(number for number in _ALL if signal.getsignal(number) != signal.SIG_IGN)


def raise_interrupts() -> None:
    """Make every stopping signal raise `KeyboardInterrupt`; does nothing outside the main thread."""
    with contextlib.suppress(ValueError):
        for number in stopping():
            signal.signal(number, _raise)


def ignore() -> None:
    """Ignore every stopping signal: the command is about to end, and its report must not be cut off."""
    with contextlib.suppress(ValueError):
        for number in stopping():
            signal.signal(number, signal.SIG_IGN)


@contextlib.contextmanager
def blocked() -> Iterator[None]:
    """Block stopping signals inside the context, so that handlers can be changed without a gap."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    former = signal.pthread_sigmask(signal.SIG_BLOCK, _ALL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def _raise(_number: int, _frame: FrameType | None) -> None:
    """Raise `KeyboardInterrupt`, but only once for signals that belong together.

    A second one would be raised while the first is handled.
    """
    global _last_raised  # noqa: PLW0603 - signals belong to the process
    now = time.monotonic()
    if now - _last_raised >= _ONE_INTERRUPT_SECONDS:
        _last_raised = now
        raise KeyboardInterrupt


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """Let every stopping signal raise `KeyboardInterrupt` inside, and restore the former handlers afterwards."""
    global _last_raised  # noqa: PLW0603 - see above
    _last_raised = float("-inf")
    former = {number: signal.getsignal(number) for number in stopping()}
    raise_interrupts()
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            for number, handler in former.items():
                signal.signal(number, handler)
