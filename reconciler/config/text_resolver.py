"""Scalars -> texts, with problems for missing values and placeholders according to the field.

Takes a scalar and its field, or the name of another key; returns text.
"""

from __future__ import annotations

from typing import NoReturn

from reconciler.config.draft_problems import NotReadError, place_before_comment
from reconciler.config.drafts import Draft
from reconciler.config.findings import Findings
from reconciler.config.interpolation import Interpolation
from reconciler.config.lint import (
    comment_remark,
)
from reconciler.config.nodes import Node, ScalarNode
from reconciler.config.resolved_text import ResolvedText
from reconciler.kinds.fields import Field
from reconciler.kinds.markers import Template


class UnknownTextError(Exception):
    """A text is unknown, because a part of it is not set.

    Args:
        text: The text, with what is missing.
    """

    def __init__(self, text: ResolvedText) -> None:
        self.text = text
        self.reason = "; ".join(dict.fromkeys(item.message for item in text.missing))
        super().__init__(self.reason)


class TextResolver:
    """Resolves the texts of fields and of other keys.

    Args:
        findings: Collects the problems.
        interpolation: Resolves scalars.
        allow_unset: Whether a missing value makes the text unknown, instead of being an error.
        secrets_later: Whether the same applies to secrets, which only an apply needs.
    """

    def __init__(
        self, findings: Findings, interpolation: Interpolation, *, allow_unset: bool, secrets_later: bool
    ) -> None:
        self._findings = findings
        self._interpolation = interpolation
        self._allow_unset = allow_unset
        self._secrets_later = secrets_later

    def text(self, node: Node, name: str, draft: Draft | None = None) -> str | None:
        """Return the text of a key that is not a field; None if it is invalid, which has been reported."""
        try:
            if not isinstance(node, ScalarNode):
                self._findings.error("wrong-type", f"{name} must be a single value", node.place, "write it on one line")
                return None
            text = self.resolve(node, None)
        except (NotReadError, UnknownTextError):
            return None
        if text.null or not text.text:
            self._findings.error(
                "wrong-type", f"{name} has no value", node.place, "give it a value, or remove the line",
                address=draft.problem_address if draft else "",
            )  # fmt: skip
            return None
        if (place := place_before_comment(self._interpolation.lines, text, node)) is not None:
            remark = comment_remark(name)
            self._findings.warning(
                remark.code, remark.message, place, remark.hint, address=draft.problem_address if draft else ""
            )
        if text.secrets:
            hint = "use secrets in fields only"
            self._findings.error("misplaced-secret", f"{name} cannot come from a secret", node.place, hint)
            return None
        return text.text

    def resolve(self, scalar: ScalarNode, field: Field | None) -> ResolvedText:
        """Return the text of a scalar.

        Raises:
            NotReadError: The text is invalid, which has been reported.
            UnknownTextError: A part of it is not set, and may be set later.
        """
        text = self._interpolation.text(scalar)
        if text.missing:
            self._report_missing(text, field)
        if text.failed:
            raise NotReadError
        if text.placeholders:
            self._check_placeholders(text, field)
        return text

    def _check_placeholders(self, text: ResolvedText, field: Field | None) -> None:
        """Report each `${NAME}` that Twilio does not fill in.

        Raises:
            NotReadError: One of them is in the files.
        """
        if field is not None and field.marker(Template) is not None:
            self._interpolation.allow_placeholders(text)
            return
        self._interpolation.report_placeholders(text.placeholders)
        if any(item.origin == "written" for item in text.placeholders):
            raise NotReadError

    def _report_missing(self, text: ResolvedText, field: Field | None) -> NoReturn:
        """Report missing values, unless the field can wait for them.

        Raises:
            NotReadError: A value is missing that cannot be set later.
            UnknownTextError: All missing values can be set later.
        """
        can_wait = field is not None and (self._secrets_later or field.secret or field.write_only)
        needed = [item for item in text.missing if not (self._allow_unset or (can_wait and item.is_secret))]
        for item in needed:
            self._findings.error(item.code, item.message, item.place, item.hint)
        if needed or text.failed:
            raise NotReadError
        raise UnknownTextError(text)
