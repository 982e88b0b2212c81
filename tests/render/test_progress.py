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


def test_the_line_names_work_without_requests_and_counts_from_the_start() -> None:
    terminal, clock = io.StringIO(), Clock()
    with Display(live=terminal, lines=None, clock=clock) as display:
        assert Terminal(terminal.getvalue()).line == "Loading the configuration, 0 s"
        clock.now += 3
        display.reading(0, 3)
        assert Terminal(terminal.getvalue()).line == "Reading the account: 0 of 3 requests, 3 s"
        display.reading(3, 3)
        display.working("Comparing the account with the configuration")
        assert Terminal(terminal.getvalue()).line == "Comparing the account with the configuration, 4 s"
    assert Terminal(terminal.getvalue()).line == ""


def test_a_second_reading_does_not_count_the_time_at_the_prompt() -> None:
    now = [0.0]
    stream = io.StringIO()
    display = Display(live=stream, lines=None, clock=lambda: now[0], width=100)
    display.reading(1, 1)
    display.clear()
    now[0] = 60.0
    display.reading(0, 1)
    assert Terminal(stream.getvalue()).line == "Reading the account: 0 of 1 requests, 0 s"


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


def test_the_live_line_says_that_a_request_waits_and_why() -> None:
    now = 0.0
    stream = io.StringIO()
    display = Display(live=stream, lines=None, clock=lambda: now, width=120)
    display.started(step("a"))
    now = 2.0
    display.waiting(4, "Twilio answered 429 (too many requests)")
    assert Terminal(stream.getvalue()).line == (
        "Applying, 2 s; waiting 4 s: Twilio answered 429 (too many requests); creating services.s.roles.a"
    )
    now = 4.5
    # One that is over sooner, and one too short to read of.
    display.waiting(1.4, "no answer")
    display.waiting(0.9, "no answer")
    display.tick()
    assert "waiting 2 s: Twilio answered 429 (too many requests)" in Terminal(stream.getvalue()).line
    now = 6.0
    display.tick()
    assert Terminal(stream.getvalue()).line == "Applying, 6 s; creating services.s.roles.a"


def test_a_wait_before_anything_was_answered_is_shown_too() -> None:
    stream = io.StringIO()
    Display(live=stream, lines=None, clock=lambda: 0.0, width=80).waiting(3, "no answer")
    assert Terminal(stream.getvalue()).line == "Waiting for the API, 0 s; waiting 3 s: no answer"


def test_a_line_of_the_log_stands_above_the_live_one() -> None:
    stream = io.StringIO()
    display = Display(live=stream, lines=None, log=stream, clock=Clock(), width=80)
    display.reading(1, 2)
    display.log("a line of the log\n")
    terminal = Terminal(stream.getvalue())
    assert terminal.above == ["a line of the log"]
    assert terminal.line.startswith("Reading the account: 1 of 2 requests")


def test_a_note_is_heard_without_a_terminal_too() -> None:
    stream = io.StringIO()
    Display(live=None, lines=None, log=stream, clock=Clock()).note("Stopping\x1b")
    assert stream.getvalue() == "Stopping\\u001b\n"


def test_what_the_end_of_a_run_kept_from_being_sent_has_no_line_each() -> None:
    stream = io.StringIO()
    with Display(live=None, lines=stream, clock=Clock()) as display:
        display.ended(Outcome("s", "services.s", "create", "skipped", cause="deadline"), 1, 1)
    assert stream.getvalue() == ""


def test_a_delete_names_what_it_deletes() -> None:
    stream = io.StringIO()
    with Display(live=None, lines=stream, clock=lambda: 0.0) as display:
        old = Outcome("a", "services.s.roles.operator", "delete", "done", "RL1", name="agent", is_old=True)
        pruned = Outcome("b", 'addresses["IG1"]', "delete", "done", "IG1", name="+14155550101")
        absent = Outcome("c", "services.s.roles.lead", "delete", "done", "RL2", name="lead")
        for number, ended in enumerate((old, pruned, absent), 1):
            display.ended(ended, number, 3)
    assert stream.getvalue() == (
        '  - services.s.roles.operator: old resource "agent" (RL1) deleted (0.0 s)\n'
        '  - addresses["IG1"] "+14155550101" deleted (0.0 s)\n'
        "  - services.s.roles.lead deleted (0.0 s)\n"
    )
