"""The display of a run: what a terminal shows, and that it harms nobody."""

from __future__ import annotations

import io
import re

import pytest

from reconciler.address import Address
from reconciler.change import Op, Step
from reconciler.kinds.role import ROLE
from reconciler.render.progress import Display
from reconciler.render.terminal import cells
from reconciler.report import Outcome, Progress, Status


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.2
        return self.now


class Terminal:
    """One line of a terminal, and the lines above it."""

    def __init__(self, text: str) -> None:
        self.above: list[str] = []
        self.line = ""
        for part in re.findall(r"\r\x1b\[K|\n|[^\r\x1b\n]+", text):
            if part == "\n":
                self.above.append(self.line)
                self.line = ""
            elif part == "\r\x1b[K":
                self.line = ""
            else:
                self.line += part


def step(handle: str, op: Op = "create") -> Step:
    address = Address.of("services", "s", "roles", handle)
    return Step(f"{address}#{op}", op, address, ROLE, Address.of("services", "s"))


def outcome(of: Step, status: Status = "done") -> Outcome:
    return Outcome(of.id, str(of.address), of.op, status)


def run(display: Progress) -> None:
    display.reading(0, 1)
    display.reading(7, 12)
    first, second = step("a"), step("b", "update")
    display.started(first)
    display.started(second)
    display.ended(outcome(second, "failed"), 1, 3)
    display.ended(outcome(first), 2, 3)
    display.ended(outcome(step("c", "delete"), "skipped"), 3, 3)


def test_a_terminal_ends_up_with_a_line_for_each_step_and_nothing_else() -> None:
    stream = io.StringIO()
    with Display(live=stream, lines=stream, clock=Clock(), width=100) as display:
        run(display)
        assert "Applying: 3 of 3 done" in Terminal(stream.getvalue()).line
    terminal = Terminal(stream.getvalue())
    assert terminal.line == ""
    assert terminal.above == [
        "  ! services.s.roles.b: update failed",
        "  + services.s.roles.a created (1.6 s)",
        "  ! services.s.roles.c: delete skipped",
    ]


def test_the_live_line_says_what_runs() -> None:
    stream = io.StringIO()
    display = Display(live=stream, lines=None, clock=Clock(), width=100)
    display.reading(7, 12)
    assert re.fullmatch(r"Reading the account: 7 of 12 requests, \d+ s", Terminal(stream.getvalue()).line)
    display.started(step("a"))
    display.started(step("b", "update"))
    assert re.fullmatch(r"Applying, \d+ s; creating services.s.roles.a and 1 more", Terminal(stream.getvalue()).line)
    display.clear()
    assert Terminal(stream.getvalue()).line == ""


def test_without_a_terminal_there_are_plain_lines_only() -> None:
    stream = io.StringIO()
    with Display(live=None, lines=stream, clock=Clock()) as display:
        run(display)
    assert "\x1b" not in stream.getvalue()
    assert "\r" not in stream.getvalue()
    assert len(stream.getvalue().splitlines()) == 3


@pytest.mark.parametrize("width", [1, 10, 30])
def test_the_live_line_never_fills_a_line(width: int) -> None:
    stream = io.StringIO()
    display = Display(live=stream, lines=None, clock=Clock(), width=width)
    display.started(step("日本" * 20))
    assert cells(Terminal(stream.getvalue()).line) < max(width, 2)


def test_hostile_handles_are_escaped() -> None:
    stream = io.StringIO()
    with Display(live=stream, lines=stream, clock=Clock(), width=200) as display:
        display.started(step("\x1b[2J\u202e"))
        display.ended(outcome(step("\x1b[2J\u202e")), 1, 1)
    assert "\x1b[2J" not in stream.getvalue()
    assert "\u202e" not in stream.getvalue()


class Broken(io.StringIO):
    """A pipe whose reader went away."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def test_a_broken_stream_does_not_reach_the_run() -> None:
    other = io.StringIO()
    with Display(live=Broken(), lines=other, clock=Clock()) as display:
        run(display)
    assert len(other.getvalue().splitlines()) == 3
    with Display(live=other, lines=Broken(), clock=Clock()) as display:
        run(display)


def test_an_interrupt_leaves_the_line_clean() -> None:
    stream = io.StringIO()
    display = Display(live=stream, lines=None, clock=Clock())

    def interrupted() -> None:
        with display:
            display.reading(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert Terminal(stream.getvalue()).line == ""


def test_redrawing_is_limited() -> None:
    stream = io.StringIO()
    display = Display(live=stream, lines=None, clock=lambda: 1.0)
    for number in range(1000):
        display.reading(number, 1000)
    assert stream.getvalue().count("\r") == 1
