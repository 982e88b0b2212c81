"""What a create leaves out, and what an answer says about the values that were sent."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api.wire import Decoded
from reconciler.execution.answer_check import check_answer, is_left_out, matches, still_to_clear
from reconciler.execution.step_errors import StepFailed
from reconciler.kinds import BY_NAME

ADDRESS, USER = BY_NAME["address_configuration"], BY_NAME["user"]


def live(**values: Any) -> Decoded:
    return Decoded("US1", values)


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("friendly_name", None, True),
        ("friendly_name", "", True),
        ("friendly_name", "Main", False),
        ("auto_creation.webhook_filters", (), True),
        # Its default is unverified, so false is sent as well.
        ("auto_creation.enabled", False, False),
        ("auto_creation.enabled", None, False),
        ("auto_creation.enabled", True, False),
    ],
)
def test_a_create_leaves_out_what_is_empty_anyway(path: str, content: Any, expected: object) -> None:
    assert is_left_out(ADDRESS, path, content) is expected


@pytest.mark.parametrize(
    ("sent", "answer", "expected"),
    [
        ({}, {"friendly_name": "Ada"}, {"friendly_name": None}),
        ({}, {"friendly_name": None}, {}),
        ({}, {}, {}),
        ({"friendly_name": None}, {"friendly_name": "Ada"}, {}),
    ],
    ids=["the API set it", "it is empty", "the API does not return it", "it was sent"],
)
def test_only_what_was_not_sent_and_is_not_empty_has_to_be_cleared(
    sent: dict[str, Any], answer: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert still_to_clear(USER, {"friendly_name": None}, sent, live(**answer)) == expected


def test_an_answer_with_one_other_value_does_not_match() -> None:
    sent = {"friendly_name": "Ada", "identity": "ada"}
    assert not matches(USER, sent, live(friendly_name="Ada", identity="eve"))
    with pytest.raises(StepFailed, match=r"kept its own value of identity\."):
        check_answer(USER, sent, live(friendly_name="Ada", identity="eve"))


@pytest.mark.parametrize(
    ("answer", "expected"),
    [({"friendly_name": "Ada"}, True), ({"friendly_name": "Bob"}, False), ({}, True)],
    ids=["equal", "different", "not returned"],
)
def test_an_answer_matches_if_nothing_that_it_has_differs(answer: dict[str, Any], expected: object) -> None:
    sent = {"friendly_name": "Ada"}
    assert matches(USER, sent, live(**answer)) is expected
    if expected:
        check_answer(USER, sent, live(**answer))
    else:
        with pytest.raises(StepFailed, match="kept its own value of friendly_name") as failed:
            check_answer(USER, sent, live(**answer))
        assert "Bob" not in str(failed.value)
