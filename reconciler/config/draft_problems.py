"""Problems of one resource: reported with its address.

Knows no field types. Templates have no address, since they apply to several resources.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NoReturn

from reconciler.config.drafts import Draft
from reconciler.config.findings import Findings
from reconciler.config.interpolate import Interpolation
from reconciler.config.lint import (
    comment_remark,
)
from reconciler.config.nodes import ScalarNode
from reconciler.config.remarks import Remark
from reconciler.config.resolved_text import ResolvedText
from reconciler.errors import Place
from reconciler.kinds.fields import Field

HIDDEN_VALUE = "its value"
"""How messages name a value that must not be shown."""


class NotReadError(Exception):
    """A value could not be read. The problem has been reported."""


class DraftProblems:
    """Reports the problems of resources.

    Args:
        findings: Collects the problems.
    """

    def __init__(self, findings: Findings) -> None:
        self.findings = findings

    def error(self, draft: Draft, remark: Remark, place: Place) -> None:
        """Report an error."""
        self.findings.error(remark.code, remark.message, place, remark.hint, address=draft.problem_address)

    def warning(self, draft: Draft, remark: Remark, place: Place) -> None:
        """Report a warning."""
        self.findings.warning(remark.code, remark.message, place, remark.hint, address=draft.problem_address)

    def fail(self, draft: Draft, remark: Remark, place: Place) -> NoReturn:
        """Report an error that makes a value unreadable.

        Raises:
            NotReadError: Always.
        """
        self.error(draft, remark, place)
        raise NotReadError

    def fail_if_not_emptiable(self, draft: Draft, field: Field, place: Place) -> None:
        """Report an empty value of a field that the API does not clear.

        Raises:
            NotReadError: The field cannot be empty.
        """
        why = field.why_not_clearable()
        if why:
            hint = "list at least one, or take the line out to leave it as it is"
            self.fail(draft, Remark("not-clearable", f"{field.path} cannot be empty: {why}", hint), place)


def with_via(place: Place, via: str) -> Place:
    """Return a place with the variable, overlay, or template that a value came through."""
    if not via:
        return place
    return replace(place, via=f"{place.via}, {via}" if place.via else via)


def check_comment(  # noqa: PLR0917 - a value and everything that it was read with
    problems: DraftProblems,
    interpolation: Interpolation,
    draft: Draft,
    field: Field,
    node: ScalarNode,
    text: ResolvedText,
) -> None:
    """Warn about a value that YAML probably ended too early."""
    if (place := interpolation.place_before_comment(text, node)) is not None:
        problems.warning(draft, comment_remark(field.path), place)
