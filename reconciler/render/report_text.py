"""What an apply did, as text for a terminal or a log.

Takes a `ReportFile`; gives one string that ends in a newline and holds no control characters but newlines and, where
they are asked for, our own colours. What went wrong comes last, next to the counts and to what to do about it: that is
where people look.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from reconciler.change import MARKS
from reconciler.documents.report import OutcomeEntry, RefusalEntry, ReportFile, ResultEntry, step_in_words
from reconciler.render.advice import advice_of
from reconciler.render.terminal import Paint, Style, escape, wrap
from reconciler.render.values import quoted
from reconciler.render.wording import PAST, count, operation

COLOURS: dict[str, tuple[Style, ...]] = {"+": ("green",), "~": ("yellow",), "-": ("red",), "-/+": ("red",)}

MESSAGE_LIMIT = 1000
"""Over this many characters Twilio's words are cut."""
MOST_ALIKE = 20
"""Of steps that were not sent for one and the same reason, so many are named and the rest is counted."""
NARROWEST = 40

_ALARM: tuple[Style, ...] = ("bold", "red")
_STYLES: Mapping[int, tuple[Style, ...]] = {0: ("bold", "green"), 5: ("bold", "yellow")}
_NOTICE: tuple[Style, ...] = ("yellow",)


def report_text(report: ReportFile, *, colour: bool, width: int, list_done: bool = True) -> str:
    """A report as text.

    Args:
        report: what to show.
        colour: whether to lay colours on.
        width: how many columns there are; fewer than 40 are taken as 40.
        list_done: whether to list what went well; not where the reader has just watched it.
    """
    page = _Page(Paint(colour), max(width, NARROWEST))
    sections = [page.done(report)] if list_done else []
    sections += [
        page.section(report, "Withheld by a guard:", "withheld", _NOTICE),
        page.section(report, "Skipped:", "skipped", _NOTICE),
        page.unsent(report),
        page.section(report, "Done, but look again:", "done", _NOTICE),
        page.section(report, "Whether they took place is not known:", "interrupted", _ALARM),
        page.section(report, "Failed:", "failed", _ALARM),
        page.ending(report),
    ]
    return "\n\n".join("\n".join(section) for section in sections if section) + "\n"


class _Page:
    """One layout: colours and width."""

    def __init__(self, paint: Paint, width: int) -> None:
        self.paint = paint
        self.width = width

    def _lines(self, indent: int, text: str, *styles: Style) -> list[str]:
        return [" " * indent + self.paint(line, *styles) for line in wrap(text, self.width - indent)]

    def done(self, report: ReportFile) -> list[str]:
        lines: list[str] = []
        for result in report.changes:
            if result.status not in {"done", "partly"}:
                continue
            mark = MARKS[result.action]
            sids = [outcome.sid for outcome in result.outcomes if outcome.op != "delete" and _is_sid(outcome.sid)]
            nothing_sent = all(outcome.status == "unchanged" for outcome in result.outcomes)
            how = "was so already" if nothing_sent else PAST[result.action]
            if result.status == "partly":
                ops = [outcome.op for outcome in result.outcomes if outcome.status in {"done", "unchanged"}]
                how = f"done in part: {', '.join(ops)}"
            name = f" {quoted(result.name)}" if result.action == "delete" and _is_news(result) else ""
            text = " ".join([escape(result.address) + name, how, *(escape(sid) for sid in sids[:1])])
            text += "".join(f"; {old}" for old in _deleted(result))
            first, *rest = wrap(text, self.width - 6)
            lines.append(f"  {self.paint(f'{mark:>3}', *COLOURS[mark])} {first}")
            lines += [" " * 8 + line for line in rest]
        return lines

    def section(self, report: ReportFile, title: str, status: str, styles: Sequence[Style]) -> list[str]:
        """Every outcome of one status, under the address of its change."""
        lines: list[str] = []
        for result in report.changes:
            for outcome in result.outcomes:
                if outcome.status == status and not _is_unsent(outcome) and (status != "done" or outcome.message):
                    lines += self._outcome(result, outcome)
        return [self.paint(title, *styles), *lines] if lines else []

    def unsent(self, report: ReportFile) -> list[str]:
        """What was not sent because the whole run ended early: often much, and all for one reason."""
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

    def _outcome(self, result: ResultEntry, outcome: OutcomeEntry) -> list[str]:
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

    def _refusal(self, refusal: RefusalEntry) -> list[str]:
        code = f", Twilio error {refusal.code}" if refusal.code != refusal.status else ""
        lines = self._lines(6, f"HTTP {refusal.status}{code}: {escape(_cut(refusal.message))}")
        if refusal.more_info:
            lines += self._lines(6, escape(_cut(refusal.more_info)), "dim")
        request = f"request {refusal.request_id}: " if refusal.request_id else ""
        return lines + self._lines(6, escape(_cut(f"{request}{refusal.method} {refusal.path}")), "dim")

    def ending(self, report: ReportFile) -> list[str]:
        """The counts, and what to do next."""
        summary = report.summary
        done = (("created", summary.create), ("updated", summary.update), ("replaced", summary.replace),
                ("deleted", summary.delete))  # fmt: skip
        other = (("done in part", summary.partly), ("failed", summary.failed), ("interrupted", summary.interrupted),
                 ("skipped", summary.skipped), ("withheld", summary.withheld))  # fmt: skip
        text = ", ".join(f"{number:,} {word}" for word, number in done)
        rest = ", ".join(f"{number:,} {word}" for word, number in other if number)
        resent = f", {report.resent:,} sent again" if report.resent else ""
        cost = f"{count(report.requests, 'request')} ({count(report.writes, 'write')}{resent})"
        cost += f" in {report.seconds:.1f} s"
        verb = {0: "Applied", 5: "Applied"}.get(report.exit_code, "Not all applied")
        styles = _STYLES.get(report.exit_code, _ALARM)
        lines = self._lines(0, f"{verb}: {text}{f'; {rest}' if rest else ''}. {cost}.", *styles)
        for text in next_steps(report):
            lines += self._lines(0, text)
        return lines


def next_steps(report: ReportFile) -> list[str]:
    """What to do next, a paragraph for each sort of failure; empty when there was nothing to do."""
    if not report.changes:
        return []
    match report.exit_code:
        case 0 if report.options.target or report.options.exclude:
            return ["What --target and --exclude left to look at is as the files say."]
        case 0:
            return ["The account is as the files say; `reconciler plan` would find nothing to do."]
        case 5:
            return ["What is withheld stays as it is, and every plan names it, until its guard allows it."]
        case 130:
            return [*_about_unknown(report), f"What is done stays done. Run {_AGAIN}"]
        case _:
            outcomes = _outcomes(report)
            advice = advice_of(
                (outcome.cause, None if outcome.refusal is None else outcome.refusal.code) for outcome in outcomes
            )
            is_wrong = any(outcome.status == "failed" and outcome.cause != "deadline" for outcome in outcomes)
            first = "Put right what failed and run" if is_wrong else "Run"
            return [*advice, *_about_unknown(report), f"What is done stays done. {first} {_AGAIN}"]


_AGAIN = "the same command again: it takes up where this one stopped."


def _about_unknown(report: ReportFile) -> list[str]:
    """What to do where nobody knows whether a step took place."""
    if not any(outcome.status == "interrupted" for outcome in _outcomes(report)):
        return []
    advice = (
        "What is not known may have taken place, or still will: wait a minute, then look with `reconciler plan`. What "
        "it lists is not done; what was created all the same is found again."
    )
    return [advice]


def _outcomes(report: ReportFile) -> list[OutcomeEntry]:
    return [outcome for result in report.changes for outcome in result.outcomes]


def _is_unsent(outcome: OutcomeEntry) -> bool:
    return outcome.status == "skipped" and outcome.cause in {"deadline", "interrupted"}


def _is_news(result: ResultEntry) -> bool:
    """Whether the name of a resource says more than its address."""
    return bool(result.name) and result.name not in result.address


def _deleted(result: ResultEntry) -> Iterator[str]:
    """The old resources that a replace deleted: the address is that of the new one."""
    for outcome in result.outcomes:
        if result.action == "replace" and outcome.op == "delete" and outcome.status == "done":
            yield old_resource(outcome) + " deleted"


def old_resource(outcome: OutcomeEntry) -> str:
    """Name the old resource of a replace, from the outcome of its delete."""
    name = f" {quoted(outcome.name)}" if outcome.name else ""
    return f"old resource{name}" + (f" ({escape(outcome.sid)})" if _is_sid(outcome.sid) else "")


def _is_sid(text: str) -> bool:
    """Singletons have their path in the place of a SID, which says nothing that the address does not."""
    return bool(text) and "/" not in text


def _cut(text: str) -> str:
    return text if len(text) <= MESSAGE_LIMIT else f"{text[:MESSAGE_LIMIT]}… ({len(text):,} characters)"
