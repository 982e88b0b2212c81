"""Errors: their tree, their exit codes, their words."""

from __future__ import annotations

import inspect
import re

import pytest

from reconciler import errors
from reconciler.errors import (
    ConfigError,
    GuardRefusal,
    MatchError,
    Place,
    Problem,
    ProblemsError,
    ReconcilerError,
    Refusal,
    Refused,
    StalePlan,
)

CLASSES = {
    item for _name, item in inspect.getmembers(errors, inspect.isclass) if issubclass(item, ReconcilerError)
}  # fmt: skip


def drawn() -> dict[str, int]:
    """The names in the tree of the module's docstring, with their exit codes."""
    tree = re.findall(r"^[ │├└─]*(\w+) +(\d+)(?: |$)", errors.__doc__ or "", re.MULTILINE)
    return {name: int(code) for name, code in tree}


def test_the_tree_in_the_docstring_is_the_tree_in_the_code() -> None:
    # What carries problems is a base of two errors and is never raised itself.
    assert drawn() == {item.__name__: item.exit_code for item in CLASSES - {ProblemsError}}


def test_no_error_takes_an_exit_code_that_means_something_else() -> None:
    assert {item.exit_code for item in CLASSES} == {1, 3, 4, 130}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (Place("a.yaml", 3, 7), "a.yaml:3:7"),
        (Place("a.yaml", 3), "a.yaml:3"),
        (Place("a.yaml"), "a.yaml"),
        (Place("a.yaml", 3, 7, "variable host"), "a.yaml:3:7"),
    ],
)
def test_a_place_is_written_as_far_as_it_is_known(place: Place, text: str) -> None:
    assert str(place) == text


def test_problems_are_told_in_the_order_of_their_places() -> None:
    late = Problem("b", "late", Place("b.yaml", 1, 1))
    second = Problem("z", "second", Place("a.yaml", 10, 1))
    first = Problem("z", "first", Place("a.yaml", 9, 20))
    nowhere = Problem("z", "nowhere")
    raised = ConfigError([late, second, nowhere, first])
    assert raised.problems == (nowhere, first, second, late)
    assert str(raised) == "nowhere; first; second; late"


def test_problems_of_one_place_are_told_in_the_order_of_their_code_and_words() -> None:
    here = Place("a.yaml", 1, 1)
    problems = [Problem("b", "x", here), Problem("a", "z", here), Problem("a", "y", here)]
    assert [(item.code, item.message) for item in MatchError(problems).problems] == [("a", "y"), ("a", "z"), ("b", "x")]


def test_a_refusal_says_what_was_asked_and_what_was_answered() -> None:
    refusal = Refusal("POST", "/v1/Services", 400, 50003, "too long", "https://x", "RQ1")
    raised = Refused(refusal)
    assert raised.refusal is refusal
    assert str(raised) == "POST /v1/Services was rejected with HTTP 400, Twilio error 50003: too long"


def test_a_stale_plan_lists_what_is_not_approved() -> None:
    assert str(StalePlan(["one", "two"])) == "the approved plan no longer fits: one; two"


def test_a_guard_refusal_lists_its_reasons() -> None:
    assert str(GuardRefusal(["one", "two"])) == "one; two"
