"""Documents are dataclasses, which pydantic reads and describes, and which are written as it would write them."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest
from pydantic import TypeAdapter

from reconciler.documents import conversion
from reconciler.documents.base import Part
from reconciler.documents.drift import drift_document
from reconciler.documents.journal import SavedReplace
from reconciler.documents.ledger import LedgerResource
from reconciler.documents.parts import FieldPart, SummaryPart
from reconciler.documents.plan import PlanFile
from reconciler.documents.writing import to_content, to_text
from tests.render import plan_samples as samples

SUMMARY = SummaryPart(create=1, update=0, replace=0, delete=0, no_op=2, unmanaged=0, withheld=0)
ENTRY = LedgerResource(
    origin="created",
    adopted={"attributes": {"json": {"a": [1.5, 1e16, {"ü": None}], "b": ["x"]}}},
    declared_as={10: "services.a", 9: "services.b"},
)
JOURNALED = SavedReplace(
    address="services.a.roles.b", kind="role", sid="RL1", name="\x7f\u2028", values={"permissions": ["a"]}
)


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_what_is_written_is_read_again(name: str) -> None:
    plan = samples.GOLDEN_PLANS[name].sealed(b"key")
    assert PlanFile.from_json(plan.to_json()) == plan
    assert conversion.from_content(PlanFile, to_content(plan)) == plan
    assert plan.has_valid_seal(b"key")
    assert not replace(plan, acknowledged=plan.acknowledged + 1).has_valid_seal(b"key")


@pytest.mark.parametrize(
    "part",
    [*samples.GOLDEN_PLANS.values(), *map(drift_document, samples.GOLDEN_PLANS.values()), ENTRY, JOURNALED],
    ids=lambda part: type(part).__name__,
)
def test_what_is_written_is_what_pydantic_writes(part: Part) -> None:
    adapter: TypeAdapter[Part] = TypeAdapter(type(part))
    assert to_content(part) == adapter.dump_python(part, mode="json")
    assert to_text(part, indent=2) == adapter.dump_json(part, indent=2, ensure_ascii=True).decode()


def test_a_key_is_the_alias_of_a_field_if_it_has_one() -> None:
    written = {"create": 1, "update": 0, "replace": 0, "delete": 0, "no-op": 2, "unmanaged": 0, "withheld": 0}
    assert to_content(SUMMARY) == written
    assert json.loads(to_text(SUMMARY)) == written
    assert to_content(SUMMARY, exclude={"no_op"}) == {k: v for k, v in written.items() if k != "no-op"}
    assert conversion.from_content(SummaryPart, written) == SUMMARY


def test_fields_without_a_value_are_left_out_where_the_class_says_so() -> None:
    part = FieldPart(path="a", before="é", after=None, sensitive=False, forces_replacement=False, source=None)
    assert to_text(part) == (
        r'{"path":"a","before":"\u00e9","after":null,"before_name":"","sensitive":false,"forces_replacement":false,'
        '"source":null,"inside":[]}'
    )
    assert to_content(replace(part, standing="drifted"))["class"] == "drifted"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"extra": 1}, "at extra: it is not a known key"),
        ({"create": "x"}, "at create: it must be an integer"),
        ({"create": "1"}, "at create: it must be an integer"),
        ({"no-op": None}, "at no-op: it must be an integer"),
    ],
)
def test_the_reason_names_the_key(change: dict[str, Any], reason: str) -> None:
    content: Any = {**to_content(SUMMARY), **change}
    with pytest.raises(conversion.InvalidPart) as caught:
        conversion.from_content(SummaryPart, content)
    assert str(caught.value) == reason
    with pytest.raises(ValueError, match=reason):
        SummaryPart.from_json(json.dumps(content))


def test_the_place_is_as_long_as_asked_for() -> None:
    content: Any = json.loads(samples.SMALL.to_json())
    content["changes"][0]["fields"] = [{}]
    with pytest.raises(conversion.InvalidPart) as caught:
        conversion.from_content(PlanFile, content)
    assert caught.value.reason() == "at changes.0.fields.0.path: it is missing"
    assert caught.value.reason(levels=2) == "at changes.0: it is missing"


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        SUMMARY.create = 2  # type: ignore[misc]
    assert hash(SUMMARY) == hash(replace(SUMMARY))
