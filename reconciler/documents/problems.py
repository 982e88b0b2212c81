"""The documents of errors and of valid configurations.

Takes problems and exceptions, which contain no secrets; returns `ErrorFile` and `ValidationFile`. Does no I/O.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from reconciler.documents.parts import Part
from reconciler.documents.report import RefusalPart
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


class PlacePart(Part):
    """A place in the configuration."""

    file: str = Field(description="The file, as it was given.")
    line: int = Field(description="The line, from 1; 0 if unknown.")
    column: int = Field(description="The column, from 1; 0 if unknown.")
    via: str = Field(
        description="Where the value came from: a variable, an overlay, or a template; empty for the file itself."
    )


class RelatedPart(Part):
    """Another place that a problem refers to."""

    what: str = Field(description="What is at that place.")
    place: PlacePart


class ProblemPart(Part):
    """An error, a warning, or a notice."""

    code: str = Field(description="A stable name in kebab case; the rule ID in SARIF.")
    severity: Severity = Field(description="Only errors stop the command.")
    message: str = Field(description="What is wrong.")
    hint: str = Field(description="How to fix it; empty if the message says so.")
    fix: str = Field(
        default="",
        exclude_if=lambda text: not text,
        description="What to paste instead of what was written: an option of a command, or YAML. Absent if unknown.",
    )
    address: str = Field(description="The address of the resource; empty for none.")
    place: PlacePart | None = Field(description="The place in the configuration; null for none.")
    related: tuple[RelatedPart, ...] = Field(description="Other places that it refers to.")


class _Document(Part):
    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        # Not by pydantic: a command-line argument may contain lone surrogates, and errors repeat it.
        return spelled_out(json.dumps(self.model_dump(), indent=2)) + "\n"


class ErrorFile(_Document):
    """The error that ended a command."""

    format: Literal["reconciler.error"] = "reconciler.error"
    format_version: Literal[1] = 1
    exit_code: int = Field(description="The exit code.")
    message: str = Field(description="What is wrong.")
    problems: tuple[ProblemPart, ...] = Field(default=(), description="All problems of the configuration.")
    differences: tuple[str, ...] = Field(default=(), description="Why an approved plan no longer matches.")
    reasons: tuple[str, ...] = Field(default=(), description="Why a guard refuses an apply.")
    refusal: RefusalPart | None = Field(default=None, description="The response of the API, if it rejected a request.")
    cause: Cause = Field(default="", description="The cause of an API failure, in one word.")


class EnvironmentPart(Part):
    """An environment for which the configuration is valid."""

    name: str = Field(description="Its name; empty if the configuration defines none.")
    resources: int = Field(description="The number of resources that it declares.")


class ValidationFile(_Document):
    """The result of `validate` for a valid configuration."""

    format: Literal["reconciler.validation"] = "reconciler.validation"
    format_version: Literal[1] = 1
    exit_code: Literal[0] = 0
    environment: str = Field(description="The selected environment; empty for none or several.")
    environments: tuple[EnvironmentPart, ...] = Field(
        default=(), description="With --all-environments, each of them, by name."
    )
    resources: int = Field(description="The number of declared resources in all of these environments.")
    problems: tuple[ProblemPart, ...] = Field(description="Warnings and notices.")
    acknowledged: int = Field(default=0, description="The number of acknowledged warnings; they are not listed.")


def error_document(error: BaseException, *, exit_code: int) -> ErrorFile:
    """Turn an error into a document.

    Args:
        error: the error that ended the command.
        exit_code: the exit code of the process.
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
    """Turn the result of a validation into a document.

    Args:
        environment: the selected environment; empty for none.
        environments: each checked environment with its number of resources; empty if one was selected.
        resources: the number of declared resources.
        warnings: the warnings and notices.
        acknowledged: the number of acknowledged warnings.
    """
    return ValidationFile(
        environment=environment,
        environments=tuple(EnvironmentPart(name=name, resources=number) for name, number in environments),
        resources=resources,
        problems=tuple(map(_problem, warnings)),
        acknowledged=acknowledged,
    )


def _refusal(error: Refused) -> RefusalPart:
    refusal = error.refusal
    return RefusalPart(
        method=refusal.method,
        path=refusal.path,
        status=refusal.status,
        code=refusal.code,
        message=refusal.message,
        more_info=refusal.more_info,
        request_id=refusal.request_id,
    )


def _problem(problem: Problem) -> ProblemPart:
    return ProblemPart(
        code=problem.code,
        severity=problem.severity,
        message=problem.message,
        hint=problem.hint,
        fix=problem.fix,
        address=problem.address,
        place=None if problem.place is None else _place(problem.place),
        related=tuple(RelatedPart(what=what, place=_place(place)) for place, what in problem.related),
    )


def _place(place: Place) -> PlacePart:
    return PlacePart(file=place.file, line=place.line, column=place.column, via=place.via)
