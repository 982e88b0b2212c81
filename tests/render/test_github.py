"""Annotations of GitHub: golden files for what is told, and properties for what no value may do."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.documents.drift import drift_document
from reconciler.documents.plan import PlanFile
from reconciler.errors import ConfigError, GuardRefusal, Place, Problem, Refusal, Refused, StalePlan, UsageError
from reconciler.render import github
from reconciler.render.github import SHOWN, Annotation, commands
from reconciler.render.problems_markdown import error_markdown, problems_markdown
from tests.render import plan_samples as samples
from tests.render.test_markdown import ATTACKS, REPOSITORY, assert_harmless, hostile_plan, shape
from tests.render.test_plan_text import plans
from tests.render.test_report_text import hostile_report

COMMANDS = (
    "::add-mask::x", "\n::add-mask::x", "\r\n::stop-commands::x", "%0A::error::x", "##[add-mask]x", ",line=9", "::",
    ":", ",", "%", "%25", "\r", "title=x::", "\u2028::error::x", "../", "a:b,c",
)  # fmt: skip
attacks = st.lists(st.sampled_from((*COMMANDS, *ATTACKS)), max_size=4).map("".join) | st.text(max_size=20)


@pytest.mark.parametrize("name", samples.GOLDEN_PLANS)
def test_golden_plan(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"plan/{name}.github", commands(github.of_plan(samples.GOLDEN_PLANS[name]), "config"))


@pytest.mark.parametrize("name", samples.DRIFTS)
def test_golden_drift(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"drift/{name}.github", commands(github.of_drift(drift_document(samples.GOLDEN_PLANS[name]))))


@pytest.mark.parametrize("name", samples.REPORTS)
def test_golden_report(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"report/{name}.github", commands(github.of_report(samples.REPORTS[name], samples.EVERY_ACTION)))


# --- how a runner reads it -------------------------------------------------------------------------------------------


def read(text: str) -> list[tuple[str, dict[str, str], str]]:
    """Commands as the runner reads them: line by line, properties by commas, escapes undone last."""
    found = []
    assert text.endswith("\n") or not text
    for line in re.split(r"\r\n|\r|\n", text)[:-1]:
        assert line.startswith("::"), line
        head, _, data = line[2:].partition("::")
        name, _, rest = head.partition(" ")
        properties = dict(part.split("=", 1) for part in rest.split(","))
        undone = {key: value.replace("%3A", ":").replace("%2C", ",") for key, value in properties.items()}
        found.append((name, {key: _undone(value) for key, value in undone.items()}, _undone(data)))
    return found


def _undone(text: str) -> str:
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%25", "%")


def assert_only_annotations(text: str) -> None:
    every = read(text)
    counted = Counter(name for name, _, _ in every)
    assert set(counted) <= {"error", "warning", "notice"}
    assert max(counted.values(), default=0) <= SHOWN
    for _, properties, data in every:
        assert set(properties) <= {"file", "line", "col", "title"}
        assert not properties.get("file", "").startswith(("/", "../"))
        assert data
        shown = data.replace("\n", "") + "".join(properties.values())
        assert [character for character in shown if not character.isprintable()] == []


@given(plans())
@settings(max_examples=40)
def test_any_plan_and_drift_is_only_annotations(plan: PlanFile) -> None:
    are_only_annotations(plan)


@pytest.mark.slow
@given(plans())
@settings(max_examples=500)
def test_any_plan_and_drift_is_only_annotations_thoroughly(plan: PlanFile) -> None:
    are_only_annotations(plan)


def are_only_annotations(plan: PlanFile) -> None:
    assert_only_annotations(commands(github.of_plan(plan), "a,b:c"))
    assert_only_annotations(commands(github.of_drift(drift_document(plan))))


@given(st.lists(attacks, min_size=1, max_size=20))
def test_whatever_the_values_there_are_as_many_commands_as_of_harmless_ones(texts: list[str]) -> None:
    def outline(texts: Sequence[str]) -> Iterator[list[str]]:
        error = ConfigError([Problem("c", text, Place(f"x{text}.yaml", 3, 4), text) for text in texts[:1]])
        for found in (
            github.of_plan(hostile_plan(texts)), github.of_drift(drift_document(hostile_plan(texts))),
            github.of_report(hostile_report(texts), hostile_plan(texts)), github.of_error(error),
        ):  # fmt: skip
            text = commands(found)
            assert_only_annotations(text)
            yield [name for name, _, _ in read(text)]

    assert list(outline(texts)) == list(outline(["harmless"]))


def test_what_was_said_is_what_is_read() -> None:
    said = Annotation("error", "50% of a:b, c", ("one, two: 100%0A", "three\nfour"), Place("a,b:c%.yaml", 3, 7))
    assert read(commands([said], "conf")) == [
        (
            "error",
            {"file": "conf/a,b:c%.yaml", "line": "3", "col": "7", "title": "50% of a:b, c"},
            "one, two: 100%0A\nthree\\nfour",
        )
    ]


def test_the_rest_is_counted_in_the_last_one() -> None:
    told = read(commands(Annotation("warning", f"t{number}", ("m",)) for number in range(25)))
    assert [properties["title"] for _, properties, _ in told] == [
        *(f"t{number}" for number in range(9)),
        "16 more warnings",
    ]
    assert len(read(commands(Annotation("warning", "t", ("m",)) for _ in range(SHOWN)))) == SHOWN


def test_what_destroys_comes_first_at_its_line() -> None:
    told = read(commands(github.of_plan(samples.EVERY_ACTION)))
    assert [(level, given.get("file"), given.get("line"), given["title"]) for level, given, _ in told][:3] == [
        ("warning", "support.yaml", "30", "Deletes services.support.roles.old"),
        ("warning", "support.yaml", "19", "Replaces services.support.roles.lead (high risk)"),
        ("warning", "reconciler.yaml", "5", "Changes account.webhooks (high risk)"),
    ]


@pytest.mark.parametrize(
    ("error", "title", "data"),
    [
        (UsageError("one\ntwo"), "reconciler", "one\ntwo"),
        (StalePlan(["a", "b"]), "The approved plan no longer matches; nothing was sent", "a\nb"),
        (GuardRefusal(list("012345678")), "A guard refuses this apply; nothing was sent", "0\n1\n2\n3\n4\n… 4 more"),
        (
            Refused(Refusal("GET", "/v1/X", 401, 20003, "Authenticate", request_id="RQ1")),
            "The API rejected GET /v1/X",
            "HTTP 401, Twilio error 20003: Authenticate\nrequest RQ1",
        ),
    ],
)  # fmt: skip
def test_errors_without_a_place(error: BaseException, title: str, data: str) -> None:
    assert read(commands(github.of_error(error))) == [("error", {"title": title}, data)]


# --- problems in the job's summary -----------------------------------------------------------------------------------


@given(st.lists(attacks, min_size=1, max_size=5))
def test_problems_are_harmless_markdown(texts: list[str]) -> None:
    def page(texts: Sequence[str]) -> list[str]:
        problems = [
            Problem("c", f"x{text}", Place(f"x{text}", 1, 2), f"y{text}", related=((Place("b.yaml", 2), f"z{text}"),))
            for text in texts
        ]
        return [
            problems_markdown(problems, REPOSITORY), problems_markdown((), headline=f"x{texts[0]}"),
            error_markdown(StalePlan([f"x{text}" for text in texts])), error_markdown(UsageError(f"x{texts[0]}"[:1])),
        ]  # fmt: skip

    harmless = page(["harmless"] * len(texts))
    for told, plain in zip(page(texts), harmless, strict=True):
        assert_harmless(told)
        if "](" not in told and "](" not in plain:
            assert shape(told) == shape(plain)


def test_too_many_problems_are_counted() -> None:
    told = error_markdown(ConfigError([Problem("c", "word " * 90, Place("a.yaml", n)) for n in range(1, 1_001)]))
    assert_harmless(told)
    (missing,) = re.findall(r"^- … ([\d,]+) more$", told, re.MULTILINE)
    assert told.count("**Error**") + int(missing.replace(",", "")) == 1_000
