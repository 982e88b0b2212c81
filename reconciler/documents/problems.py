"""How a command ended that gave no other document, in JSON: the error, or that the files are valid.

Takes problems and exceptions; gives `ErrorFile` and `ValidationFile`, typed, whose schemas are published like those of
plans and reports. No secret is in them, since none is in problems and errors. Does no I/O.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from reconciler.documents.entries import Part
from reconciler.documents.report import RefusalEntry
from reconciler.errors import (
    ApiError,
    Cause,
    GuardRefusal,
    Place,
    Problem,
    ProblemsError,
    Refused,
    Severity,
    StalePlan,
    cause_of,
)
from reconciler.redaction import spelled_out


class PlaceEntry(Part):
    """Where something stands in the files."""

    file: str = Field(description="The file, as a person would name it.")
    line: int = Field(description="The line, from 1; 0 when only the file is known.")
    column: int = Field(description="The column, from 1; 0 when only the line is known.")
    via: str = Field(description="How a value came there: a variable, an overlay, a template; empty by itself.")


class RelatedEntry(Part):
    """Another place that belongs to a problem."""

    what: str = Field(description="What it is.")
    place: PlaceEntry


class ProblemEntry(Part):
    """One thing that is wrong or doubtful."""

    code: str = Field(description="A stable name in kebab case; the rule's id in SARIF.")
    severity: Severity = Field(description="Errors stop, warnings and notices do not.")
    message: str = Field(description="What is wrong, in a sentence.")
    hint: str = Field(description="What to do; empty when the message says it.")
    address: str = Field(description="The resource it is about; empty when it is about none.")
    place: PlaceEntry | None = Field(description="Where in the files; null when it is about no place there.")
    related: tuple[RelatedEntry, ...] = Field(description="Other places that belong to it.")


class _Document(Part):
    def to_json(self) -> str:
        """The text of the document: indented, in ASCII, ending in a newline."""
        # Not by pydantic: an argument of the command line may hold halves of characters, and errors repeat it.
        return spelled_out(json.dumps(self.model_dump(), indent=2)) + "\n"


class ErrorFile(_Document):
    """Why a command ended without what it was asked for."""

    format: Literal["reconciler.error"] = "reconciler.error"
    format_version: Literal[1] = 1
    exit_code: int = Field(description="What the command ended with.")
    message: str = Field(description="What happened, in a sentence.")
    problems: tuple[ProblemEntry, ...] = Field(default=(), description="What is wrong with the files, all at once.")
    differences: tuple[str, ...] = Field(default=(), description="Why an approved plan no longer fits.")
    reasons: tuple[str, ...] = Field(default=(), description="Why a guard refuses an apply.")
    refusal: RefusalEntry | None = Field(default=None, description="What the API said, when it refused.")
    cause: Cause = Field(default="", description="The sort of the API's failure, in a word.")


class EnvironmentEntry(Part):
    """One environment that the files are valid for."""

    name: str = Field(description="Its name; empty if the files define no environment.")
    resources: int = Field(description="How many resources the files declare in it.")


class ValidationFile(_Document):
    """Files that are valid. Files that are not are an error."""

    format: Literal["reconciler.validation"] = "reconciler.validation"
    format_version: Literal[1] = 1
    exit_code: Literal[0] = 0
    environment: str = Field(description="The environment that was picked; empty for none, and for several.")
    environments: tuple[EnvironmentEntry, ...] = Field(
        default=(), description="With --all-environments: each of them, by name; empty without."
    )
    resources: int = Field(description="How many resources the files declare, in all of these environments together.")
    problems: tuple[ProblemEntry, ...] = Field(description="What is doubtful.")
    acknowledged: int = Field(default=0, description="How many warnings the files acknowledge; they are not listed.")


def error_document(error: BaseException, *, exit_code: int) -> ErrorFile:
    """An error as a document.

    Args:
        error: what ended the command.
        exit_code: what the process ends with.
    """
    return ErrorFile(
        exit_code=exit_code,
        message=str(error),
        problems=tuple(map(_problem, error.problems)) if isinstance(error, ProblemsError) else (),
        differences=error.differences if isinstance(error, StalePlan) else (),
        reasons=error.reasons if isinstance(error, GuardRefusal) else (),
        refusal=_refusal(error) if isinstance(error, Refused) else None,
        cause=cause_of(error) if isinstance(error, ApiError) else "",
    )


def validation_document(
    *,
    environment: str,
    resources: int,
    warnings: Sequence[Problem],
    environments: Sequence[tuple[str, int]] = (),
    acknowledged: int = 0,
) -> ValidationFile:
    """Valid files as a document.

    Args:
        environment: which environment was picked; empty for none.
        environments: each environment that was checked, with its number of resources; empty if one was picked.
        resources: how many resources the files declare.
        warnings: what is doubtful.
        acknowledged: how many other warnings the files acknowledge.
    """
    return ValidationFile(
        environment=environment,
        environments=tuple(EnvironmentEntry(name=name, resources=number) for name, number in environments),
        resources=resources,
        problems=tuple(map(_problem, warnings)),
        acknowledged=acknowledged,
    )


def _refusal(error: Refused) -> RefusalEntry:
    refusal = error.refusal
    return RefusalEntry(
        method=refusal.method,
        path=refusal.path,
        status=refusal.status,
        code=refusal.code,
        message=refusal.message,
        more_info=refusal.more_info,
        request_id=refusal.request_id,
    )


def _problem(problem: Problem) -> ProblemEntry:
    return ProblemEntry(
        code=problem.code,
        severity=problem.severity,
        message=problem.message,
        hint=problem.hint,
        address=problem.address,
        place=None if problem.place is None else _place(problem.place),
        related=tuple(RelatedEntry(what=what, place=_place(place)) for place, what in problem.related),
    )


def _place(place: Place) -> PlaceEntry:
    return PlaceEntry(file=place.file, line=place.line, column=place.column, via=place.via)
