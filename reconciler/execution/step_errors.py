"""Reasons for the end of a step that are not errors of the API."""

from __future__ import annotations


class StepFailed(Exception):
    """The step failed; the message says why."""


class OutcomeUnknown(Exception):
    """It could not be determined whether the step had an effect; the message says why."""
