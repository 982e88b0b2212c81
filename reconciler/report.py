"""The result of an apply: one outcome for each step, and the report with all of them. Data for people and for JSON.

Outcomes contain names, addresses, and Twilio's own messages, but no secrets. Twilio's
messages are hostile input, which renderers must escape. Values that a step changed are recorded in the forms of
`reconciler.documents.values`, in which no secret is readable.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import field
from typing import Literal, Protocol

from reconciler.change import Action, Change, Op, Step
from reconciler.errors import Cause, Problem, Refusal
from reconciler.json_text import Json
from reconciler.lazy_dataclass import dataclass

Status = Literal["done", "unchanged", "failed", "skipped", "withheld", "interrupted"]
"""``unchanged``: there was nothing to send. ``interrupted``: it is not known whether the step had an effect."""


@dataclass(frozen=True, slots=True)
class Written:
    """The resource that a step wrote to, and its values in the forms of `reconciler.documents.values`.

    Attributes:
        address: its address.
        kind: the name of its kind.
        parents: SIDs of the resources that contain it, outermost first.
        before: every value that the step changed, by field, or all of a deleted resource; None if it did not exist, or
            was never read.
        after: the values that it has now, or all of a new resource; None if it no longer exists. If the outcome of the
            step is unknown, the values that were sent.
    """

    address: str
    kind: str
    parents: tuple[str, ...] = ()
    before: Mapping[str, Json] | None = None
    after: Mapping[str, Json] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one step.

    Attributes:
        step: the step's ID.
        change: the address of the step's change, as text.
        op: the operation.
        status: the result.
        sid: the resource, if known.
        message: the reason, in one sentence; for a successful step, a remaining doubt, usually empty.
        refusal: the API's refusal, if there is one.
        because: for a skipped step, the ID of the step whose failure caused it.
        cause: for a failed step, the category of its failure.
        name: for a delete, the natural key of the deleted resource, in a form that may be shown.
        is_old: whether it deletes the old resource of a replace, whose address the new one shares.
        written: the resource it wrote to, and the values before and after; None if it had no effect.
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
    written: Written | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ChangeResult:
    """The result of one change: its worst outcome counts.

    Attributes:
        change: the change.
        status: ``done`` if every step is done; ``partly`` if only some are.
        outcomes: the outcomes of its steps, in order.
    """

    change: Change
    status: Literal["done", "partly", "failed", "skipped", "withheld", "interrupted"]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class ReportOrigin:
    """What a report says besides the outcomes, and what is known before the first step.

    Attributes:
        source_commit: the commit that was checked out in the configuration's repository; empty if there is none.
        source_root: the root file, relative to the top of that repository; empty if there is none.
        entry: the number of the ledger's entry; 0 without one.
        follow_up: of an undo, the commands that make the configuration agree with the account.
    """

    source_commit: str = ""
    source_root: str = ""
    entry: int = 0
    follow_up: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """The result of a whole apply.

    Attributes:
        results: one for each change of the plan, in its order.
        requests: the number of requests sent, reads and writes.
        writes: the number of writes among them.
        resent: the number of retries among them.
        seconds: the duration.
        interrupted: whether the user interrupted it.
        unreadable: collections that could not be planned, because the credentials may not read them.
        unrecorded: why the ledger does not have the outcome, in a sentence; empty if it has, or without a ledger.
        origin: what is known besides the outcomes.
    """

    results: tuple[ChangeResult, ...]
    requests: int = 0
    writes: int = 0
    resent: int = 0
    seconds: float = 0.0
    interrupted: bool = False
    unreadable: tuple[Problem, ...] = ()
    unrecorded: str = ""
    origin: ReportOrigin = ReportOrigin()

    def counts(self) -> dict[Action, int]:
        """Count the completed changes by action."""
        done = Counter(result.change.action for result in self.results if result.status == "done")
        return {action: done[action] for action in ("create", "update", "replace", "delete")}

    @property
    def exit_code(self) -> int:
        """The exit status: 0 done, 1 a step failed or was skipped, 5 a protected part was withheld, 130 interrupted."""
        statuses = {result.status for result in self.results}
        if self.interrupted and (not statuses or statuses - {"done", "withheld"}):
            return 130
        if self.unreadable or self.unrecorded or statuses & {"failed", "skipped", "partly", "interrupted"}:
            return 1
        return 5 if "withheld" in statuses or any(self._keeps_something(result) for result in self.results) else 0

    @staticmethod
    def _keeps_something(result: ChangeResult) -> bool:
        return any(outcome.status == "withheld" for outcome in result.outcomes)


class Progress(Protocol):
    """Receives the progress of a run; must not affect the run."""

    def reading(self, answered: int, asked: int) -> None:
        """Return a request of the fetch was sent or answered; receives both totals so far."""

    def working(self, what: str) -> None:
        """Receive the name of work without requests that begins and may take seconds."""

    def started(self, step: Step) -> None:
        """Return a step was started."""

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """Return a step ended; done of total steps have ended so far."""

    def waiting(self, seconds: float, why: str) -> None:
        """Return a request waits for some seconds before it is sent again."""


class Silent:
    """A `Progress` that does nothing."""

    def reading(self, answered: int, asked: int) -> None:
        """Do nothing."""

    def working(self, what: str) -> None:
        """Do nothing."""

    def started(self, step: Step) -> None:
        """Do nothing."""

    def ended(self, outcome: Outcome, done: int, total: int) -> None:
        """Do nothing."""

    def waiting(self, seconds: float, why: str) -> None:
        """Do nothing."""


def result_of(change: Change, outcomes: Sequence[Outcome]) -> ChangeResult:
    """Combine the outcomes of a change's steps into one status."""
    statuses = {outcome.status for outcome in outcomes}
    done = bool(statuses & {"done", "unchanged"})
    if done:
        whole = statuses <= {"done", "unchanged", "withheld"}
        return ChangeResult(change, "done" if whole else "partly", tuple(outcomes))
    worst: tuple[Literal["interrupted", "failed", "skipped"], ...] = ("interrupted", "failed", "skipped")
    return ChangeResult(change, next((item for item in worst if item in statuses), "withheld"), tuple(outcomes))
