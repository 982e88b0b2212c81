"""Renders plans as text for a terminal or a log, in the style of Terraform.

Takes a `PlanFile` or `ChangesView`; returns one string that ends in a newline and contains no control characters except
newlines and, if asked for, our own colors. Lays out the rows; decides nothing about them but their length.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Sequence

from reconciler.documents.plan import PlanFile
from reconciler.kinds import kind_noun
from reconciler.lazy_dataclass import dataclass
from reconciler.render.line_diff import DiffLine
from reconciler.render.rows import (
    ChangeRow,
    ChangesView,
    FieldRow,
    GuardRow,
    NextSteps,
    Nothing,
    SetDiff,
    SourceRow,
    Unclear,
    UnmanagedGroup,
    WarningRow,
)
from reconciler.render.standing import baseline_text, change_standing, field_standing
from reconciler.render.terminal import Paint, Style, cells, escape, wrap
from reconciler.render.values import TEXT_LIMIT, both_texts, line_texts, literal, quoted, what_text
from reconciler.render.view import plan_view
from reconciler.render.wording import ONLY_DEFAULT, count, example, first_steps, incomplete, is_only_default, not_listed

DIFF_LINES = 40
"""The lines of a text's difference that are shown without --verbose."""
FIRST_UNMANAGED = 3
FIRST_LEFT_OUT = 5
WIDEST_LABEL = 36
NARROWEST = 40

COLOURS: dict[str, tuple[Style, ...]] = {
    "+": ("green",), "~": ("yellow",), "-": ("red",), "-/+": ("red",), "↩": ("yellow",)
}  # fmt: skip

_ALARM: tuple[Style, ...] = ("bold", "red")
_BODY = 6
_DEEP = 10
FIX_LINES = 13
"""The lines of YAML that are shown below a guard: three levels and ten entries."""


@dataclass(frozen=True, slots=True)
class PageWords:
    """The sentences of one kind of document.

    Attributes:
        head: the line above the changes.
        nothing: the line that replaces them if there are none.
        unmanaged: the title of the undeclared resources, by their number.
        verdict: the summary line.
    """

    head: Callable[[ChangesView], str]
    nothing: Callable[[ChangesView], str]
    unmanaged: Callable[[int], str]
    verdict: Callable[[ChangesView], str]


def plan_text(plan: PlanFile, *, colour: bool, width: int, verbose: bool = False) -> str:
    """Render a plan as text.

    Args:
        plan: the plan.
        colour: whether to use colors.
        width: the number of columns; at least 40 are used.
        verbose: whether to show full output: long values, and every unmanaged resource.
    """
    return changes_text(plan_view(plan), _PLAN, colour=colour, width=width, verbose=verbose)


def changes_text(rows: ChangesView, words: PageWords, *, colour: bool, width: int, verbose: bool) -> str:
    """Render the rows of a plan or a comparison as text; see `plan_text`.

    Args:
        rows: the rows.
        words: the sentences around them.
        colour: whether to use colors.
        width: the number of columns.
        verbose: whether to show full output.
    """
    page = _Page(Paint(colour), max(width, NARROWEST), words, verbose=verbose)
    return "\n".join(page.plan(rows)) + "\n"


@dataclass(frozen=True, slots=True)
class _Value:
    """A paragraph of a field: a hanging bullet and wrapped text."""

    text: str
    bullet: str = ""
    styles: tuple[Style, ...] = ()


class _Page:
    """One layout: colors, width, and verbosity."""

    def __init__(self, paint: Paint, width: int, words: PageWords, *, verbose: bool) -> None:
        self.paint = paint
        self.words = words
        self.width = width
        self.verbose = verbose
        self.explained: set[tuple[str, str]] = set()
        self.omitted = 0
        self.limit = 0 if verbose else TEXT_LIMIT
        # Values begin in the left half of the page, or below a label that is too long.
        self.widest_label = min(WIDEST_LABEL, width // 2 - _BODY - 3)

    def plan(self, plan: ChangesView) -> list[str]:
        lines: list[str] = []
        if plan.changes:
            lines += [self.paint(line, "bold") for line in wrap(self.words.head(plan), self.width)]
            lines += self._irreversible(plan)
            for change in plan.changes:
                lines += ["", *self._change(change)]
        else:
            lines += wrap(self.words.nothing(plan), self.width)
            lines += self._irreversible(plan)
        for section in (
            self._left_out(plan),
            self._unverified(plan),
            self._unmanaged(plan.unmanaged),
            wrap(not_listed([*map(escape, plan.unlisted)], verbose=self.verbose), self.width) if plan.unlisted else [],
            wrap(
                f"Not searched for unmanaged resources: {', '.join(map(escape, plan.unsearched))} (nothing declared)",
                self.width,
            )
            if plan.unsearched
            else [],
            self._warnings(plan.warnings),
        ):
            lines += ["", *section] if section else []
        if plan.changes:
            lines += ["", *self._verdict(plan)]
        return lines

    def _irreversible(self, plan: ChangesView) -> list[str]:
        """List what remains different permanently, before everything else."""
        if not plan.irreversible:
            return []
        lines = ["", self.paint("Cannot be undone:", *_ALARM)]
        for address, message in plan.irreversible:
            lines += self._paragraph(4, _Value(f"{escape(address)}: {escape(message)}", "! "))
        return lines

    def _paragraph(self, indent: int, value: _Value) -> list[str]:
        text = value.bullet + value.text
        if text.isascii() and indent + len(text) <= self.width:
            return [" " * indent + self.paint(text, *value.styles)]
        lines = wrap(value.text, self.width - indent - len(value.bullet))
        bullets = [value.bullet] + [" " * len(value.bullet)] * (len(lines) - 1)
        return [
            " " * indent + self.paint(bullet + line, *value.styles) for bullet, line in zip(bullets, lines, strict=True)
        ]

    # --- one change ---------------------------------------------------------------------------------------------------

    def _change(self, change: ChangeRow) -> list[str]:
        suffix = ""
        if change.guard is not None and not change.guard.only_delete:
            suffix = f" ({change.guard.verdict})"
        lines = [" " * 4 + self.paint(line, "bold") for line in wrap(escape(change.address), self.width - 16)]
        lines[0] = self.paint(f"{change.mark:>3}", *COLOURS[change.mark]) + lines[0][3:]
        lines[-1] += self.paint(suffix, "bold", "red" if "refused" in suffix else "yellow")
        lines += self._about(change)
        labels = [cells(escape(row.path)) for row in change.fields]
        pad = max((length for length in labels if length <= self.widest_label), default=0)
        for row in change.fields:
            lines += self._field(row, change, pad)
        for consequence in change.consequences:
            bullet = "! " if change.risk == "high" else "* "
            styles: tuple[Style, ...] = _ALARM if change.risk == "high" else ()
            lines += self._paragraph(_BODY, _Value(escape(consequence), bullet, styles))
        if change.guard is not None:
            lines += self._guard(change.guard, change.approval)
            lines += self._ways_out(change, change.guard)
        return lines

    def _ways_out(self, change: ChangeRow, guard: GuardRow) -> list[str]:
        """Return the ways out of a guard, for the first of the changes that it stops."""
        # One command at the end gives every approval.
        steps = tuple(step for step in change.next_steps if not (guard.approval and step[0] == "approve"))
        if not steps or ((guard.name, guard.verdict) in self.explained and not self.verbose):
            self.omitted += 1 if steps else 0
            return []
        self.explained.add((guard.name, guard.verdict))
        return self._steps(_DEEP, steps)

    def _steps(self, indent: int, steps: NextSteps) -> list[str]:
        """Return ways out, each on one line so that it can be copied."""
        return [f"{' ' * indent}{self.paint(f'{name}:', 'dim')} {escape(text)}" for name, text in steps]

    def _about(self, change: ChangeRow) -> list[str]:
        """Return the kind, name, reason, and place, with the risk first, in color."""
        parts = [what_text(change.kind, change.name, change.service), escape(change.reason), change_standing(change)]
        if change.former_side:
            parts.append(f"before: {escape(change.former_side)}")
        parts += [_source(change.source), "" if change.sid in change.address else escape(change.sid)]
        risk = "" if change.risk == "low" else f"{change.risk} risk"
        first, *rest = wrap(" · ".join(part for part in [risk, *parts] if part), self.width - _BODY)
        coloured = self.paint(first[: len(risk)], *_RISK_STYLES[change.risk]) + self.paint(first[len(risk) :], "dim")
        return [" " * _BODY + line for line in [coloured, *(self.paint(line, "dim") for line in rest)]]

    def _guard(self, guard: GuardRow, approval: str) -> list[str]:
        verdict = "the old resource is kept" if guard.only_delete else guard.verdict
        text = f"{verdict}: {escape(guard.message)}"
        if guard.approval and "--approve" not in guard.message:
            text += f"; approve it with {_approve([approval])}"
        lines = self._paragraph(_BODY, _Value(text, "! ", _VERDICT_STYLES[guard.verdict]))
        fix = guard.fix.splitlines()
        shown = fix if self.verbose else fix[:FIX_LINES]
        lines += [" " * _DEEP + escape(line) for line in shown]
        if len(shown) < len(fix):
            more = f"… {len(fix) - len(shown):,} more lines (--verbose shows them)"
            lines.append(" " * _DEEP + self.paint(more, "dim"))
        return lines

    # --- one field ----------------------------------------------------------------------------------------------------

    def _field(self, row: FieldRow, change: ChangeRow, pad: int) -> list[str]:
        path = escape(row.path)
        label = f"{path}:".ljust(pad + 1)
        lead = f"{' ' * _BODY}{self.paint(row.mark, *COLOURS[row.mark])} {label}"
        column = _BODY + 3 + cells(label)
        comment = _comment(row, change)
        if row.items is None and (lines := row.lines):
            return [*self._commented(lead.rstrip(), column - 1, comment, _DEEP), *self._diff(lines)]
        values = self._items(row.items, row) if row.items is not None else self._sides(row, change, column)
        # Two long texts are easier to compare below each other, over the whole width.
        breaks = row.items is None and any(cells(it.bullet + it.text) > self.width - column for it in values)
        if cells(path) > self.widest_label or breaks:
            # Only a field of a hostile file can be longer than the page.
            long = self._paragraph(_BODY, _Value(f"{path}:", f"{row.mark} "))
            head = self._commented(lead.rstrip(), column - 1, comment, _DEEP) if column <= self.width else long
            return [*head, *(line for value in values for line in self._paragraph(_DEEP, value))]
        first, *rest = (line for value in values for line in self._paragraph(column, value))
        ends_at = _end(values[0], column, self.width)
        line = f"{lead} {first[column:]}"
        if comment and ends_at + 2 + cells(comment) > self.width:
            return [line, *rest, *self._commented("", self.width, comment, column)[1:]]
        return [*self._commented(line, ends_at, comment, column), *rest]

    def _commented(self, line: str, ends_at: int, comment: str, indent: int) -> list[str]:
        """Put a comment at the end of a line, or below it if there is no room."""
        if not comment:
            return [line]
        if ends_at + 2 + cells(comment) <= self.width:
            return [f"{line}  {self._dim_comment(comment)}"]
        return [line, *(" " * indent + self._dim_comment(part) for part in wrap(comment, self.width - indent))]

    def _dim_comment(self, comment: str) -> str:
        head = "# forces replacement"
        if comment.startswith(head):
            return self.paint(head, "red") + self.paint(comment[len(head) :], "dim")
        return self.paint(comment, "dim")

    def _items(self, items: SetDiff, row: FieldRow) -> list[_Value]:
        """Return a set: all items if it is new or removed, the added and removed ones if it changes."""
        added, removed = _listed(items.added), _listed(items.removed)
        if isinstance(row.before, (Nothing, Unclear)):
            return [_Value(added or "(empty)")]
        if isinstance(row.after, Nothing):
            return [_Value(f"{removed or '(empty)'} → (none)")]
        values = [_Value(added, "+ ", COLOURS["+"])] if added else []
        values += [_Value(removed, "- ", COLOURS["-"])] if removed else []
        values += [_Value(f"({len(items.kept)} unchanged)", "  ", ("dim",))] if items.kept else []
        return values or [_Value("(empty)")]

    def _sides(self, row: FieldRow, change: ChangeRow, column: int) -> list[_Value]:
        before, after = both_texts(row.before, row.after, limit=self.limit)
        if change.action == "delete" and isinstance(row.after, Nothing):
            return [_Value(before)]
        if isinstance(row.before, Nothing) or change.action == "create" or change.before_unknown:
            return [_Value(after)]
        line = f"{before} → {after}"
        if column + cells(line) <= self.width:
            return [_Value(line)]
        return [_Value(before, "- ", COLOURS["-"]), _Value(after, "+ ", COLOURS["+"])]

    def _diff(self, lines: Sequence[DiffLine]) -> list[str]:
        shown = lines if self.verbose else lines[:DIFF_LINES]
        page: list[str] = []
        for mark, text in line_texts(shown, limit=self.limit):
            if mark == "…":
                page.append(" " * _DEEP + self.paint(f"… {text} unchanged lines", "dim"))
                continue
            page += self._paragraph(_DEEP, _Value(text, f"{mark} ", COLOURS.get(mark, ("dim",))))
        if len(shown) < len(lines):
            page.append(
                " " * _DEEP + self.paint(f"… {len(lines) - len(shown)} more lines (--verbose shows them)", "dim")
            )
        return page

    # --- around the changes -------------------------------------------------------------------------------------------

    def _unverified(self, plan: ChangesView) -> list[str]:
        """Return the write-only values, in one line: every plan has it, and it must not become noise."""
        if not plan.unverified:
            return []
        if not self.verbose:
            verb, them = ("was", "it") if len(plan.unverified) == 1 else ("were", "them")
            sentence = f"{count(len(plan.unverified), 'write-only value')} {verb} not compared"
            return wrap(f"{sentence} (--verbose lists {them}; --rotate ADDRESS sends {them} again).", self.width)
        lines = ["Write-only values that were not compared (--rotate ADDRESS sends them again):"]
        return [*lines, *(f"    {escape(item)}" for item in plan.unverified)]

    def _left_out(self, plan: ChangesView) -> list[str]:
        if not plan.left_out:
            return []
        narrowed = " ".join(
            [f"--target {shlex.quote(escape(address))}" for address in plan.targets]
            + [f"--exclude {shlex.quote(escape(address))}" for address in plan.excludes]
        )
        title = f"Omitted{f' by {narrowed}' if narrowed else ''}: {count(len(plan.left_out), 'resource')}"
        shown = plan.left_out if self.verbose else plan.left_out[:FIRST_LEFT_OUT]
        lines = [*wrap(title, self.width)]
        for address in shown:
            lines += self._paragraph(4, _Value(escape(address), styles=("dim",)))
        if len(shown) < len(plan.left_out):
            lines.append(f"    … {len(plan.left_out) - len(shown)} more (--verbose shows them)")
        return lines

    def _unmanaged(self, groups: Sequence[UnmanagedGroup]) -> list[str]:
        if not groups:
            return []
        if is_only_default(groups) and not self.verbose:
            return wrap(ONLY_DEFAULT, self.width)
        total = sum(len(group.rows) for group in groups)
        lines = wrap(self.words.unmanaged(total), self.width)
        for group in groups:
            shown = group.rows if self.verbose else group.rows[:FIRST_UNMANAGED]
            lines += self._paragraph(2, _Value(f"{escape(kind_noun(group.kind))}: {len(group.rows):,}"))
            for row in shown:
                name = f" {quoted(row.name)}" if row.name else ""
                sid = "" if row.sid in row.address or not row.sid.isalnum() else f" {escape(row.sid)}"
                lines += self._paragraph(4, _Value(escape(row.address) + name + sid, styles=("dim",)))
            if len(shown) < len(group.rows):
                more = len(group.rows) - len(shown)
                lines.append("    " + self.paint(f"… {more:,} more (--verbose shows them)", "dim"))
        kind, first = example(groups)
        if first.next_steps:
            lines += [f"  {first_steps(total, kind_noun(kind))}", *self._steps(4, first.next_steps)]
        return lines

    def _warnings(self, warnings: Iterable[WarningRow]) -> list[str]:
        lines: list[str] = []
        for warning in warnings:
            text = f"{warning.label}: {escape(warning.message)}"
            text += f" ({escape(warning.where)})" if warning.where else ""
            lines += self._paragraph(0, _Value(text, styles=("dim" if warning.severity == "notice" else "yellow",)))
            lines += self._paragraph(2, _Value(escape(warning.hint))) if warning.hint else []
            # Not wrapped, so that it can be copied.
            lines += [f"    {escape(line)}" for line in warning.fix.splitlines()]
        return lines

    def _verdict(self, plan: ChangesView) -> list[str]:
        lines = [self.paint(line, "bold") for line in wrap(self.words.verdict(plan), self.width)]
        if plan.high:
            text = f"{count(plan.high, 'high-risk change')}."
            lines += self._paragraph(0, _Value(text, styles=_ALARM))
        if plan.refused or plan.refusals:
            lines += self._paragraph(0, _Value("A guard refuses this plan, so an apply sends nothing:", styles=_ALARM))
            refused = [f"{count(plan.refused, 'change')} refused, as marked above"] if plan.refused else []
            for reason in [*map(escape, plan.refusals), *refused]:
                lines += self._paragraph(2, _Value(reason, "! ", _ALARM))
        if self.omitted:
            same = f"{count(self.omitted, 'more change')} with the same options (--verbose shows them)."
            lines += self._paragraph(0, _Value(f"{same} `reconciler docs troubleshooting` explains each guard."))
        # Commands are never wrapped, so that they can be copied.
        is_offered = plan.apply_command and not plan.refusals and plan.refused == len(plan.approvals)
        if is_offered:
            title = "To approve and apply:" if plan.approvals else "To apply:"
            lines += [title, f"  {escape(plan.apply_command)}"] if _is_sending(plan) else []
        elif plan.approvals:
            lines += [f"To approve, add to `{_command(plan)}`:", f"  {_approve(plan.approvals)}"]
        if plan.accept_command:
            lines += [
                f"To write the account's values into the configuration{' instead' if is_offered else ''}:",
                f"  {escape(plan.accept_command)}",
            ]
        elif plan.by_hand:
            lines += self._paragraph(
                0, _Value("No command writes the account's values into the configuration. By hand:")
            )
            for why in plan.by_hand[:_MOST_OMITTED]:
                lines += self._paragraph(2, _Value(escape(why)))
            if (more := len(plan.by_hand) - _MOST_OMITTED) > 0:
                lines += self._paragraph(2, _Value(f"… and {more:,} more, which `reconciler drift` lists"))
        if plan.accept_omits:
            names = ", ".join(map(escape, plan.accept_omits[:_MOST_OMITTED]))
            more = len(plan.accept_omits) - _MOST_OMITTED
            listed = names + (f", and {more:,} more" if more > 0 else "")
            lines += self._paragraph(0, _Value(f"That leaves out {listed}. `reconciler drift` shows the options."))
        return lines


_MOST_OMITTED = 3
_RISK_STYLES: dict[str, tuple[Style, ...]] = {"low": (), "medium": ("yellow",), "high": _ALARM}
_VERDICT_STYLES: dict[str, tuple[Style, ...]] = {"refused": _ALARM, "withheld": ("yellow",)}


def _where(plan: ChangesView) -> str:
    environment = f", environment {escape(plan.environment)}" if plan.environment else ""
    account = f"account {escape(plan.account)}{environment}{_baseline(plan)}"
    return f"Undo of {escape(plan.undo)}, {account}" if plan.undo else account[0].upper() + account[1:]


def _baseline(plan: ChangesView) -> str:
    return "" if plan.baseline is None else f", baseline: {baseline_text(plan.baseline)}"


def _nothing_to_do(plan: ChangesView) -> str:
    environment = f", environment {escape(plan.environment)}," if plan.environment else ""
    compared = count(plan.counts.no_op, "resource")
    scope = "The selected part of account" if plan.targets or plan.excludes else "Account"
    partial = incomplete(len(plan.unreadable))
    if plan.undo:
        if plan.undoes_nothing:
            return f"Nothing to undo: the apply of {escape(plan.undo)} changed nothing."
        rest = ", except for what cannot be undone" if plan.irreversible else ""
        account = f"Account {escape(plan.account)}{environment} is as before the apply of {escape(plan.undo)}"
        return f"{partial}Nothing to undo. {account}{rest}."
    if partial:
        scope = f"The part of account {escape(plan.account)}{environment} that could be read"
        verdict = f"{partial}No other changes. {scope} matches the configuration"
    else:
        verdict = f"No changes. {scope} {escape(plan.account)}{environment} matches the configuration"
    return f"{verdict} ({compared} compared, {plan.counts.unmanaged:,} unmanaged{_baseline(plan)})."


def _unmanaged_title(number: int) -> str:
    return f"Unmanaged: {count(number, 'live resource')} that the configuration does not declare; left alone."


def _counted(plan: ChangesView) -> str:
    counts = plan.counts
    doing = (
        f"{counts.create:,} to create, {counts.update:,} to update, "
        f"{counts.replace:,} to replace, {counts.delete:,} to delete"
    )
    rest = [f"{counts.no_op:,} unchanged", f"{counts.unmanaged:,} unmanaged"]
    rest += [f"{counts.withheld:,} withheld"] if counts.withheld else []
    return f"{incomplete(len(plan.unreadable))}Plan: {doing}; {', '.join(rest)}."


_PLAN = PageWords(head=_where, nothing=_nothing_to_do, unmanaged=_unmanaged_title, verdict=_counted)


def _is_sending(plan: ChangesView) -> bool:
    """Whether an apply with every approval would change something."""
    return any(not change.is_withheld for change in plan.changes)


def _command(plan: ChangesView) -> str:
    return "reconciler undo" if plan.undo else "reconciler apply"


def _approve(addresses: Iterable[str]) -> str:
    return " ".join(f"--approve {escape(shlex.quote(address))}" for address in addresses)


def _source(source: SourceRow | None) -> str:
    if source is None:
        return ""
    via = f" ({escape(source.via)})" if source.via else ""
    return escape(source.place) + via


def _comment(row: FieldRow, change: ChangeRow) -> str:
    """Return the comment after a field: a forced replacement, its relation to the baseline, and its place.

    Names only what the place of the resource does not say: another file, another source such as a variable, or the
    line if only some fields change.
    """
    parts = ["forces replacement"] if row.forces_replacement else []
    parts += [words] if (words := field_standing(row, change)) else []
    if row.source is not None:
        own = change.source
        same_file = own is not None and own.file == row.source.file
        same_way = own is not None and own.via == row.source.via
        everything_is_new = change.action == "create" or bool(change.before_unknown)
        if not (everything_is_new and same_file and same_way):
            place = f"line {row.source.line}" if same_file and row.source.line else escape(row.source.place)
            via = f" ({escape(row.source.via)})" if row.source.via and not same_way else ""
            parts.append(place + via)
    if row.before_source is not None:
        was, own = row.before_source, change.source
        place = f"line {was.line}" if own is not None and own.file == was.file and was.line else escape(was.place)
        parts.append(f"was {place}" + (f" ({escape(was.via)})" if was.via else ""))
    return f"# {'; '.join(parts)}" if parts else ""


def _listed(items: Sequence[str]) -> str:
    return ", ".join(literal(item) for item in items)


def _end(value: _Value, column: int, width: int) -> int:
    """Return the column at which the first line of a value ends."""
    return column + len(value.bullet) + cells(wrap(value.text, width - column - len(value.bullet))[0])
