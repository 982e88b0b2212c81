"""Every error that a person can meet, each with the exit code it ends the process with.

Takes nothing from the rest of the package; gives exceptions that carry data (places, problems, Twilio's own words) and
leave the wording on a terminal or in JSON to the renderers. Nothing here prints, and no message may hold a secret.

    ReconcilerError                     1
    ├── ConfigError                     1    problems in the files, all of them at once
    ├── MatchError                      1    files and account do not fit: ambiguity, dead pins, a wrong account
    ├── UsageError                      1    a wrong command line or environment
    ├── PlanFileError                   1    a saved plan, report or drift that is none
    ├── JournalError                    1    a journal of an interrupted apply that cannot be read or written
    ├── ApiError                        1    the API could not be asked, or said no
    │   ├── Unreachable                 1    no answer came
    │   │   └── Unsent                  1    the request never left, so it cannot have been done
    │   │       ├── OutOfTime           1    because the command's time was up
    │   │       └── Stopped             1    because a person stopped the command
    │   ├── Refused                     1    an answer with an error status
    │   ├── Intercepted                 1    an answer of a proxy or captive portal
    │   └── Malformed                   1    an answer that is not what the API promises
    │       └── TooLarge                1    because it is larger than any of the API's
    ├── StalePlan                       3    the approved plan no longer fits
    ├── GuardRefusal                    4    a limit or a missing approval; nothing was sent
    └── Interrupted                     130  stopped by a person
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

Severity = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in the files.

    Attributes:
        file: the path as a person would type it, relative to the root file's folder where that is possible.
        line: from 1; 0 when only the file is known.
        column: from 1; 0 when only the line is known.
        via: how the value came here when it is not written here itself, for instance ``variable host``,
            ``overlay prod.yaml`` or ``template standard``; empty otherwise.
    """

    file: str
    line: int = 0
    column: int = 0
    via: str = ""

    def __str__(self) -> str:
        """``file:line:column``, without the parts that are not known."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong or doubtful, with its place and a way out.

    Attributes:
        code: a stable name in kebab case, for instance ``unknown-key``; the rule's id in SARIF.
        message: one sentence that says what is wrong, naming the value when it is no secret.
        place: where; None when it is about no place in the files (an environment variable, the account).
        hint: what to do, in a sentence; empty when the message says it.
        severity: errors stop, warnings do not (``--strict`` makes them errors); a notice names an entry of the
            configuration that has done its work and can be removed.
        related: other places that belong to it, each with a word on what it is.
        address: the resource it is about, as text; empty when it is about none.
        conceals: whether the line holds a secret and must not be shown.
    """

    code: str
    message: str
    place: Place | None = None
    hint: str = ""
    severity: Severity = "error"
    related: tuple[tuple[Place, str], ...] = ()
    address: str = ""
    conceals: bool = False

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order by place, then by what is said, so that output is the same every time."""
        place = self.place or Place("")
        return (place.file, place.line, place.column, self.code, self.message)


class ReconcilerError(Exception):
    """The root of all errors that are told to a person without a traceback."""

    exit_code: ClassVar[int] = 1


class ProblemsError(ReconcilerError):
    """An error made of problems, each with its own place.

    Args:
        problems: at least one; told in the order of their places.
        lines: the lines of the files by file, for the caret display; may lack any of them.
    """

    def __init__(self, problems: Sequence[Problem], lines: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.problems = tuple(sorted(problems, key=Problem.sort_key))
        self.lines = lines or {}
        super().__init__("; ".join(problem.message for problem in self.problems))


class ConfigError(ProblemsError):
    """The files are wrong; carries every problem that was found, warnings included."""


class MatchError(ProblemsError):
    """The files are right by themselves, but do not fit the live account."""


class UsageError(ReconcilerError):
    """The command line or the environment is wrong."""


class PlanFileError(ReconcilerError):
    """A file that should hold a plan (or a report, or a drift) does not, or one of another format version."""


class JournalError(ReconcilerError):
    """The journal of an interrupted apply cannot be read, or this apply cannot keep one; nothing was sent."""


class ApiError(ReconcilerError):
    """The API could not be asked or did not do what it was asked.

    Attributes:
        may_be_done: whether the request, or an earlier attempt at it, may have been carried out all the same.
        retry_after: what the answer asked to be waited before the next try, as it came; empty for nothing.
    """

    may_be_done: bool = False
    retry_after: str = ""


class Unreachable(ApiError):
    """No answer came: no connection, a time-out, a connection that broke."""


class Unsent(Unreachable):
    """No connection came about, or none was tried, so the API cannot have taken the request."""


class OutOfTime(Unsent):
    """The command's time was up before the request was sent."""


class Stopped(Unsent):
    """A person stopped the command before the request was sent."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """What the API said when it refused a request.

    Attributes:
        method: the HTTP verb.
        path: path and query that were asked, without the host.
        status: the HTTP status.
        code: Twilio's error code, or the status where the body gave none (as Twilio's own libraries do).
        message: Twilio's words, as they came: hostile input for whoever shows them.
        more_info: Twilio's link to the error's page, or empty.
        request_id: the ``Twilio-Request-Id`` header, or empty.
    """

    method: str
    path: str
    status: int
    code: int
    message: str
    more_info: str = ""
    request_id: str = ""

    @property
    def answer(self) -> str:
        """Status and code in a few words: ``HTTP 403, Twilio error 70051``."""
        return f"HTTP {self.status}" + (f", Twilio error {self.code}" if self.code != self.status else "")


class Refused(ApiError):
    """An answer with an error status.

    Args:
        refusal: everything the answer said.
    """

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(
            f"{refusal.method} {refusal.path} was refused with HTTP {refusal.status}, "
            f"Twilio error {refusal.code}: {refusal.message}"
        )


class Intercepted(ApiError):
    """An answer that cannot be the API's: a redirect, or a page of a proxy or captive portal.

    Args:
        message: what answered, and how.
        status: the HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class Malformed(ApiError):
    """An answer whose status was a success but whose body is not what the API promises."""


class TooLarge(Malformed):
    """An answer that is larger than any of the API's, and that was not read to its end."""


Cause = Literal[
    "",
    "auth",
    "permission",
    "missing",
    "validation",
    "conflict",
    "rate",
    "server",
    "network",
    "answer",
    "deadline",
    "interrupted",
    "other",
]
"""The sort of a failure, which decides what to do about it; empty for what is no failure."""

_CAUSES: Mapping[int, Cause] = {
    400: "validation",
    401: "auth",
    403: "permission",
    404: "missing",
    409: "conflict",
    422: "validation",
    429: "rate",
}


def cause_of(error: ReconcilerError) -> Cause:
    """The sort of a failure."""
    match error:
        case Refused(refusal=refusal):
            return "server" if refusal.status >= 500 else _CAUSES.get(refusal.status, "other")
        case OutOfTime():
            return "deadline"
        case Stopped():
            return "interrupted"
        case Unreachable():
            return "network"
        case Malformed() | Intercepted():
            return "answer"
        case _:
            return "other"


class StalePlan(ReconcilerError):
    """The approved plan no longer fits the files or the account; nothing was sent.

    Args:
        differences: one sentence for each change that is not approved, in plan order.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, differences: Sequence[str]) -> None:
        self.differences = tuple(differences)
        super().__init__("the approved plan no longer fits: " + "; ".join(self.differences))


class GuardRefusal(ReconcilerError):
    """A guard refuses the whole apply; nothing was sent.

    Args:
        reasons: one sentence for each guard that refuses, with the number, the limit and the way out.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


class Interrupted(ReconcilerError):
    """A person stopped the run."""

    exit_code: ClassVar[int] = 130
