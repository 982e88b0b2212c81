"""Renders reports as text for a terminal or a log.

Takes a `ReportFile`; gives one string that ends in a newline and contains no control characters except newlines and,
if asked for, our own colors. Failures come last, next to the counts and the next steps, where users look first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.change import MARKS
from reconciler.documents.report import OutcomePart, RefusalPart, ReportFile, ResultPart, step_in_words
from reconciler.render.advice import advice_of
from reconciler.render.standing import SHORT_COMMIT
from reconciler.render.terminal import Paint, Style, escape, wrap
from reconciler.render.values import quoted
from reconciler.render.wording import PAST, count, minute, operation

COLOURS: dict[str, tuple[Style, ...]] = {"+": ("green",), "~": ("yellow",), "-": ("red",), "-/+": ("red",)}

MESSAGE_LIMIT = 1000
"""The characters of a message that are shown."""
MOST_ALIKE = 20
"""The number of unsent steps that are named for each reason; the others are counted."""
NARROWEST = 40
PLAN_COMMAND = "reconciler plan"
"""The command in the next steps, without the options of the apply."""

_ALARM: tuple[Style, ...] = ("bold", "red")
_STYLES: Mapping[int, tuple[Style, ...]] = {0: ("bold", "green"), 5: ("bold", "yellow")}
_NOTICE: tuple[Style, ...] = ("yellow",)


def report_text(
    report: ReportFile, *, colour: bool, width: int, list_done: bool = True, plan_command: str = PLAN_COMMAND
) -> str:
    """Render a report as text.

    Args:
        report: the report.
        colour: whether to use colors.
        width: the number of columns; at least 40 are used.
        list_done: whether to list completed changes, which a reader who watched the apply has seen.
        plan_command: the command that plans what was applied again, escaped.
    """
    page = _Page(Paint(colour), max(width, NARROWEST))
    sections = [page.heading(report), page.done(report)] if list_done else []
    sections += [
        page.section(report, "Withheld by a guard:", "withheld", _NOTICE),
        page.section(report, "Skipped:", "skipped", _NOTICE),
        page.unsent(report),
        page.section(report, "Completed with warnings:", "done", _NOTICE),
        page.section(report, "Outcome unknown:", "interrupted", _ALARM),
        page.section(report, "Failed:", "failed", _ALARM),
        page.ending(report, plan_command),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


class _Page:
    """One layout: colors and width."""

    def __init__(self, paint: Paint, width: int) -> None:
        self.paint = paint
        self.width = width

    def _lines(self, indent: int, text: str, *styles: Style) -> list[str]:
        return [" " * indent + self.paint(line, *styles) for line in wrap(text, self.width - indent)]

    def heading(self, report: ReportFile) -> list[str]:
        commit = f", commit {report.source_commit[:SHORT_COMMIT]}" if report.source_commit else ""
        text = f"Account {report.account_sid}, planned {minute(report.planned_at)}{commit}"
        return self._lines(0, escape(text))

    def done(self, report: ReportFile) -> list[str]:
        lines: list[str] = []
        for result in report.changes:
            if result.status not in {"done", "partly"}:
                continue
            mark = MARKS[result.action]
            sids = [outcome.sid for outcome in result.outcomes if outcome.op != "delete" and _is_sid(outcome.sid)]
            nothing_sent = all(outcome.status == "unchanged" for outcome in result.outcomes)
            how = "already up to date" if nothing_sent else PAST[result.action]
            if result.status == "partly":
                ops = [outcome.op for outcome in result.outcomes if outcome.status in {"done", "unchanged"}]
                how = f"partly done: {', '.join(ops)}"
            name = f" {quoted(result.name)}" if result.action == "delete" and _is_news(result) else ""
            text = " ".join([escape(result.address) + name, how, *(escape(sid) for sid in sids[:1])])
            text += "".join(f"; {old}" for old in _deleted(result))
            first, *rest = wrap(text, self.width - 6)
            lines.append(f"  {self.paint(f'{mark:>3}', *COLOURS[mark])} {first}")
            lines += [" " * 8 + line for line in rest]
        return lines

    def section(self, report: ReportFile, title: str, status: str, styles: Sequence[Style]) -> list[str]:
        """List every outcome of one status, under the address of its change."""
        lines: list[str] = []
        for result in report.changes:
            for outcome in result.outcomes:
                if outcome.status == status and not _is_unsent(outcome) and (status != "done" or outcome.message):
                    lines += self._outcome(result, outcome)
        return [self.paint(title, *styles), *lines] if lines else []

    def unsent(self, report: ReportFile) -> list[str]:
        """List the steps that were not sent because the run ended early: often many, for one reason."""
        alike: dict[str, list[str]] = {}
        for result in report.changes:
            for outcome in result.outcomes:
                if _is_unsent(outcome):
                    alike.setdefault(outcome.message, []).append(f"{result.address}: {operation(result, outcome)}")
        lines: list[str] = []
        for message, found in alike.items():
            lines += self._lines(0, f"Not sent, {count(len(found), 'step')}: {escape(_cut(message))}", *_NOTICE)
            for what in found[:MOST_ALIKE]:
                lines += self._lines(2, escape(what), "bold")
            if len(found) > MOST_ALIKE:
                lines.append(f"  and {len(found) - MOST_ALIKE:,} more")
        return lines

    def _outcome(self, result: ResultPart, outcome: OutcomePart) -> list[str]:
        what = operation(result, outcome)
        sid = f" {outcome.sid}" if _is_sid(outcome.sid) and outcome.sid not in result.address else ""
        lines = self._lines(2, f"{escape(result.address)}: {what}{escape(sid)}", "bold")
        lines += self._refusal(outcome.refusal) if outcome.refusal is not None else []
        reason = outcome.message
        if not reason and outcome.because:
            reason = f"{' '.join(step_in_words(outcome.because))} failed"
        if reason and outcome.refusal is None:
            lines += self._lines(6, escape(_cut(reason)))
        return lines

    def _refusal(self, refusal: RefusalPart) -> list[str]:
        code = f", Twilio error {refusal.code}" if refusal.code != refusal.status else ""
        lines = self._lines(6, f"HTTP {refusal.status}{code}: {escape(_cut(refusal.message))}")
        if refusal.more_info:
            lines += self._lines(6, escape(_cut(refusal.more_info)), "dim")
        request = f"request {refusal.request_id}: " if refusal.request_id else ""
        return lines + self._lines(6, escape(_cut(f"{request}{refusal.method} {refusal.path}")), "dim")

    def ending(self, report: ReportFile, plan_command: str) -> list[str]:
        """The counts and the next steps."""
        summary = report.summary
        done = (("created", summary.create), ("updated", summary.update), ("replaced", summary.replace),
                ("deleted", summary.delete))  # fmt: skip
        other = (("partly done", summary.partly), ("failed", summary.failed), ("interrupted", summary.interrupted),
                 ("skipped", summary.skipped), ("withheld", summary.withheld))  # fmt: skip
        text = ", ".join(f"{number:,} {word}" for word, number in done)
        rest = ", ".join(f"{number:,} {word}" for word, number in other if number)
        resent = f", {report.resent:,} sent again" if report.resent else ""
        cost = f"{count(report.requests, 'request')} ({count(report.writes, 'write')}{resent})"
        # Without a space, so that the unit stays with its number when the line is wrapped.
        cost += f" in {report.seconds:.1f}s"
        verb = {0: "Applied", 5: "Applied"}.get(report.exit_code, "Apply incomplete")
        styles = _STYLES.get(report.exit_code, _ALARM)
        lines = self._lines(0, f"{verb}: {text}{f'; {rest}' if rest else ''}. {cost}.", *styles)
        steps = next_steps(report)
        for text in steps:
            lines += self._lines(0, text)
        if plan_command != PLAN_COMMAND and any(f"`{PLAN_COMMAND}`" in text for text in steps):
            # To be copied, so it is never folded.
            lines.append(f"  {plan_command}")
        return [*lines, *follow_up_text(report).splitlines()]


FOLLOW_UP = "Run and merge this, or the next apply makes the undone changes again:"


def follow_up_text(report: ReportFile) -> str:
    """Return the commands that make the configuration agree, unwrapped, so that they can be copied; empty for none."""
    if not report.follow_up:
        return ""
    return "\n".join(["", FOLLOW_UP, *(f"  {escape(command)}" for command in report.follow_up), ""])


def next_steps(report: ReportFile) -> list[str]:
    """Return the next steps, one paragraph for each sort of failure; none if there were no changes."""
    if not report.changes:
        return []
    match report.exit_code:
        case 0 if report.options.target or report.options.exclude:
            return ["The selected part of the account matches the configuration."]
        case 0 if report.options.undo is not None:
            undone = f"The apply is undone{', except for what cannot be undone' if report.irreversible else ''}."
            look = f"`{PLAN_COMMAND}` shows whether the configuration agrees with the account."
            return [undone if report.follow_up else f"{undone} {look}"]
        case 0:
            return ["The account matches the configuration."]
        case 5 if report.options.undo is not None:
            return ["Withheld changes were not undone. Run the same command again once their reasons are resolved."]
        case 5:
            return ["Withheld changes were not applied. Every plan lists them until their guard allows them."]
        case 130:
            return [*_about_unknown(report), f"Completed changes are kept. Run {_AGAIN}"]
        case _:
            outcomes = _outcomes(report)
            advice = advice_of(
                (outcome.cause, None if outcome.refusal is None else outcome.refusal.code) for outcome in outcomes
            )
            is_wrong = any(outcome.status == "failed" and outcome.cause != "deadline" for outcome in outcomes)
            first = "Fix the failures and run" if is_wrong else "Run"
            if report.unreadable and not is_wrong:
                first = "Fix the read errors (see their hints), then run"
            return [*advice, *_about_unknown(report), f"Completed changes are kept. {first} {_AGAIN}"]


_AGAIN = "the same command again: it continues where this one stopped."


def _about_unknown(report: ReportFile) -> list[str]:
    """Return the next step if the outcome of a step is unknown."""
    if not any(outcome.status == "interrupted" for outcome in _outcomes(report)):
        return []
    advice = (
        "Steps with an unknown outcome may have taken effect, or may still do so. Wait a minute, then run "
        f"`{PLAN_COMMAND}`: it lists the remaining changes, and finds resources that were created."
    )
    return [advice]


def _outcomes(report: ReportFile) -> list[OutcomePart]:
    return [outcome for result in report.changes for outcome in result.outcomes]


def _is_unsent(outcome: OutcomePart) -> bool:
    return outcome.status == "skipped" and outcome.cause in {"deadline", "interrupted"}


def _is_news(result: ResultPart) -> bool:
    """Whether the name of a resource says more than its address."""
    return bool(result.name) and result.name not in result.address


def _deleted(result: ResultPart) -> Iterator[str]:
    """The old resources that a replace deleted: the address is that of the new one."""
    for outcome in result.outcomes:
        if result.action == "replace" and outcome.op == "delete" and outcome.status == "done":
            yield old_resource(outcome) + " deleted"


def old_resource(outcome: OutcomePart) -> str:
    """Name the old resource of a replace, from the outcome of its delete."""
    name = f" {quoted(outcome.name)}" if outcome.name else ""
    return f"old resource{name}" + (f" ({escape(outcome.sid)})" if _is_sid(outcome.sid) else "")


def _is_sid(text: str) -> bool:
    """Whether a text is a SID; a singleton has its path instead, which adds nothing to the address."""
    return bool(text) and "/" not in text


def _cut(text: str) -> str:
    return text if len(text) <= MESSAGE_LIMIT else f"{text[:MESSAGE_LIMIT]}… ({len(text):,} characters)"
