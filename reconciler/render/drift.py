"""Renders drift as text for a terminal, Markdown for an issue, and a short message for a chat.

Takes a `DriftFile`. Labels each value as live or configured, and never mentions an apply.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.change import Action
from reconciler.documents.drift import DriftFile
from reconciler.kinds import kind_noun
from reconciler.render.markdown import Words, changes_markdown, grouped, settled
from reconciler.render.markdown_text import Repository, shortened
from reconciler.render.rows import ChangeRow, ChangesView, FieldRow, NextSteps, SettingRow
from reconciler.render.standing import baseline_text, change_standing, field_standing, pending_text
from reconciler.render.terminal import Paint, Style, escape, wrap
from reconciler.render.values import TEXT_LIMIT, both_texts, line_texts, literal, quoted, side_text, what_text
from reconciler.render.view import drift_view
from reconciler.render.wording import (
    IF_REVERTED,
    ONLY_DEFAULT,
    count,
    example,
    first_steps,
    incomplete,
    is_only_default,
    not_listed,
    owned_by,
    undeclared,
    undeclared_advice,
)

CHAT_LINES = 8
CHAT_NOT_COMPARED = 3
CHAT_SETTINGS = 3
CHAT_LIMIT = 1_500
"""The maximum number of characters, so that the chat message is read."""

_PHRASES: dict[Action, str] = {
    "create": "missing in the account",
    "update": "differs",
    "replace": "differs in a field that cannot be changed",
    "delete": "in the account, but to be deleted",
}
_COLOURS: dict[Action, Style] = {"create": "green", "update": "yellow", "replace": "red", "delete": "red"}
_CHAT = str.maketrans({character: f"\\u{ord(character):04x}" for character in "@<>&`"})


def _summary(plan: ChangesView) -> str:
    partial = incomplete(len(plan.unreadable))
    none = "No drift in the rest" if partial else "No drift"
    if not plan.changes and not plan.counts.unmanaged and not plan.settings:
        return f"{partial}{none}: {count(plan.counts.no_op, 'resource')} compared"
    parts = [
        f"{plan.counts.update + plan.counts.replace:,} different",
        f"{plan.counts.create:,} missing",
        f"{plan.counts.delete:,} to be deleted",
        f"{plan.counts.unmanaged:,} unmanaged",
    ]
    high = sum(1 for row in plan.settings if row.risk == "high")
    if plan.settings:
        parts.append(count(len(plan.settings), "undeclared setting") + (f" ({high:,} high-risk)" if high else ""))
    risky = f"; {plan.high:,} high-risk" if plan.high else ""
    # A reader who looks only for "No drift" would miss a server that can reject every message.
    but = f", but {count(high, 'high-risk undeclared setting')}" if high else ""
    return f"{partial}{'Drift' if plan.changes else none + but}: {', '.join(parts)}{risky}"


DRIFT = Words(
    marker="reconciler:drift",
    actions=_PHRASES,
    counted={"create": "missing", "update": "different", "replace": "different", "delete": "to be deleted"},
    section="Effects of reverting",
    verdict=lambda plan: f"{'⚠️ ' if plan.unreadable else ''}{_summary(plan)}",
    full="`reconciler drift` shows them",
    before="live: ",
    after="configured: ",
    acts=False,
    only_in=("only configured: ", "only live: "),
    tells_reason=True,
)


def drift_markdown(drift: DriftFile, repository: Repository | None = None) -> str:
    """Render a drift as Markdown, within the size limit of a comment or an issue."""
    return changes_markdown(drift_view(drift), DRIFT, repository)


def drift_text(drift: DriftFile, *, colour: bool, width: int, verbose: bool = False) -> str:
    """Render a drift as text.

    Args:
        drift: the drift.
        colour: whether to use colors.
        width: the number of columns; at least 40 are used.
        verbose: whether to show full output: long values, and the fields of missing resources.
    """
    page = _Page(Paint(colour), max(width, 40), verbose=verbose)
    return "\n".join(page.drift(drift_view(drift, nested=verbose))) + "\n"


class _Page:
    def __init__(self, paint: Paint, width: int, *, verbose: bool) -> None:
        self.paint = paint
        self.width = width
        self.limit = 0 if verbose else TEXT_LIMIT
        self.verbose = verbose

    def drift(self, plan: ChangesView) -> Iterator[str]:
        environment = f", environment {escape(plan.environment)}" if plan.environment else ""
        equal = plan.counts.no_op
        matches = f"{equal:,} {'matches' if equal == 1 else 'match'} the configuration"
        baseline = f" Baseline: {baseline_text(plan.baseline)}." if plan.baseline is not None else ""
        head = f"{_summary(plan)}. Account {escape(plan.account)}{environment}: {matches}.{baseline}"
        yield from self._lines(0, head, "bold")
        for change in plan.changes:
            yield ""
            yield from self._change(change)
        if plan.pending:
            yield ""
            yield from self._lines(0, f"{pending_text(plan)}:")
            for change in plan.pending:
                yield from self._lines(2, f"{change.mark} {escape(change.address)}{_paths(change)}", "dim")
        if plan.settings:
            yield ""
            yield from self._settings(plan.settings)
        if is_only_default(plan.unmanaged) and not self.verbose:
            yield ""
            yield from self._lines(0, ONLY_DEFAULT)
        elif plan.unmanaged:
            yield ""
            yield from self._lines(
                0,
                f"Unmanaged: {count(plan.counts.unmanaged, 'live resource')} that the configuration does not declare.",
            )
            for group in plan.unmanaged:
                for row in group.rows:
                    name = f" {quoted(row.name)}" if row.name else ""
                    seen = f" ({row.age})" if row.age else ""
                    yield from self._lines(
                        2, f"{escape(kind_noun(group.kind))} {escape(row.address)}{name}{seen}", "dim"
                    )
            kind, first = example(plan.unmanaged)
            yield from self._example(first.next_steps, plan.counts.unmanaged, kind_noun(kind))
        if plan.unverified:
            yield ""
            yield from self._lines(0, f"Not compared: {_unverified(len(plan.unverified))}.")
        if plan.unlisted:
            yield ""
            yield from self._lines(0, not_listed([*map(escape, plan.unlisted)], verbose=self.verbose) + ".")
        if plan.unsearched:
            yield ""
            collections = ", ".join(map(escape, plan.unsearched))
            yield from self._lines(0, f"Not searched for unmanaged resources: {collections} (nothing declared).")
        if plan.warnings:
            yield ""
        for warning in plan.warnings:
            text = f"{warning.label}: {escape(warning.message)}"
            text += f" ({escape(warning.where)})" if warning.where else ""
            yield from self._lines(0, text, "yellow")
            if warning.hint:
                yield from self._lines(2, escape(warning.hint))
            yield from (f"    {escape(line)}" for line in warning.fix.splitlines())

    def _lines(self, indent: int, text: str, *styles: Style) -> Iterator[str]:
        for line in wrap(text, self.width - indent):
            yield " " * indent + self.paint(line, *styles)

    def _settings(self, settings: Sequence[SettingRow]) -> Iterator[str]:
        yield from self._lines(0, f"Undeclared settings: {undeclared(len(settings))}.", "bold")
        for row in settings:
            is_high = row.risk == "high"
            risk = (" (high risk)" if is_high else "") + (f" ({row.age})" if row.age else "")
            value = side_text(settled(row.value), limit=self.limit)
            yield from self._lines(2, f"{escape(row.name)}{risk}:", *(("red",) if is_high else ()))
            yield from self._lines(4, value)
            if is_high or self.verbose:
                yield from self._lines(4, escape(row.meaning), "dim")
        yield from self._lines(2, undeclared_advice(settings), "dim")
        yield from self._example(settings[0].next_steps, len(settings), "setting")

    def _example(self, steps: NextSteps, number: int, noun: str) -> Iterator[str]:
        if steps:
            yield from self._lines(2, first_steps(number, noun))
            yield from self._next_steps(4, steps)

    def _next_steps(self, indent: int, steps: Iterable[tuple[str, str]]) -> Iterator[str]:
        """The ways out of a finding, each on one line so that it can be copied; only sentences are wrapped."""
        for name, text in steps:
            if name == "by hand":
                yield from self._lines(indent, f"{name}: {escape(text)}")
            else:
                yield f"{' ' * indent}{self.paint(f'{name}:', 'dim')} {escape(text)}"

    def _change(self, change: ChangeRow) -> Iterator[str]:
        risk = "" if change.risk == "low" else f" ({change.risk} risk)"
        head = f"{escape(change.address)}: {_PHRASES[change.action]}{risk}"
        yield from self._lines(0, head, "bold", "red" if change.risk == "high" else _COLOURS[change.action])
        what = what_text(change.kind, change.name, change.service)
        place = f" · {escape(change.source.place)}" if change.source is not None else ""
        owner = f" · {escape(owned_by(change.owners))}" if change.owners else ""
        yield from self._lines(2, what + place + owner, "dim")
        for words in (change.reason, change_standing(change), change.age):
            if words:
                yield from self._lines(2, escape(words))
        for text in change.consequences:
            yield from self._lines(2, f"{IF_REVERTED} {escape(text)}", *(("red",) if change.risk == "high" else ()))
        # The presence or absence of a resource says it all.
        if change.action not in {"create", "delete"} or self.verbose:
            for row in change.fields:
                yield from self._field(row, change)
        yield from self._next_steps(2, change.next_steps)

    def _field(self, row: FieldRow, change: ChangeRow) -> Iterator[str]:
        via = f" ({escape(row.source.via)})" if row.source is not None and row.source.via else ""
        notes = [field_standing(row, change), row.age, escape(row.source.place) + via if row.source is not None else ""]
        notes += [escape(owned_by(row.owners)) or "no owner"] if row.owners != change.owners else []
        comment = "; ".join(note for note in notes if note)
        yield from self._lines(2, f"{escape(row.path)}:{f'  # {comment}' if comment else ''}")
        if row.items is not None:
            if row.items.added:
                yield from self._lines(4, f"only configured: {', '.join(map(literal, row.items.added))}", "green")
            if row.items.removed:
                yield from self._lines(4, f"only live: {', '.join(map(literal, row.items.removed))}", "red")
            if row.items.kept:
                yield from self._lines(4, f"in both: {len(row.items.kept):,}", "dim")
        elif lines := row.lines:
            yield from self._lines(4, "line by line (- live, + configured)", "dim")
            for mark, text in line_texts(lines, limit=self.limit):
                if mark == "…":
                    yield from self._lines(4, f"… {text} unchanged lines", "dim")
                else:
                    style: Style = "green" if mark == "+" else "red" if mark == "-" else "dim"
                    yield from self._lines(4, f"{mark} {text}", style)
        else:
            before, after = both_texts(settled(row.before), settled(row.after), limit=self.limit)
            yield from self._lines(4, f"configured  {after}", "green")
            yield from self._lines(4, f"live        {before}", "red")


def _unverified(number: int) -> str:
    pronoun = "it" if number == 1 else "them"
    return f"{count(number, 'write-only value')} (`reconciler plan --verbose` lists {pronoun})"


def _paths(change: ChangeRow) -> str:
    """Name the fields that differ in an existing resource."""
    if change.action in {"create", "delete"} or not change.fields:
        return ""
    return f" ({', '.join(escape(row.path) for row in change.fields)})"


def drift_chat(drift: DriftFile) -> str:
    """Render a drift as a short chat message without mentions, links, and entities."""
    rows = drift_view(drift)
    environment = f", {shortened(rows.environment, 40)}" if rows.environment else ""
    lines = [f"{_summary(rows)} (account {shortened(rows.account, 40)}{environment})."]
    # Without these, "no drift" would include values that were not compared.
    limits = [*rows.unreadable, *(warning for warning in rows.warnings if warning.code == "not-compared")]
    lines += [f"• {shortened(warning.message, 160)}" for warning in limits[:CHAT_NOT_COMPARED]]
    if len(limits) > CHAT_NOT_COMPARED:
        lines.append(f"• {len(limits) - CHAT_NOT_COMPARED:,} more not compared, or compared in part")
    groups = grouped(rows.changes)  # the most severe first; only a few are named
    for group in groups[:CHAT_LINES]:
        change = group.first
        paths = [shortened(row.path, 40) for row in change.fields] if change.action in {"update", "replace"} else []
        shown = ", ".join(paths[:3]) + (f" and {len(paths) - 3:,} more" if len(paths) > 3 else "")
        details = ", high risk" if change.risk == "high" else ""
        details += f" ({shown})" if shown else f", {shortened(change.reason, 200)}" if change.reason else ""
        alike = f"; {len(group.changes) - 1:,} more like it" if len(group.changes) > 1 else ""
        lines.append(f"• {shortened(change.address, 100)}: {_PHRASES[change.action]}{details}{alike}")
    high = [row for row in rows.settings if row.risk == "high"]
    lines += [f"• {shortened(row.name, 100)} is live and not declared (high risk)" for row in high[:CHAT_SETTINGS]]
    if len(high) > CHAT_SETTINGS:
        lines.append(f"• {len(high) - CHAT_SETTINGS:,} more undeclared settings of high risk")
    more = sum(len(group.changes) for group in groups[CHAT_LINES:])
    lines += [f"… and {more:,} more"] if more else []
    lines += [f"• {pending_text(rows)}"] if rows.pending else []
    return "\n".join(line.replace("://", ":\\u002f/").translate(_CHAT) for line in lines) + "\n"
