"""Comparison of answers to writes with the values that were sent. Pure.

Takes a kind, the values sent, and the decoded answer; returns the fields that differ. Never shows a value.
"""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.api.wire import Decoded
from reconciler.execution.step_errors import StepFailed
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content, Shape


def differs(kind: Kind, path: str, content: object, live: Decoded) -> bool:
    """Return whether a field of a live resource has another value."""
    field = kind.by_path[path]
    return bool(field.comparable(content) != field.comparable(live.values.get(path)))


def matches(kind: Kind, values: Mapping[str, object], live: Decoded) -> bool:
    """Return whether a live resource has all of the values that the API returns."""
    return not any(path in live.values and differs(kind, path, content, live) for path, content in values.items())


def is_left_out(kind: Kind, path: str, content: Content) -> bool:
    """Return whether a create omits a field, because the API most likely leaves it empty anyway.

    A boolean is always sent: its default is unverified.
    """
    field = kind.by_path[path]
    return field.is_empty(content) and field.shape is not Shape.BOOL


def still_to_clear(
    kind: Kind, desired: Mapping[str, Content], sent: Mapping[str, Content], live: Decoded
) -> dict[str, Content]:
    """Return the desired empty values that were not sent, and that the live resource does not have."""
    return {
        path: content for path, content in desired.items() if path not in sent and differs(kind, path, content, live)
    }


def check_answer(kind: Kind, sent: Mapping[str, object], answer: Decoded) -> None:
    """Check that a write took effect. The message names fields, not values, since they may be secret.

    Raises:
        StepFailed: the API kept its own value of a field.
    """
    kept = [path for path, content in sent.items() if path in answer.values and differs(kind, path, content, answer)]
    if kept:
        raise StepFailed(
            f"Twilio reported success, but kept its own value of {', '.join(kept)}. Change it in the Twilio Console, "
            "or add the field to lifecycle.ignore_changes"
        )
