"""Renders reports as Markdown for a comment or a job summary, within the size limit of one comment.

Takes a `ReportFile`; returns one string that ends in a newline. Failures come first, with the API's message and
request, then skipped steps, then completed changes; what does not fit is counted. As in `reconciler.render.markdown`,
only our own text forms blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import quote

from reconciler.change import MARKS
from reconciler.documents.report import OutcomePart, RefusalPart, ReportFile, ResultPart, step_in_words
from reconciler.render.markdown import BUDGET, MARKER_PART, shortened_kind
from reconciler.render.markdown_text import Room, code, prose, size
from reconciler.render.report_text import FOLLOW_UP, next_steps
from reconciler.render.wording import PAST, count, operation

_WORSE_FIRST = ("failed", "interrupted", "skipped", "withheld")


def report_markdown(report: ReportFile) -> str:
    """Render a report as Markdown."""
    return _Page(report).text()


class _Page:
    def __init__(self, report: ReportFile) -> None:
        self.report = report
        self.room = Room(BUDGET)

    def text(self) -> str:
        report = self.report
        head = [_marker(report), f"### {_verdict(report)}", _where(report)]
        # Our own sentences: those with code spans are Markdown already; a URL in the others becomes one.
        steps = [step if "`" in step else prose(step) for step in next_steps(report)]
        tail = [f"**Next step:** {steps[0]}"] if len(steps) == 1 else []
        tail = ["**Next steps**", "\n".join(f"- {step}" for step in steps)] if len(steps) > 1 else tail
        self.room.left -= sum(size(block) + 2 for block in [*head, *tail])
        # Failures take their room first.
        blocks = [
            *self._outcomes("failed", "**Failed**", 24_000, _failed),
            *self._outcomes("interrupted", "**Outcome unknown**", 8_000, _held),
            *self._outcomes("done", "**Completed with warnings**", 8_000, _held),
            *self._outcomes("skipped", "**Skipped**", 8_000, _held),
            *self._outcomes("withheld", "**Withheld by a guard**", 8_000, _held),
        ]
        if report.follow_up:
            tail += [f"**{FOLLOW_UP}**", "\n".join(f"- {code(command)}" for command in report.follow_up)]
        return "\n\n".join([*head, *blocks, *tail, *self._done()]) + "\n"

    def _outcomes(
        self, status: str, title: str, at_most: int, item: Callable[[ResultPart, OutcomePart], str]
    ) -> list[str]:
        found = [
            (result, outcome)
            for result in self.report.changes
            for outcome in result.outcomes
            if outcome.status == status and (status != "done" or outcome.message)
        ]
        return self.room.titled(title, (item(*pair) for pair in found), len(found), at_most=at_most)

    def _done(self) -> list[str]:
        done = [result for result in self.report.changes if result.status in {"done", "partly"}]
        if not done:
            return []
        summary = f"<details><summary>{count(len(done), 'change')} done</summary>"
        return [*self.room.titled(summary, map(_row, done), len(done), at_most=40_000), "</details>"]


def _marker(report: ReportFile) -> str:
    """Return the invisible marker by which a comment is found again: the same for an account and environment."""
    scope = (report.account_sid[:MARKER_PART], report.options.env[:MARKER_PART])
    parts = [quote(part, safe="", errors="replace").replace("-", "%2D") for part in scope]
    return f"<!-- {' '.join(['reconciler:report', *(part for part in parts if part)])} -->"


def _verdict(report: ReportFile) -> str:
    summary = report.summary
    done = (
        f"{summary.create:,} created, {summary.update:,} updated, "
        f"{summary.replace:,} replaced, {summary.delete:,} deleted"
    )
    if not report.changes:
        if report.options.undo is not None:
            nothing = (
                "the apply changed nothing" if report.options.undo.is_empty else "the account is as before the apply"
            )
            return f"✅ Nothing to undo: {nothing}"
        return "✅ No changes: the account matches the configuration"
    match report.exit_code:
        case 0:
            return f"✅ Applied: {done}"
        case 5:
            return f"⚠️ Applied, but {summary.withheld or 'something'} withheld: {done}"
        case 130:
            return f"⛔ Interrupted: {done}"
        case _:
            return f"❌ Apply incomplete: {summary.failed:,} failed, {summary.skipped:,} skipped; {done}"


def _where(report: ReportFile) -> str:
    environment = f", environment {code(report.options.env)}" if report.options.env else ""
    narrowed = ", only in part (--target or --exclude)" if report.options.target or report.options.exclude else ""
    resent = f", {report.resent:,} sent again" if report.resent else ""
    cost = f"{count(report.requests, 'request')} ({count(report.writes, 'write')}{resent}) in {report.seconds:.1f} s"
    return f"Account {code(report.account_sid)}{environment}{narrowed}: {cost}."


def _failed(result: ResultPart, outcome: OutcomePart) -> str:
    why = _refusal(outcome.refusal) if outcome.refusal is not None else _why(outcome)
    return f"- {code(result.address)} {operation(result, outcome)}{f': {why}' if why else ''}"


def _refusal(refusal: RefusalPart) -> str:
    error = f", Twilio error {prose(str(refusal.code))}" if refusal.code != refusal.status else ""
    parts = [f"HTTP {prose(str(refusal.status))}{error}: {prose(refusal.message)}"]
    parts += [f"request {code(refusal.request_id)}"] if refusal.request_id else []
    parts += [code(f"{refusal.method} {refusal.path}")]
    parts += [f"see {code(refusal.more_info)}"] if refusal.more_info else []
    return "; ".join(parts)


def _held(result: ResultPart, outcome: OutcomePart) -> str:
    why = _why(outcome)
    return f"- {code(result.address)} {operation(result, outcome)}{f': {why}' if why else ''}"


def _why(outcome: OutcomePart) -> str:
    if outcome.message:
        return prose(outcome.message)
    if not outcome.because:
        return ""
    words, address = step_in_words(outcome.because)
    return " ".join([words, *([code(address)] if address else []), "failed"])


def _row(result: ResultPart) -> str:
    how = PAST[result.action]
    if result.status == "partly":
        how = f"partly done, {' and '.join(_parts(result))}"
    elif all(outcome.status == "unchanged" for outcome in result.outcomes):
        how = "already up to date"
    name = f" {code(result.name, 60)}" if result.name and result.name not in result.address else ""
    sid = next((it.sid for it in result.outcomes if it.op != "delete" and it.sid and "/" not in it.sid), "")
    shown = f" {code(sid, 60)}" if sid and sid not in result.address else ""
    kind = shortened_kind(result.kind)
    old = "".join(
        f"; old resource {code(outcome.name, 60) if outcome.name else ''} {code(outcome.sid, 60)} deleted"
        for outcome in result.outcomes
        if result.action == "replace" and outcome.op == "delete" and outcome.status == "done" and outcome.sid
    )
    return f"- `{MARKS[result.action]}` {kind} {code(result.address)}{name} {how}{shown}{old}"


def _parts(result: ResultPart) -> Iterator[str]:
    for outcome in result.outcomes:
        yield f"{outcome.op} {outcome.status}"
