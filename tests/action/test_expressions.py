"""The evaluator that the workflows are run with: it knows what they use, and nothing by guess."""

from __future__ import annotations

from typing import Any

import pytest

from tests.action.expressions import Strict, Unknown, filled, holds, value

CONTEXTS: dict[str, Any] = {
    "inputs": Strict({"comment": "true", "empty": ""}),
    "steps": {"run": {"outputs": {"exit-code": "3"}}, "skipped": {"outputs": {}}},
    "github": Strict({"event": {"pull_request": {"head": {"repo": None}, "number": 7}}, "repository": "Acme/Desk"}),
}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("'it''s'", "it's"),
        ("inputs.comment == 'TRUE' && inputs.empty == ''", True),
        ("inputs.empty || steps.run.outputs.exit-code", "3"),
        ("(steps.skipped.outputs.kept || steps.run.outputs.kept) != ''", False),
        ("steps.nowhere.outputs.kept", None),
        ("github.event.pull_request.head.repo.full_name == github.repository", False),
        ("github.event.pull_request.number == 7", True),
        ("!inputs.empty", True),
        ("'a' == 'b' || 'c' == 'c' && 'd' == 'e'", False),
    ],
)
def test_what_the_workflows_use(text: str, found: object) -> None:
    assert value(text, CONTEXTS) == found


@pytest.mark.parametrize(
    "text",
    ["secrets.X", "inputs.unknown", "contains('a', 'b')", "always()", "a[0]", "'a7' == 7", "'open", "('a'", "'a' 'b'"],
)
def test_what_is_not_known_is_an_error(text: str) -> None:
    with pytest.raises(Unknown):
        value(text, CONTEXTS)


def test_texts_and_conditions() -> None:
    assert (
        filled("run ${{ steps.run.outputs.exit-code }} of ${{ github.event.pull_request.number }}", CONTEXTS)
        == "run 3 of 7"
    )
    assert holds("${{ inputs.comment == 'true' }}", CONTEXTS)
    assert not holds("inputs.empty", CONTEXTS)
