"""Every error that a user can see, each with its exit status.

Imports nothing from the rest of the package. Exceptions carry data (places, problems, Twilio's own message) and leave
their layout to the renderers. Nothing here prints, and no message may contain a secret.

    ReconcilerError                     1
    ├── ConfigError                     1    problems in the configuration, all of them at once
    ├── MatchError                      1    configuration and account do not match: ambiguity, dead pins
    ├── UsageError                      1    an invalid command line or environment
    ├── PlanFileError                   1    an invalid saved plan, report, or drift
    ├── JournalError                    1    a journal that cannot be read or written
    ├── LedgerError                     1    the ledger cannot be used, or is in use by another apply
    ├── ApiError                        1    the API could not be reached, or refused a request
    │   ├── Unreachable                 1    no answer
    │   │   └── Unsent                  1    the request was not sent, so it had no effect
    │   │       ├── OutOfTime           1    because the command's deadline had passed
    │   │       └── Stopped             1    because the command was interrupted
    │   ├── Refused                     1    an answer with an error status
    │   ├── Intercepted                 1    an answer of a proxy or captive portal
    │   └── Malformed                   1    an answer that the API's contract does not allow
    │       └── TooLarge                1    because it is larger than any of the API's
    ├── StalePlan                       3    the approved plan no longer fits
    ├── GuardRefusal                    4    a limit, or a missing approval; nothing was sent
    └── Interrupted                     130  the user interrupted the run
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

from reconciler.lazy_dataclass import dataclass

Severity = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place in the configuration files.

    Attributes:
        file: the path as a user would type it, relative to the root file's folder if possible.
        line: from 1; 0 if only the file is known.
        column: from 1; 0 if only the line is known.
        via: the origin of a value that is not written at this place itself, for instance ``variable host``,
            ``overlay prod.yaml``, or ``template standard``; empty otherwise.
    """

    file: str
    line: int = 0
    column: int = 0
    via: str = ""

    def __str__(self) -> str:
        """Return ``file:line:column``, without the unknown parts."""
        return ":".join([self.file, *(str(number) for number in (self.line, self.column) if number)])


@dataclass(frozen=True, slots=True)
class Problem:
    """An error, a warning, or a notice, with its place and its fix.

    Attributes:
        code: a stable name in kebab case, for instance ``unknown-key``; the rule's ID in SARIF.
        message: one sentence on what is wrong, with the value unless it is secret.
        place: the place; None if it concerns none (an environment variable, the account).
        hint: one sentence on how to fix it; empty if the message already does.
        severity: errors stop the command, warnings do not (``--strict`` makes them errors); a notice is about a part
            of the configuration that has taken effect and can be removed.
        related: other relevant places, each with a label.
        address: the resource that it concerns, as text; empty if none.
        conceals: whether the line contains a secret and must not be shown.
        fix: what to paste instead of what was written: an option, or lines of YAML; empty for none.
    """

    code: str
    message: str
    place: Place | None = None
    hint: str = ""
    severity: Severity = "error"
    related: tuple[tuple[Place, str], ...] = ()
    address: str = ""
    conceals: bool = False
    fix: str = ""

    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Return the sort key: place, code, message, so that output is deterministic."""
        place = self.place or Place("")
        return (place.file, place.line, place.column, self.code, self.message)


class ReconcilerError(Exception):
    """The base of all errors that are shown to the user without a traceback."""

    exit_code: ClassVar[int] = 1


class ProblemsError(ReconcilerError):
    """An error that consists of problems, each with its own place.

    Args:
        problems: at least one; they are sorted by place.
        lines: the lines of the files, by file, for the display with a caret; may lack files.
    """

    def __init__(self, problems: Sequence[Problem], lines: Mapping[str, tuple[str, ...]] | None = None) -> None:
        self.problems = tuple(sorted(problems, key=Problem.sort_key))
        self.lines = lines or {}
        super().__init__("; ".join(problem.message for problem in self.problems))


class ConfigError(ProblemsError):
    """The configuration is invalid; carries every problem that was found, warnings included."""


class MatchError(ProblemsError):
    """The configuration is valid, but does not fit the live account."""


class UsageError(ReconcilerError):
    """The command line or the environment is invalid."""


class PlanFileError(ReconcilerError):
    """A file is not the plan, report, or drift that it should be, or has another format version."""


class JournalError(ReconcilerError):
    """The journal of an interrupted apply cannot be read, or that of this apply cannot be written; nothing was sent."""


class LedgerError(ReconcilerError):
    """The ledger cannot be read or written, or another apply has its lock; nothing was sent."""


class ApiError(ReconcilerError):
    """A request to the API failed.

    Attributes:
        may_be_done: whether the request, or an earlier attempt at it, may have had an effect nevertheless.
        retry_after: the answer's ``Retry-After`` header, or empty.
    """

    may_be_done: bool = False
    retry_after: str = ""


class Unreachable(ApiError):
    """There was no answer: no connection, a timeout, or a broken connection."""


class Unsent(Unreachable):
    """The request was not sent, or found no connection, so it cannot have had an effect."""


class OutOfTime(Unsent):
    """The command's deadline passed before the request was sent."""


class Stopped(Unsent):
    """The command was interrupted before the request was sent."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API's refusal of a request.

    Attributes:
        method: the HTTP verb.
        path: path and query of the request, without the host.
        status: the HTTP status.
        code: Twilio's error code, or the status if the body has none (as in Twilio's own libraries).
        message: Twilio's message, unchanged: hostile input that renderers must escape.
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
        """Status and code: ``HTTP 403, Twilio error 70051``."""
        return f"HTTP {self.status}" + (f", Twilio error {self.code}" if self.code != self.status else "")


class Refused(ApiError):
    """An answer with an error status.

    Args:
        refusal: the content of the answer.
    """

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(
            f"{refusal.method} {refusal.path} was rejected with HTTP {refusal.status}, "
            f"Twilio error {refusal.code}: {refusal.message}"
        )


class Intercepted(ApiError):
    """An answer that cannot come from the API: a redirect, or a page of a proxy or captive portal.

    Args:
        message: what answered, and how it answered.
        status: the HTTP status.
    """

    def __init__(self, message: str, status: int) -> None:
        self.status = status
        super().__init__(message)


class Malformed(ApiError):
    """An answer whose status is a success, but whose body the API's contract does not allow."""


class TooLarge(Malformed):
    """An answer that is larger than any of the API's, so it was not read to its end."""


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
"""The category of a failure, which determines the advice; empty without a failure."""

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
    """Return the category of a failure."""
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
    """The approved plan no longer fits the configuration or the account; nothing was sent.

    Args:
        differences: one sentence for each change that is not approved, in plan order.
        plan_command: the command that makes a new plan, with the options of this one; empty if it is not known.
    """

    exit_code: ClassVar[int] = 3

    def __init__(self, differences: Sequence[str], plan_command: str = "") -> None:
        self.differences = tuple(differences)
        self.plan_command = plan_command
        super().__init__("the approved plan no longer fits: " + "; ".join(self.differences))


class GuardRefusal(ReconcilerError):
    """A guard refuses the whole apply; nothing was sent.

    Args:
        reasons: one sentence for each guard that refuses, with the number, the limit, and how to proceed.
    """

    exit_code: ClassVar[int] = 4

    def __init__(self, reasons: Sequence[str]) -> None:
        self.reasons = tuple(reasons)
        super().__init__("; ".join(self.reasons))


class Interrupted(ReconcilerError):
    """The user interrupted the run."""

    exit_code: ClassVar[int] = 130
