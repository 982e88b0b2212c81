"""Drifts as files: what is kept is enough to show them again, in every format, as they were shown."""

from __future__ import annotations

import pytest

from reconciler.documents.drift import parse_drift, to_plan
from reconciler.errors import PlanFileError
from reconciler.render.drift import drift_chat, drift_json, drift_markdown, drift_text
from tests.render import plan_samples as samples


@pytest.mark.parametrize("name", samples.PLANS)
def test_a_saved_drift_shows_what_the_plan_showed(name: str) -> None:
    plan = samples.PLANS[name]
    again = to_plan(parse_drift(drift_json(plan), "drift.json"))
    assert drift_text(again, colour=True, width=90) == drift_text(plan, colour=True, width=90)
    assert drift_text(again, colour=False, width=90, verbose=True) == drift_text(
        plan, colour=False, width=90, verbose=True
    )
    assert drift_chat(again) == drift_chat(plan)
    assert drift_json(again) == drift_json(plan)
    if not plan.left_out:  # a drift is never narrowed down
        assert drift_markdown(again) == drift_markdown(plan)


@pytest.mark.parametrize("text", ["", "[]", samples.SMALL.to_json(), "\udcff".encode("utf-8", "replace")])
def test_what_is_no_drift_is_an_error(text: str) -> None:
    with pytest.raises(PlanFileError, match=r"^x\.json is not a drift of this version of reconciler"):
        parse_drift(text, "x.json")
