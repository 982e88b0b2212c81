"""Reports as text, as Markdown, and as files."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.address import Address
from reconciler.change import Change
from reconciler.documents.parts import WarningPart
from reconciler.documents.report import OutcomePart, RefusalPart, ReportFile, ResultPart, report_document
from reconciler.errors import Refusal
from reconciler.kinds.role import ROLE
from reconciler.render.report_markdown import report_markdown
from reconciler.render.report_text import report_text
from reconciler.report import Outcome, Report, result_of
from tests.render import plan_samples as samples
from tests.render.test_markdown import assert_harmless as assert_harmless_markdown
from tests.render.test_markdown import attacks, shape
from tests.render.test_plan_text import SGR, assert_harmless, hostile


@pytest.mark.parametrize("name", samples.REPORTS)
def test_golden(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"report/{name}.txt", report_text(samples.REPORTS[name], colour=False, width=100))


def test_golden_narrow_and_in_colour(golden: Callable[[str, str], None]) -> None:
    text = report_text(samples.ALL_STATUSES, colour=True, width=80)
    golden("report/all_statuses.colour.txt", text.replace("\x1b", "␛"))


def test_the_command_to_plan_again_is_one_line_with_the_options_that_were_given() -> None:
    command = "reconciler plan files --env prod --target 'services[\"support\"]' --emulator demo.db"
    text = report_text(samples.ALL_STATUSES, colour=False, width=40, plan_command=command)
    assert f"\n  {command}\n" in text
    done = report_text(samples.ALL_DONE, colour=False, width=40, plan_command=command)
    assert command not in done


def test_what_went_well_can_be_left_out() -> None:
    text = report_text(samples.ALL_STATUSES, colour=False, width=100, list_done=False)
    assert "addresses.main" not in text
    assert "services.support.roles.agent" in text


def test_every_change_is_named_somewhere() -> None:
    text = report_text(samples.ALL_STATUSES, colour=False, width=100)
    for result in samples.ALL_STATUSES.changes:
        assert re.search(rf"^\W+{re.escape(result.address)}\W", text, re.MULTILINE), result.address


def test_a_failure_shows_what_twilio_support_asks_for() -> None:
    text = report_text(samples.ALL_STATUSES, colour=False, width=100)
    for part in ("HTTP 400, Twilio error 50301", "docs/errors/50301", samples.REFUSED.request_id, samples.KEPT):
        assert part in text


def test_a_report_becomes_a_file() -> None:
    change = Change(Address.of("services", "s", "roles", "r"), ROLE, "replace", "RL1", "r", service="S")
    outcomes = [
        Outcome("r#create", str(change.address), "create", "done", "RL2"),
        Outcome(
            "r#delete", str(change.address), "delete", "failed", "RL1", "no", Refusal("DELETE", "/x", 400, 1, "no")
        ),
    ]
    report = Report((result_of(change, outcomes),), requests=3, writes=2, seconds=1.23456)
    made = report_document(report, samples.SMALL)
    assert made.exit_code == 1
    assert made.seconds == 1.235
    assert (made.summary.partly, made.summary.replace, made.summary.failed) == (1, 0, 0)
    assert made.account_sid == samples.ACCOUNT
    assert made.options.env == "prod"
    assert [outcome.status for outcome in made.changes[0].outcomes] == ["done", "failed"]
    assert made.changes[0].outcomes[1].refusal == RefusalPart(
        method="DELETE", path="/x", status=400, code=1, message="no"
    )
    assert ReportFile.from_json(made.to_json()) == made


outcomes = st.builds(
    OutcomePart,
    step=hostile,
    op=st.sampled_from(["create", "update", "delete"]),
    status=st.sampled_from(["done", "unchanged", "failed", "skipped", "withheld", "interrupted"]),
    sid=hostile,
    message=hostile,
    because=hostile,
    refusal=st.none()
    | st.builds(
        RefusalPart, method=hostile, path=hostile, status=st.integers(), code=st.integers(), message=hostile,
        more_info=hostile, request_id=hostile,
    ),
)  # fmt: skip
results = st.builds(
    ResultPart,
    address=hostile,
    kind=hostile,
    action=st.sampled_from(["create", "update", "replace", "delete"]),
    name=hostile,
    service=hostile,
    status=st.sampled_from(["done", "partly", "failed", "skipped", "withheld", "interrupted"]),
    outcomes=st.lists(outcomes, max_size=3).map(tuple),
)


heads = st.fixed_dictionaries(dict.fromkeys(("account_sid", "planned_at", "source_commit"), hostile))


@given(st.lists(results, max_size=4), st.sampled_from([0, 1, 5, 130]), st.integers(0, 150), heads)
def test_any_report_renders_and_is_harmless(
    found: list[ResultPart], exit_code: int, width: int, head: dict[str, Any]
) -> None:
    report = replace(samples.report(*found, exit_code=exit_code), **head)
    plain = report_text(report, colour=False, width=width)
    assert_harmless(plain)
    assert SGR.sub("", report_text(report, colour=True, width=width)) == plain


# --- as Markdown -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", samples.REPORTS)
def test_golden_markdown(name: str, golden: Callable[[str, str], None]) -> None:
    golden(f"report/{name}.md", report_markdown(samples.REPORTS[name]))


@given(st.lists(results, max_size=4), st.sampled_from([0, 1, 5, 130]))
def test_any_report_is_harmless_markdown(found: list[ResultPart], exit_code: int) -> None:
    assert_harmless_markdown(report_markdown(samples.report(*found, exit_code=exit_code)))


def hostile_report(texts: Sequence[str]) -> ReportFile:
    """A report of a fixed shape, whose every text is taken from these in turn."""
    endless = itertools.cycle(f"x{text}y" for text in texts)

    def text() -> str:
        return next(endless)

    def one(status: Any, op: Any, outcome: Any, **more: Any) -> ResultPart:
        entry = samples.change(text(), text(), "replace", name=text(), service=text())
        return samples.result(entry, status, samples.outcome(entry, op, outcome, sid=text(), **more))

    refusal = RefusalPart(
        method=text(), path=text(), status=400, code=1, message=text(), more_info=text(), request_id=text()
    )
    return samples.report(
        one("failed", "create", "failed", refusal=refusal),
        one("failed", "create", "failed", message=text()),
        one("skipped", "create", "skipped", because=text()),
        one("withheld", "delete", "withheld", message=text()),
        one("interrupted", "create", "interrupted"),
        one("done", "create", "done"),
        exit_code=1,
        account_sid=text(),
    )


@given(st.lists(attacks, min_size=1, max_size=30))
def test_whatever_the_words_the_markdown_has_the_structure_of_harmless_ones(texts: list[str]) -> None:
    told = report_markdown(hostile_report(texts))
    assert_harmless_markdown(told)
    assert shape(told) == shape(report_markdown(hostile_report(["harmless"])))


@pytest.mark.parametrize("status", ["failed", "skipped", "withheld", "done"])
def test_a_report_fits_into_a_comment_and_counts_what_does_not(status: Any) -> None:
    refusal = replace(samples.REFUSED, message="日本語" * 400)
    entries = [samples.change(f"services.s{number}", "service", "create") for number in range(2_000)]
    message = "日本語" * 400 if status != "done" else ""
    found = [
        samples.result(it, status, samples.outcome(it, "create", status, refusal=refusal, message=message))
        for it in entries
    ]
    told = report_markdown(samples.report(*found, exit_code=1))
    assert_harmless_markdown(told)
    listed = sum(1 for line in told.splitlines() if "services.s" in line)
    (missing,) = re.findall(r"… ([\d,]+) more", told)
    assert listed + int(missing.replace(",", "")) == 2_000


def test_the_next_step_after_an_unreadable_collection_is_to_make_it_readable() -> None:
    unread = WarningPart(
        severity="warning", code="unreadable", message="cannot read the credential list: HTTP 403", hint="", address="",
        source=None,
    )  # fmt: skip
    report = replace(samples.ALL_DONE, unreadable=(unread,), exit_code=1)
    shown = report_text(report, colour=False, width=200)
    assert "Fix the read errors (see their hints), then run the same command again" in shown
