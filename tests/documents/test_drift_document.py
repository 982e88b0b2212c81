"""Drift documents: a saved one is shown again as it was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.documents.drift import drift_document, parse_drift
from reconciler.documents.parts import WarningPart
from reconciler.documents.writing import to_content
from reconciler.errors import PlanFileError
from reconciler.render.drift import drift_markdown, drift_text
from tests.render import plan_samples as samples


@pytest.mark.parametrize("name", samples.PLANS)
def test_a_saved_drift_is_the_one_that_was_saved(name: str) -> None:
    drift = drift_document(samples.PLANS[name])
    again = parse_drift(drift.to_json(), "drift.json")
    assert again == drift
    assert drift_text(again, colour=True, width=90) == drift_text(drift, colour=True, width=90)
    assert drift_markdown(again) == drift_markdown(drift)


def test_a_drift_that_was_narrowed_down_says_so() -> None:
    drift = drift_document(samples.MANY_UNMANAGED)
    assert drift.target == ("services.support",)
    assert "only in part" in drift_markdown(drift)


@pytest.mark.parametrize("text", ["", "[]", samples.SMALL.to_json(), "\udcff".encode("utf-8", "replace")])
def test_what_is_no_drift_is_an_error(text: str) -> None:
    with pytest.raises(PlanFileError, match=r"^x\.json is not a drift of this version of reconciler"):
        parse_drift(text, "x.json")


def test_what_could_not_be_read_is_counted() -> None:
    unread = WarningPart(code="unreadable", message="cannot read the user list: HTTP 403")
    read, partly = (drift_document(replace(samples.SMALL, unreadable=w)) for w in ((), (unread, unread)))
    assert partly.summary.unreadable == 2
    assert '"unreadable": 2' in partly.to_json()
    assert "unreadable" not in to_content(read.summary)
