"""Documents are dataclasses, which pydantic reads, writes, and describes."""

from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from reconciler.documents import conversion
from reconciler.documents.parts import FieldPart, SummaryPart
from reconciler.documents.plan import PlanFile
from tests.render import plan_samples as samples

SUMMARY = SummaryPart(create=1, update=0, replace=0, delete=0, no_op=2, unmanaged=0, withheld=0)


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_what_is_written_is_read_again(name: str) -> None:
    plan = samples.GOLDEN_PLANS[name].sealed(b"key")
    assert PlanFile.from_json(plan.to_json()) == plan
    assert conversion.from_content(PlanFile, conversion.to_content(plan)) == plan
    assert plan.has_valid_seal(b"key")
    assert not replace(plan, acknowledged=plan.acknowledged + 1).has_valid_seal(b"key")


def test_a_key_is_the_alias_of_a_field_if_it_has_one() -> None:
    written = {"create": 1, "update": 0, "replace": 0, "delete": 0, "no-op": 2, "unmanaged": 0, "withheld": 0}
    assert conversion.to_content(SUMMARY) == written
    assert json.loads(conversion.to_text(SUMMARY)) == written
    assert conversion.to_content(SUMMARY, exclude={"no_op"}) == {k: v for k, v in written.items() if k != "no-op"}
    assert conversion.from_content(SummaryPart, written) == SUMMARY


def test_fields_without_a_value_are_left_out_where_the_class_says_so() -> None:
    part = FieldPart(path="a", before="é", after=None, sensitive=False, forces_replacement=False, source=None)
    assert conversion.to_text(part) == (
        r'{"path":"a","before":"\u00e9","after":null,"before_name":"","sensitive":false,"forces_replacement":false,'
        '"source":null,"inside":[]}'
    )
    assert conversion.to_content(replace(part, standing="drifted"))["class"] == "drifted"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"extra": 1}, "at extra: Extra inputs are not permitted"),
        ({"create": "x"}, "at create: Input should be a valid integer, unable to parse string as an integer"),
        ({"no-op": None}, "at no-op: Input should be a valid integer"),
    ],
)
def test_the_reason_names_the_key(change: dict[str, Any], reason: str) -> None:
    content: Any = {**conversion.to_content(SUMMARY), **change}
    with pytest.raises(conversion.ValidationError) as caught:
        conversion.from_content(SummaryPart, content)
    assert conversion.reason(caught.value) == reason
    with pytest.raises(ValueError, match="SummaryPart"):
        SummaryPart.from_json(json.dumps(content))


def test_the_place_is_as_long_as_asked_for() -> None:
    content: Any = json.loads(samples.SMALL.to_json())
    content["changes"][0]["fields"] = [{}]
    with pytest.raises(conversion.ValidationError) as caught:
        conversion.from_content(PlanFile, content)
    assert conversion.reason(caught.value) == "at changes.0.fields.0.path: Field required"
    assert conversion.reason(caught.value, levels=2) == "at changes.0: Field required"


def test_a_document_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        SUMMARY.create = 2  # type: ignore[misc]
    assert hash(SUMMARY) == hash(replace(SUMMARY))
