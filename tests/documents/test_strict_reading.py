"""Documents are read as strictly as their JSON Schemas describe them, and refusals are in the words of JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.documents.base import Part
from reconciler.documents.drift import DriftFile, drift_document
from reconciler.documents.drift_log import DriftLogFile, SightingPart
from reconciler.documents.ledger import LedgerEntry
from reconciler.documents.plan import PlanFile
from reconciler.documents.report import ReportFile
from reconciler.documents.writing import to_text
from tests.ledger.test_ledger_document import edited
from tests.render import plan_samples as samples

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"
SEEN = "2026-11-27T07:00:00Z"
SIGHTING = SightingPart(
    account_sid=samples.ACCOUNT, env="", address="services.a", field="", kind="service", standing="drifted",
    first_seen=SEEN, last_seen=SEEN, gone="", notified={"chat": SEEN},
)  # fmt: skip
DOCUMENTS: dict[str, tuple[type[Part], Any]] = {
    "plan": (PlanFile, json.loads(samples.SMALL.to_json())),
    "report": (
        ReportFile,
        json.loads(
            samples.report(
                samples.result(samples.AGENT, "done", samples.outcome(samples.AGENT, "update", "done"))
            ).to_json()
        ),
    ),
    "drift": (DriftFile, json.loads(to_text(drift_document(samples.plan(samples.DELETED_ROLE))))),
    "drift-log": (DriftLogFile, json.loads(DriftLogFile(findings=(SIGHTING,)).to_json())),
    "ledger": (LedgerEntry, edited()),
}
VALUES: tuple[Any, ...] = (True, 1, 1.5, "1", None, ["x"], {"x": 1})
PYTHON = re.compile(
    r"tuple|dict|list|instance|str\b|bool|int\b|None|Part|File|Entry|_|class|Input|keyword|pydantic|\(|\)"
)


def places(content: Any, *above: Any) -> Iterator[tuple[Any, ...]]:
    """Yield the places of all values in a document."""
    yield above
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, inner in items:
        yield from places(inner, *above, key)


def changed(content: Any, place: tuple[Any, ...], value: Any) -> Any:
    """Return a document with another value at a place."""
    if not place:
        return value
    copy = content.copy()
    copy[place[0]] = changed(content[place[0]], place[1:], value)
    return copy


@pytest.mark.parametrize("name", DOCUMENTS)
def test_values_of_another_type_are_refused_where_the_schema_refuses_them(name: str) -> None:
    model, content = DOCUMENTS[name]
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    validator = Draft202012Validator(schema)
    assert validator.is_valid(content)
    for place in places(content):
        for value in VALUES:
            other = changed(content, place, value)
            try:
                model.from_json(json.dumps(other))
                reason = ""
            except ValueError as error:
                reason = str(error)
            assert (reason == "") is validator.is_valid(other), (place, value, reason)
            words = reason.rpartition(": ")[2] if "pattern" not in reason and "it must be '" not in reason else ""
            assert not PYTHON.search(words), reason
