"""Problems of one resource: reported with its address.

Knows no field types. Templates have no address, since they apply to several resources.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import NoReturn

from reconciler.config.drafts import Draft
from reconciler.config.files import line_of
from reconciler.config.findings import Findings
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


def hidden(_text: str) -> str:
    """Return the name of a value that must not be shown."""
    return HIDDEN_VALUE


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
            hint = "list at least one, or remove the line to leave the field unmanaged"
            self.fail(draft, Remark("not-clearable", f"{field.path} cannot be empty: {why}", hint), place)


def with_via(place: Place, via: str) -> Place:
    """Return a place with the variable, overlay, or template that a value came through."""
    if not via:
        return place
    return replace(place, via=f"{place.via}, {via}" if place.via else via)


_TIGHT_COMMENT = re.compile(r"[ \t]#[^\s#]")


def check_comment(  # noqa: PLR0917 - a value and everything that it was read with
    problems: DraftProblems,
    lines: Mapping[str, tuple[str, ...]],
    draft: Draft,
    field: Field,
    node: ScalarNode,
    text: ResolvedText,
) -> None:
    """Warn about a value that YAML probably ended too early."""
    if (place := place_before_comment(lines, text, node)) is not None:
        problems.warning(draft, comment_remark(field.path), place)


def place_before_comment(lines: Mapping[str, tuple[str, ...]], text: ResolvedText, scalar: ScalarNode) -> Place | None:
    """Find a value that YAML probably ended too early: ``Sales #1``.

    Comments are usually written after two spaces, or with a space after the ``#``. Any other may have been meant as
    text.

    Args:
        lines: The lines of the files.
        text: The value; the scalars of its variables are checked as well.
        scalar: The scalar that it was read from.

    Returns:
        The place of the value; None if no such comment follows it.
    """
    return next((item.place for item in (scalar, *text.literals) if _is_before_comment(lines, item)), None)


def _is_before_comment(lines: Mapping[str, tuple[str, ...]], scalar: ScalarNode) -> bool:
    if not scalar.plain or not scalar.text or scalar.line != scalar.end_line:
        return False
    line = line_of(lines, scalar)
    if "#" not in line:
        return False
    begin = scalar.column - 1
    return line.startswith(scalar.text, begin) and _TIGHT_COMMENT.match(line, begin + len(scalar.text)) is not None
