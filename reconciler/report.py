"""How an apply went: one outcome for each step, and all of them together. Data for people and for JSON; does nothing.

Outcomes hold no contents, only names, places and Twilio's own words, so nothing secret can be in them; Twilio's words
are hostile input all the same, and whoever shows them escapes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from reconciler.change import Action, Change, Op, Step
from reconciler.errors import Cause, Problem, Refusal

Status = Literal["done", "unchanged", "failed", "skipped", "withheld", "interrupted"]
"""``unchanged``: there was nothing left to send. ``interrupted``: whether it took place is not known."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one step ended.

    Attributes:
        step: the step's id.
        change: the address of the change it belongs to, as text.
        op: what was asked, or would have been.
        status: how it ended.
        sid: the resource, where it is known.
        message: why, in a sentence; for what is done a doubt that is left, mostly empty.
        refusal: what the API said, when it refused.
        because: for a skipped step, the id of the step whose failure caused it.
        cause: for a failed step, the sort of its failure.
        name: for a delete, the natural key of the deleted resource, as it may be shown.
        is_old: whether it deletes the old resource of a replace, whose address the new one has.
    """

    step: str
    change: str
    op: Op
    status: Status
    sid: str = ""
    message: str = ""
    refusal: Refusal | None = None
    because: str = ""
    cause: Cause = ""
    name: str = ""
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """How one change ended: its worst outcome counts.

    Attributes:
        change: what was to happen.
        status: ``done`` when every step is; ``partly`` when some are and some are not.
        outcomes: those of its steps, in their order.
    """

    change: Change
    status: Literal["done", "partly", "failed", "skipped", "withheld", "interrupted"]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """How a whole apply ended.

    Attributes:
        results: one for each change of the plan, in its order.
        requests: how many requests were sent, reads and writes.
        writes: how many of them were writes.
        resent: how many of them were sent before, and had to be sent again.
        seconds: how long it took.
        interrupted: whether a person stopped it.
        unreadable: collections that could not be planned, because they may not be read.
    """

    results: tuple[ChangeResult, ...]
    requests: int = 0
    writes: int = 0
    resent: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    unreadable: tuple[Problem, ...] = ()

    def counts(self) -> dict[Action, int]:
        """How many changes were done in full, by action."""
        done = Counter(result.change.action for result in self.results if result.status == "done")
        return {action: done[action] for action in ("create", "update", "replace", "delete")}

    @property
    def exit_code(self) -> int:
        """0 done, 1 a step failed or was skipped, 5 a protected part was withheld, 130 interrupted before the end."""
        statuses = {result.status for result in self.results}
        if self.interrupted and (not statuses or statuses - {"done", "withheld"}):
            return 130
        if self.unreadable or statuses & {"failed", "skipped", "partly", "interrupted"}:
            return 1
        return 5 if "withheld" in statuses or any(self._keeps_something(result) for result in self.results) else 0

    @staticmethod
    def _keeps_something(result: ChangeResult) -> bool:
        return any(outcome.status == "withheld" for outcome in result.outcomes)


class Progress(Protocol):
    """What a run tells whoever watches it; none of it changes what the run does."""

    def reading(self, answered: int, asked: int) -> None:
        """So many of so many known requests of the fetch have been answered."""

    def started(self, step: Step) -> None:
        """A step was sent."""

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """A step ended, as the so-manieth of so many."""

    def waiting(self, seconds: float, why: str) -> None:
        """A request waits so long before it is sent again."""


class Silent:
    """A `Progress` that tells nobody."""

    def reading(self, answered: int, asked: int) -> None:
        """Do nothing."""

    def started(self, step: Step) -> None:
        """Do nothing."""

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """Do nothing."""

    def waiting(self, seconds: float, why: str) -> None:
        """Do nothing."""


def result_of(change: Change, outcomes: Sequence[Outcome]) -> ChangeResult:
    """Sum the outcomes of a change's steps up into one status."""
    statuses = {outcome.status for outcome in outcomes}
    done = bool(statuses & {"done", "unchanged"})
    if done:
        whole = statuses <= {"done", "unchanged", "withheld"}
        return ChangeResult(change, "done" if whole else "partly", tuple(outcomes))
    worst: tuple[Literal["interrupted", "failed", "skipped"], ...] = ("interrupted", "failed", "skipped")
    return ChangeResult(change, next((item for item in worst if item in statuses), "withheld"), tuple(outcomes))
