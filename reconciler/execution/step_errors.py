"""Reasons for the end of a step that are not errors of the API."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.kinds.fields import Content


class StepFailed(Exception):
    """The step failed; the message says why.

    Attributes:
        answer: the values that the resource has after a write that took effect in part; None if nothing was written.
    """

    answer: Mapping[str, Content] | None = None


class OutcomeUnknown(Exception):
    """It could not be determined whether the step had an effect; the message says why."""
