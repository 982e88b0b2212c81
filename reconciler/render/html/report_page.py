"""Renders reports as HTML pages: the verdict and the next steps, then failures, then every change.

Takes a `ReportFile`, and the `PlanFile` that was applied if it is known; returns one string. Twilio's messages are
hostile input; only URLs of Twilio's own pages become links.
"""

from __future__ import annotations

import re
from collections import Counter

from reconciler.documents.plan import PlanFile
from reconciler.documents.report import OutcomePart, RefusalPart, ReportFile, ResultPart, step_in_words
from reconciler.kinds import kind_noun
from reconciler.render.html.frame import (
    OPEN_UP_TO,
    SIGNS,
    Facet,
    Verdict,
    bullets,
    counts,
    document,
    facet,
    filters,
    legend,
    listed,
    section,
)
from reconciler.render.html.markup import Html, join, prose, tag, text
from reconciler.render.html.plan_page import fields
from reconciler.render.markdown_text import Repository
from reconciler.render.report_text import FOLLOW_UP, MESSAGE_LIMIT, next_steps
from reconciler.render.view import plan_view
from reconciler.render.wording import PAST, count

_STATUSES = (
    ("failed", "failed"), ("interrupted", "interrupted"), ("partly", "partly done"), ("skipped", "skipped"),
    ("withheld", "withheld"), ("done", "done"),
)  # fmt: skip
_RANK = {status: rank for rank, (status, _) in enumerate(_STATUSES)}
_LABEL = dict(_STATUSES)
_ENDED = {
    "done": "done", "unchanged": "already up to date", "failed": "failed", "skipped": "skipped", "withheld": "withheld",
    "interrupted": "interrupted: outcome unknown",
}  # fmt: skip
_TWILIO = re.compile(r"https://www\.twilio\.com/[A-Za-z0-9/_.-]*\Z")


def report_html(report: ReportFile, plan: PlanFile | None = None, repository: Repository | None = None) -> str:
    """Render a report as an HTML page.

    Args:
        report: the report.
        plan: the plan that was applied, to show differences; None for none.
        repository: where the configuration is on the web; None for no links.
    """
    return _Page(report, plan, repository).document()


class _Page:
    """The layout of one report."""

    def __init__(self, report: ReportFile, plan: PlanFile | None, repository: Repository | None) -> None:
        self.report = report
        self.repository = repository
        self.planned = {change.address: change for change in plan_view(plan).changes} if plan is not None else {}
        self.results = sorted(report.changes, key=lambda result: _RANK[result.status])
        self.identity: dict[str, str] = {}
        for number, result in enumerate(self.results, 1):
            self.identity.setdefault(result.address, f"c{number}")
        self.address = {outcome.step: result.address for result in self.results for outcome in result.outcomes}
        self.services = {name: str(n) for n, name in enumerate(sorted({item.service for item in self.results}))}
        self.kinds = {name: str(n) for n, name in enumerate(sorted({item.kind for item in self.results}))}

    def document(self) -> str:
        report = self.report
        foot = f"reconciler {report.tool_version} · planned {report.planned_at} · configuration {report.config_digest}"
        parts = [self._counts(), *self._problems(), *self._follow_up(), *self._list()]
        return document("report", self._verdict(), parts, foot, has_list=bool(self.results))

    def _verdict(self) -> Verdict:
        report = self.report
        match report.exit_code:
            case 0 if not report.changes:
                tone, headline = "good", "No changes"
            case 0:
                tone, headline = "good", "Applied"
            case 5:
                tone, headline = "plain", "Applied, except for withheld changes"
            case 130:
                tone, headline = "bad", "Interrupted"
            case _:
                tone, headline = "bad", "Apply incomplete"
        resent = f", {report.resent:,} sent again" if report.resent else ""
        cost = (
            f"{count(report.requests, 'request')} ({count(report.writes, 'write')}{resent}) in {report.seconds:.1f} s."
        )
        following = prose(" ".join(next_steps(report)))
        facts = (
            ("Account", report.account_sid), ("Environment", report.options.env), ("Exit code", str(report.exit_code)),
        )  # fmt: skip
        return Verdict(
            tone, "Report: the changes an apply made", headline, (following, cost) if following else (cost,), facts
        )

    def _counts(self) -> Html:
        totals = self.report.summary
        went = [
            ("bad", "✕", totals.failed, "failed"), ("bad", "?", totals.interrupted, "interrupted"),
            ("caught", "", totals.partly, "partly done"), ("caught", "", totals.skipped, "skipped"),
            ("caught", "", totals.withheld, "withheld"),
        ]  # fmt: skip
        return counts(
            [
                *(item for item in went if item[2]),
                ("delete", SIGNS["delete"], totals.delete, "deleted"),
                ("replace", SIGNS["replace"], totals.replace, "replaced"),
                ("update", SIGNS["update"], totals.update, "updated"),
                ("create", SIGNS["create"], totals.create, "created"),
            ]
        )

    def _follow_up(self) -> list[Html]:
        commands = [tag("code", command) for command in self.report.follow_up]
        return [section(FOLLOW_UP.rstrip(":"), bullets(commands), identity="follow-up")] if commands else []

    def _problems(self) -> list[Html]:
        """Return the failures, and the completed steps with a warning, one sentence each."""
        items = []
        for result in self.results:
            for outcome in result.outcomes:
                if outcome.status in {"failed", "interrupted"} or (outcome.status == "done" and outcome.message):
                    message = outcome.refusal.message if outcome.refusal is not None else outcome.message
                    link = tag("a", tag("code", result.address), href=f"#{self.identity[result.address]}")
                    why = f": {_cut(message)}" if message else ""
                    items.append(join([link, text(f" {outcome.op} {_ENDED[outcome.status]}{why}")]))
        if not items:
            return []
        return [
            section(
                "Failures" if self.report.exit_code else "Warnings",
                tag("ul", *(tag("li", item) for item in items), class_="plain"),
                identity="wrong",
            )
        ]

    # --- the list -----------------------------------------------------------------------------------------------------

    def _list(self) -> list[Html]:
        if not self.results:
            return []
        signs = [legend(("Before", "Configured"), ("−", "+"))] if self.planned else []
        items = listed([self._item(result, f"c{number}") for number, result in enumerate(self.results, 1)])
        return [
            section("Changes", filters(self._facets(), len(self.results), "change"), *signs, items, identity="list")
        ]

    def _facets(self) -> tuple[Facet, ...]:
        results = self.results
        actions = [(action, action) for action in ("delete", "replace", "update", "create")]
        services = [(index, name or "Account") for name, index in self.services.items()]
        kinds = [(index, kind_noun(name)) for name, index in self.kinds.items()]
        by_service = Counter(self.services[result.service] for result in results)
        by_kind = Counter(self.kinds[result.kind] for result in results)
        return (
            facet("status", "How it ended", _STATUSES, Counter(result.status for result in results)),
            facet("action", "Action", actions, Counter(result.action for result in results)),
            facet("service", "Service", services, by_service, many=True),
            facet("kind", "Kind", kinds, by_kind, many=True),
        )

    def _item(self, result: ResultPart, identity: str) -> Html:
        did = PAST[result.action] if result.status == "done" else result.action
        summary = tag(
            "summary",
            tag("span", SIGNS[result.action], class_="sign", aria_hidden="true"),
            tag("h3", tag("b", did), " ", tag("code", result.address),
                *([" ", tag("q", result.name)] if result.name and result.name not in result.address else [])),
            tag("span", tag("span", _LABEL[result.status], class_=f"status {result.status}"), class_="marks"),
            tag("small", f"{kind_noun(result.kind)} · {result.service or 'account'}"),
        )  # fmt: skip
        outcomes = tag("ul", *(tag("li", *self._outcome(outcome)) for outcome in result.outcomes), class_="outcomes")
        change = self.planned.get(result.address)
        differences = fields(change, self.repository, acts=True) if change is not None else []
        went_well = result.status == "done"
        return tag(
            "li",
            tag("details", summary, tag("div", outcomes, *differences, class_="body"),
                open=not went_well and len(self.results) <= 10 * OPEN_UP_TO),
            id=identity,
            class_=result.action,
            data_status=result.status,
            data_action=result.action,
            data_service=self.services[result.service],
            data_kind=self.kinds[result.kind],
        )  # fmt: skip

    def _outcome(self, outcome: OutcomePart) -> list[Html]:
        parts = [tag("b", f"{outcome.op}: {_ENDED[outcome.status]}")]
        if outcome.name:
            parts += [text(" "), tag("q", outcome.name)]
        if outcome.sid and "/" not in outcome.sid:
            parts += [text(" "), tag("code", outcome.sid)]
        if outcome.refusal is not None:
            parts.append(_refusal(outcome.refusal))
        elif outcome.message:
            parts.append(tag("p", _cut(outcome.message)))
        if outcome.because:
            address = self.address.get(outcome.because, "")
            link = f"#{self.identity[address]}" if address else ""
            words, named = step_in_words(outcome.because)
            shown = tag("code", named)
            cause = tag("a", shown, href=link) if link else shown
            said = f"{words[0].upper()}{words[1:]}"
            parts.append(tag("p", "See ", cause, ".") if outcome.message else tag("p", f"{said} ", cause, " failed."))
        return parts


def _refusal(refusal: RefusalPart) -> Html:
    rows = [("Twilio says", text(_cut(refusal.message)))]
    status = f"HTTP {refusal.status}" + (f", Twilio error {refusal.code}" if refusal.code != refusal.status else "")
    rows.append(("Status", text(status)))
    if refusal.more_info:
        page = tag("code", _cut(refusal.more_info))
        safe = _TWILIO.match(refusal.more_info)
        rows.append(("More", tag("a", page, href=refusal.more_info, rel="noreferrer") if safe else page))
    if refusal.request_id:
        rows.append(("Request", tag("code", _cut(refusal.request_id))))
    rows.append(("Request path", tag("code", _cut(f"{refusal.method} {refusal.path}"))))
    return tag("dl", *(tag("div", tag("dt", name), tag("dd", value)) for name, value in rows), class_="refusal")


def _cut(message: str) -> str:
    return message if len(message) <= MESSAGE_LIMIT else f"{message[:MESSAGE_LIMIT]}… ({len(message):,} characters)"
