"""The signals that stop a command: SIGINT, SIGTERM, and SIGHUP.

A person sends SIGINT, a canceled pipeline SIGTERM, and a terminal that closes SIGHUP. All three mean the same here. A
signal that the parent process ignores stays ignored: ``nohup reconciler apply`` outlives its terminal.
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Iterator

HANGUP = getattr(signal, "SIGHUP", None)
"""None on Windows."""
_ALL = (signal.SIGINT, signal.SIGTERM, *([HANGUP] if HANGUP is not None else []))


def stopping() -> tuple[int, ...]:
    """The signals that stop a command, without those that the parent process ignores."""
    return tuple(number for number in _ALL if signal.getsignal(number) != signal.SIG_IGN)


def raise_interrupts() -> None:
    """Make every stopping signal raise `KeyboardInterrupt`, as SIGINT does; does nothing outside the main thread."""
    with contextlib.suppress(ValueError):
        for number in stopping():
            signal.signal(number, signal.default_int_handler)


@contextlib.contextmanager
def interrupting() -> Iterator[None]:
    """Let every stopping signal raise `KeyboardInterrupt` inside, and restore the former handlers afterwards."""
    former = {number: signal.getsignal(number) for number in stopping()}
    raise_interrupts()
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            for number, handler in former.items():
                signal.signal(number, handler)
