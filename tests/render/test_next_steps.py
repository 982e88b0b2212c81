"""Owners and ways out of findings, with the names of an attacker, in every format."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from dataclasses import replace

import pytest
import yaml

from reconciler.documents import plan_steps
from reconciler.documents.drift import DriftFile, drift_document, parse_drift
from reconciler.documents.drift_steps import with_next_steps, with_owners
from reconciler.documents.ways_out import Commands
from reconciler.render import github
from reconciler.render.drift import drift_markdown, drift_text
from reconciler.render.html import drift_html, plan_html
from reconciler.render.markdown import LIMIT, plan_markdown
from reconciler.render.text import plan_text
from tests.builders import TakesAll
from tests.render import plan_samples as samples
from tests.render.test_html import elements

HOSTILE = ("@a\x1b[31m", "```\n# heading", "<script>alert(1)</script>", "\u202e", "e", "f")


def _with_all(name: str) -> DriftFile:
    def accept(words: Sequence[str]) -> str:
        return shlex.join(["reconciler", "accept", *words])

    owned = with_owners(drift_document(samples.GOLDEN_PLANS[name]), lambda _: HOSTILE)
    return with_next_steps(owned, Commands(accept, accept, accept, TakesAll("".join(HOSTILE))))


@pytest.mark.parametrize("name", ["hostile", "baseline", "many_unmanaged", "many_changes"])
def test_no_owner_changes_the_structure_of_the_output(name: str) -> None:
    drift = _with_all(name)
    assert parse_drift(drift.to_json(), "drift.json") == drift
    text = drift_text(drift, colour=False, width=80)
    assert "\x1b" not in text
    assert "\u202e" not in text
    markdown = drift_markdown(drift)
    assert len(markdown) < LIMIT
    assert "\n# heading" not in markdown
    elements(drift_html(drift))
    assert "<script>alert" not in drift_html(drift)


def test_commands_stay_on_one_line_and_long_ones_are_left_out_of_markdown() -> None:
    drift = _with_all("baseline")
    text = drift_text(drift, colour=False, width=40)
    assert "\n  accept: reconciler accept services.support.webhooks.filters\n" in text
    long = replace(
        drift,
        differences=tuple(
            replace(part, next_steps=replace(part.next_steps, accept="x" * 5_000))
            for part in drift.differences
            if part.next_steps is not None
        ),
    )
    markdown = drift_markdown(long)
    assert "accept: " not in markdown
    assert "revert: " in markdown


def test_blocks_of_markdown_can_be_copied_whole() -> None:
    markdown = drift_markdown(_with_all("many_unmanaged"))
    found = re.findall(r"^```(sh|yaml)\n(.*?)^```$", markdown, re.DOTALL | re.MULTILINE)
    assert [language for language, _ in found] == ["sh", "yaml"]
    commands, lines = (text.splitlines() for _, text in found)
    assert [line for line in commands if not line.startswith("reconciler ")] == ["# accept"]
    assert [line for line in lines if line.startswith("#")] == ["# delete", "# ignore"]
    assert yaml.safe_load(found[1][1]).keys() == {"services", "unmanaged"}


def test_every_format_says_where_a_line_of_yaml_goes() -> None:
    drift = _with_all("baseline")
    line = "lifecycle: {ignore_changes: [filters]}  # in services.support.webhooks"
    for shown in (drift_text(drift, colour=False, width=80), drift_markdown(drift), drift_html(drift)):
        assert line in shown
    steps = {part.address: part.next_steps for part in drift.differences}["services.support.webhooks"]
    assert steps is not None
    assert steps.ignore == "lifecycle: {ignore_changes: [filters]}", "documents have the address beside it"


@pytest.mark.parametrize("name", ["hostile", "guards", "many_unmanaged"])
def test_no_way_out_of_a_plan_changes_the_structure_of_the_output(name: str) -> None:
    def command(words: Sequence[str]) -> str:
        return shlex.join(["reconciler", *words])

    plan = plan_steps.with_next_steps(
        samples.GOLDEN_PLANS[name], Commands(command, command, command, TakesAll("".join(HOSTILE)))
    )
    text = plan_text(plan, colour=False, width=80)
    assert "\x1b" not in text
    assert "\u202e" not in text
    markdown = plan_markdown(plan)
    assert len(markdown) < LIMIT
    assert "\n# heading" not in markdown
    elements(plan_html(plan))
    assert "<script>alert" not in plan_html(plan)
    assert all(line.startswith("::") for line in github.commands(github.of_plan(plan)).splitlines())
