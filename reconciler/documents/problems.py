"""The documents of errors and of valid configurations.

Takes problems and exceptions, which contain no secrets; returns `ErrorFile` and `ValidationFile`. Does no I/O.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import field
from operator import not_
from typing import Literal

from reconciler.documents.base import Part, described
from reconciler.documents.report import RefusalPart
from reconciler.documents.writing import to_content
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
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import spelled_out


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacePart(Part):
    """A place in the configuration."""

    file: str = field(metadata=described("The file, as it was given."))
    line: int = field(metadata=described("The line, from 1; 0 if unknown."))
    column: int = field(metadata=described("The column, from 1; 0 if unknown."))
    via: str = field(
        metadata=described(
            "Where the value came from: a variable, an overlay, or a template; empty for the file itself."
        )
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelatedPart(Part):
    """Another place that a problem refers to."""

    what: str = field(metadata=described("What is at that place."))
    place: PlacePart


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemPart(Part):
    """An error, a warning, or a notice."""

    code: str = field(metadata=described("A stable name in kebab case; the rule ID in SARIF."))
    severity: Severity = field(metadata=described("Only errors stop the command."))
    message: str = field(metadata=described("What is wrong."))
    hint: str = field(metadata=described("How to fix it; empty if the message says so."))
    fix: str = field(
        default="",
        metadata=described(
            "What to paste instead of what was written: an option of a command, or YAML. Absent if unknown.",
            exclude_if=not_,
        ),
    )
    address: str = field(metadata=described("The address of the resource; empty for none."))
    place: PlacePart | None = field(metadata=described("The place in the configuration; null for none."))
    related: tuple[RelatedPart, ...] = field(metadata=described("Other places that it refers to."))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Document(Part):
    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        # Not by `to_text`: a command-line argument may contain lone surrogates, and errors repeat it.
        return spelled_out(json.dumps(to_content(self), indent=2)) + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorFile(_Document):
    """The error that ended a command."""

    format: Literal["reconciler.error"] = "reconciler.error"
    format_version: Literal[1] = 1
    exit_code: int = field(metadata=described("The exit code."))
    message: str = field(metadata=described("What is wrong."))
    problems: tuple[ProblemPart, ...] = field(default=(), metadata=described("All problems of the configuration."))
    differences: tuple[str, ...] = field(default=(), metadata=described("Why an approved plan no longer matches."))
    reasons: tuple[str, ...] = field(default=(), metadata=described("Why a guard refuses an apply."))
    refusal: RefusalPart | None = field(
        default=None, metadata=described("The response of the API, if it rejected a request.")
    )
    cause: Cause = field(default="", metadata=described("The cause of an API failure, in one word."))


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvironmentPart(Part):
    """An environment for which the configuration is valid."""

    name: str = field(metadata=described("Its name; empty if the configuration defines none."))
    resources: int = field(metadata=described("The number of resources that it declares."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationFile(_Document):
    """The result of `validate` for a valid configuration."""

    format: Literal["reconciler.validation"] = "reconciler.validation"
    format_version: Literal[1] = 1
    exit_code: Literal[0] = 0
    environment: str = field(metadata=described("The selected environment; empty for none or several."))
    environments: tuple[EnvironmentPart, ...] = field(
        default=(), metadata=described("With --all-environments, each of them, by name.")
    )
    resources: int = field(metadata=described("The number of declared resources in all of these environments."))
    problems: tuple[ProblemPart, ...] = field(metadata=described("Warnings and notices."))
    acknowledged: int = field(
        default=0, metadata=described("The number of acknowledged warnings; they are not listed.")
    )


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
