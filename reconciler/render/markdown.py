"""Renders plans and drift as Markdown for a pull request or an issue, within the size limit of one comment.

Takes a `PlanFile` or `ChangesView`; returns one string that ends in a newline and stays below `LIMIT`. The verdict
comes first, then deletes, replaces, and high risks. Items that do not fit are counted. Only our own text forms blocks:
every text of the account or of the configuration is in a code span, in a fence, or plain words.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from urllib.parse import quote

from reconciler.change import Action
from reconciler.documents.plan import PlanFile
from reconciler.kinds import kind_noun
from reconciler.lazy_dataclass import dataclass
from reconciler.render.graph import mermaid, needs
from reconciler.render.markdown_text import Repository, Room, cell, code, fence, html_code, prose, shortened, size
from reconciler.render.rows import (
    KNOWN_LATER,
    ChangeRow,
    ChangesView,
    FieldRow,
    NextSteps,
    Nothing,
    Pointer,
    Side,
    SourceRow,
    Unclear,
)
from reconciler.render.standing import baseline_text, change_standing, field_standing, pending_text
from reconciler.render.terminal import escape
from reconciler.render.values import TEXT_LIMIT, both_texts, line_texts, literal, side_text
from reconciler.render.view import plan_view
from reconciler.render.wording import count, example, first_steps, incomplete, owned_by, undeclared, undeclared_advice

LIMIT = 65_536
"""The maximum number of characters of a comment on GitHub, exclusive."""

BUDGET = 63_000
CHANGE_LIMIT = 8_000
"""The size that the difference of one change may have, so that a long one leaves room for others."""
NAMES_LIMIT, RISKY_NAMES_LIMIT = 3_000, 6_000
"""The size that the names of similar changes may have, and of those of high risk; below that of a change."""
NAME_LIMIT = 160
SAME_NAMED = 10
"""The high-risk changes that are named after an effect that they share."""
MARKER_PART = 100
GRAPH_NODES, GRAPH_EDGES, GRAPH_LABEL = 20, 30, 40
FIELD_LINES = 40
"""The lines of the difference of one field that are shown."""

LINE_TEXT_LIMIT = 200
LABEL_LIMIT = 60
"""Characters of a value, and of the name before it: together, they must stay below the limit of a line in a fence."""

_RANK: dict[Action, int] = {"delete": 0, "replace": 1, "update": 2, "create": 2}
_RISK = {"high": 0, "medium": 1, "low": 2}
_RISK_SIGN = {"high": "🔴 high", "medium": "🟠 medium", "low": "low"}
_MARK = {"+": "+", "~": "!", "-/+": "!", "-": "-"}
"""The marks by which a diff fence is colored."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one kind of document: a plan says what will be done, a drift what differs.

    Attributes:
        marker: the start of the hidden marker.
        actions: the word for each action in the table.
        counted: the word for each action after a number.
        section: the heading of the consequences.
        verdict: the headline.
        full: how to see the items that did not fit.
        before: the label of the former side of a field; empty for none.
        after: the label of the configured side; empty for none.
        acts: whether something will be done, so that guards, approvals, and risks matter.
        where: the line below the headline; by default, the account and the counts.
        unmanaged: the title of the undeclared resources, by their number.
        only_in: the labels of an item of a set that is only configured, and of one that is only live.
        tells_reason: whether to show a reason although nothing is done.
    """

    marker: str
    actions: Mapping[Action, str]
    counted: Mapping[Action, str]
    section: str
    verdict: Callable[[ChangesView], str]
    full: str
    before: str = ""
    after: str = ""
    acts: bool = True
    where: Callable[[ChangesView], str] | None = None
    unmanaged: Callable[[int], str] = lambda number: (
        f"{count(number, 'live resource')} that the configuration does not declare"
    )
    only_in: tuple[str, str] = ("", "")
    tells_reason: bool = False

    def describe(self, change: ChangeRow, thing: str) -> str:
        """Say what is done to a thing, or what is different about it."""
        action = self.actions[change.action]
        return f"{action} {thing}" if self.acts else f"{thing}: {action}"


def _verdict(plan: ChangesView) -> str:
    partial = incomplete(len(plan.unreadable))
    if not plan.changes:
        compared = f"{count(plan.counts.no_op, 'resource')} compared, all match the configuration"
        return f"⚠️ {partial}No other changes: {compared}" if partial else f"✅ No changes: {compared}"
    counts = plan.counts
    doing = (
        f"{counts.create:,} to create, {counts.update:,} to update, "
        f"{counts.replace:,} to replace, {counts.delete:,} to delete"
    )
    if plan.refused or plan.refusals:
        return f"⛔ {partial}An apply would refuse this: {doing}"
    high = f"; {plan.high:,} high-risk" if plan.high else ""
    return f"{'⚠️ ' if high or partial else ''}{partial}{doing}{high}"


PLAN = Words(
    marker="reconciler:plan",
    actions={"create": "create", "update": "update", "replace": "replace", "delete": "delete"},
    counted={"create": "to create", "update": "to update", "replace": "to replace", "delete": "to delete"},
    section="Effects",
    verdict=_verdict,
    full="`reconciler show` shows a saved plan in full",
)


def plan_markdown(plan: PlanFile, repository: Repository | None = None) -> str:
    """Render a plan as Markdown.

    Args:
        plan: the plan.
        repository: where the configuration is on the web; None for no links.
    """
    return changes_markdown(plan_view(plan), PLAN, repository)


def changes_markdown(rows: ChangesView, words: Words, repository: Repository | None) -> str:
    """Render rows as Markdown.

    Args:
        rows: the rows of a plan, a drift, or a comparison.
        words: the words for that document.
        repository: where the configuration is on the web; None for no links.
    """
    return _Page(rows, repository, words).text()


@dataclass(frozen=True, slots=True)
class ChangeGroup:
    """Changes that differ only in the names and places of their resources."""

    changes: tuple[ChangeRow, ...]

    @property
    def first(self) -> ChangeRow:
        """The change that is shown for all of them."""
        return self.changes[0]


def grouped(changes: Iterable[ChangeRow]) -> list[ChangeGroup]:
    """Group similar changes: deletes first, then replaces, then by risk, then in their order."""
    found: dict[object, list[ChangeRow]] = {}
    for change in changes:
        found.setdefault(_likeness(change), []).append(change)
    groups = [ChangeGroup(tuple(same)) for same in found.values()]
    return sorted(groups, key=lambda group: (_RANK[group.first.action], _RISK[group.first.risk]))


def _likeness(change: ChangeRow) -> object:
    """Return the key of a group: the parts that are equal in changes that differ only in names and places."""
    if change.action in {"delete", "replace"}:
        return change.address  # each of these is a loss of its own
    name = change.name
    said = tuple(text.replace(name, "…") if len(name) > 2 else text for text in change.consequences)
    # By its repr: values of fields are JSON, which cannot be hashed.
    fields = repr([(row.path, row.before, row.after) for row in change.fields])
    guard = None if change.guard is None else (change.guard.name, change.guard.verdict, change.guard.message)
    return (change.kind, change.service, change.action, change.risk, said, change.reason, guard, fields, change.owners)


class _Differences:
    """The lines of a diff fence for each group of changes."""

    def __init__(self, words: Words) -> None:
        self._words = words

    def block(self, group: ChangeGroup) -> str:
        """The difference of a group, cut if it would leave no room for others."""
        lines = list(self._diff(group))
        taken = Room(CHANGE_LIMIT).take(lines, at_most=CHANGE_LIMIT)
        more = [f"    … {len(lines) - len(taken):,} more lines"] if len(taken) < len(lines) else []
        return "\n".join([*taken, *more])

    def _diff(self, group: ChangeGroup) -> Iterator[str]:
        change = group.first
        kind = kind_noun(change.kind)
        kind += f" {literal(change.name)}" if change.name else ""
        what = self._words.describe(change, shortened(kind, 120))
        yield f"{_MARK[change.mark]} {shortened(change.address, 160)}: {what}"
        # That it differs is obvious from the lines below.
        if change.reason not in {"", "differs"} and (self._words.acts or self._words.tells_reason):
            yield f"    {shortened(change.reason, 160)}"
        if words := change_standing(change):
            yield f"    {words}"
        if change.age:
            yield f"    {change.age}"
        if change.owners:
            yield f"    {shortened(owned_by(change.owners), 160)}"
        if len(group.changes) > 1:
            yield from self._others(group)
        for row in change.fields:
            lines = list(self._field(row, change))
            yield from lines[:FIELD_LINES]
            if len(lines) > FIELD_LINES:
                yield f"      … {len(lines) - FIELD_LINES:,} more lines"
        yield from _steps(change.next_steps)

    def _others(self, group: ChangeGroup) -> Iterator[str]:
        """List the other changes of a group: a reviewer approves each of them. Those that do not fit are counted."""
        others = group.changes[1:]
        limit = RISKY_NAMES_LIMIT if group.first.risk == "high" else NAMES_LIMIT
        named = Room(limit).take((shortened(other.address, NAME_LIMIT) for other in others), at_most=limit)
        yield f"    and {len(others):,} more like it:"
        line = ""
        for name in named:
            if line and len(line) + len(name) > NAME_LIMIT:
                yield f"      {line},"
                line = ""
            line += f", {name}" if line else name
        if line:
            yield f"      {line}"
        if len(named) < len(others):
            yield f"      … {len(others) - len(named):,} more, not named; {self._words.full.replace('`', '')}"

    def _field(self, row: FieldRow, change: ChangeRow) -> Iterator[str]:
        path = shortened(row.path, 120)
        notes = ["forces replacement"] if row.forces_replacement and self._words.acts else []
        notes += [words] if (words := field_standing(row, change)) else []
        notes += [row.age] if row.age else []
        if row.source is not None and change.action != "create":
            via = f" ({shortened(row.source.via, 60)})" if row.source.via else ""
            notes.append(shortened(row.source.place, 80) + via)
        if row.owners != change.owners:
            notes.append(shortened(owned_by(row.owners) or "no owner", 120))
        if row.before_source is not None:
            via = f" ({shortened(row.before_source.via, 60)})" if row.before_source.via else ""
            notes.append(f"was {shortened(row.before_source.place, 80)}{via}")
        note = f"  # {'; '.join(notes)}" if notes else ""
        if row.items is not None:
            files, account = self._words.only_in
            yield f"    {path}:{note}"
            yield from (f"+     {files}{_item(item)}" for item in row.items.added)
            yield from (f"-     {account}{_item(item)}" for item in row.items.removed)
            if row.items.kept:
                yield f"      ({len(row.items.kept):,} unchanged)"
        elif lines := row.lines:
            yield f"    {path}:{note}"
            for mark, line in line_texts(lines, limit=LINE_TEXT_LIMIT):
                yield f"      … {line} unchanged lines" if mark == "…" else f"{mark}     {line}"
        else:
            sides = (row.before, row.after) if self._words.acts else (settled(row.before), settled(row.after))
            before, after = both_texts(*sides, limit=LINE_TEXT_LIMIT)
            unsaid = self._words.acts or bool(change.before_unknown) or change.action == "create"
            shows_before = not (isinstance(row.before, (Nothing, Unclear)) and unsaid)
            shows_after = not (isinstance(row.after, Nothing) and self._words.acts)
            label = f"{path}: "
            if len(label) > LABEL_LIMIT:
                yield f"    {path}:{note}"
                label, note = "  ", ""
            if shows_before:
                yield f"-   {label}{self._words.before}{before}{'' if shows_after else note}"
            if shows_after:
                yield f"+   {label}{self._words.after}{after}{note}"


class _Page:
    """One layout: the order of the blocks, and the space that each may take."""

    def __init__(self, plan: ChangesView, repository: Repository | None, words: Words) -> None:
        self.plan = plan
        self.repository = repository
        self.words = words
        self.room = Room(BUDGET)
        self.groups = grouped(plan.changes)

    def text(self) -> str:
        head = [self._marker(), f"### {self.words.verdict(self.plan)}", self._where()]
        self.room.left -= sum(size(block) + 2 for block in head)
        # The important parts take their space first; the differences get the rest.
        before = [
            *self._irreversible(),
            *self._refusals(),
            *self._findings(),
            *self._guards(),
            *self._approvals(),
            *self._warnings(),
        ]
        after = [
            *self._graph(),
            *self._pending(),
            *self._unmanaged(),
            *self._unlisted(),
            *self._unsearched(),
            *self._left_out(),
        ]
        blocks = [*head, *before, *self._details(), *after]
        return "\n\n".join(blocks) + "\n"

    def _findings(self) -> list[str]:
        """The changes with their effects, and the undeclared settings, which take their space first."""
        settings, changes = self._settings(), [*self._table(), *self._consequences()]
        return [*settings, *changes] if self.plan.settings_first else [*changes, *settings]

    # --- the head -----------------------------------------------------------------------------------------------------

    def _marker(self) -> str:
        """The invisible marker by which a comment is found again: the same for an account and environment."""
        scope = (self.plan.account[:MARKER_PART], self.plan.environment[:MARKER_PART])
        parts = [quote(part, safe="", errors="replace") for part in scope]
        # Two hyphens would end the comment for some readers.
        return f"<!-- {' '.join([self.words.marker, *(part.replace('-', '%2D') for part in parts if part)])} -->"

    def _where(self) -> str:
        plan = self.plan
        if self.words.where is not None:
            return self.words.where(plan)
        environment = f", environment {code(plan.environment)}" if plan.environment else ""
        rest = [
            f"{plan.counts.no_op:,} {'unchanged' if self.words.acts else 'match the configuration'}",
            f"{plan.counts.unmanaged:,} unmanaged",
        ]
        rest += [f"{plan.counts.withheld:,} withheld"] if plan.counts.withheld and self.words.acts else []
        narrowed = ", only in part (--target or --exclude)" if plan.targets or plan.excludes else ""
        baseline = f" Baseline: {baseline_text(plan.baseline)}." if plan.baseline is not None else ""
        undo = f"Undo of {code(plan.undo)}. " if plan.undo else ""
        return f"{undo}Account {code(plan.account)}{environment}{narrowed}: {', '.join(rest)}.{baseline}"

    def _irreversible(self) -> list[str]:
        parts = self.plan.irreversible
        items = (f"- {code(address)}: {prose(message)}" for address, message in parts)
        return self.room.titled("**Cannot be undone:**", items, len(parts), at_most=6_000)

    def _refusals(self) -> list[str]:
        plan = self.plan
        if not self.words.acts or not (plan.refused or plan.refusals):
            return []
        reasons = [f"- Refused: {prose(reason)}" for reason in plan.refusals]
        reasons += [f"- {count(plan.refused, 'change')} refused, as marked below"] if plan.refused else []
        return self.room.titled("**An apply would send nothing:**", reasons, len(reasons), at_most=4_000)

    # --- the table ----------------------------------------------------------------------------------------------------

    def _table(self) -> list[str]:
        if not self.groups:
            return []
        head = ["| Change | Resource | Risk | From |", "|---|---|---|---|"]
        if not self.words.acts:
            head = ["| What | Resource | Service | From |", "|---|---|---|---|"]
        rows = self.room.take(map(self._row, self.groups), at_most=22_000, spare=300)
        missing = Counter(change.action for group in self.groups[len(rows) :] for change in group.changes)
        if missing:
            listed = ", ".join(
                f"{missing[action]:,} {self.words.counted[action]}"
                for action in ("delete", "replace", "update", "create")
                if missing[action]
            )
            rows.append(f"| … | {missing.total():,} more, not listed: {listed} | | |")
        return ["\n".join([*head, *rows])]

    def _row(self, group: ChangeGroup) -> str:
        change = group.first
        what = self.words.describe(change, shortened_kind(change.kind))
        if change.guard is not None and self.words.acts:
            held = "old resource kept" if change.guard.only_delete else change.guard.verdict
            what += f" ({held})"
        where = code(change.address)
        if self.words.tells_reason and change.reason:
            what += f", {prose(change.reason)}"
        if change.name and change.name not in change.address:
            where += f" {code(change.name, 60)}"
        if len(group.changes) > 1:
            where += f" and {len(group.changes) - 1:,} more like it"
        third = "–" if change.is_withheld else _RISK_SIGN[change.risk]
        if not self.words.acts and change.risk == "high":
            what += ", **high risk**"
        if not self.words.acts:
            third = code(change.service, 60) if change.service else "–"
        cells = (f"`{change.mark}` {what}", where, third, self._source(change))
        return f"| {' | '.join(map(cell, cells))} |"

    def _source(self, change: ChangeRow) -> str:
        """Return the place of the resource in the configuration, or otherwise that of its first field."""
        places = [change.source, *(row.source for row in change.fields)]
        source = next((place for place in places if place is not None), None)
        return "–" if source is None else self._place(source)

    def _place(self, source: SourceRow) -> str:
        link = self.repository.link(source.file, source.line) if self.repository is not None else ""
        shown = code(source.place)
        return f"[{shown}]({link})" if link else shown

    # --- lists --------------------------------------------------------------------------------------------------------

    def _consequences(self) -> list[str]:
        if not (self.words.acts or self.words.marker == "reconciler:drift"):
            return []
        said = [(group, text) for group in self.groups for text in group.first.consequences]
        said.sort(key=lambda pair: _RISK[pair[0].first.risk])
        return self.room.titled(f"**{self.words.section}**", map(_consequence, said), len(said), at_most=9_000)

    def _guards(self) -> list[str]:
        if not self.words.acts:
            return []
        held = [(change.address, change.guard) for change in self.plan.changes if change.guard is not None]
        items = (
            f"- {code(address)} {'old resource kept' if guard.only_delete else guard.verdict}: {prose(guard.message)}"
            for address, guard in held
        )
        return self.room.titled("**Refused or withheld by guards**", items, len(held), at_most=6_000)

    def _approvals(self) -> list[str]:
        if not self.words.acts or not self.plan.approvals:
            return []
        options = (escape(f"--approve {shlex.quote(address)}") for address in self.plan.approvals)
        # A line that is cut could not be copied; what is too long for one is counted.
        whole = [option for option in options if len(option) <= TEXT_LIMIT]
        taken = self.room.take(whole, at_most=4_000)
        missing = len(self.plan.approvals) - len(taken)
        more = f" ({missing:,} more, not listed)" if missing else ""
        command = "undo" if self.plan.undo else "apply"
        return [f"To approve, add to `reconciler {command}`{more}:", fence("sh", taken)]

    def _warnings(self) -> list[str]:
        warnings = self.plan.warnings
        items = (
            f"- {warning.label}: {prose(warning.message)}"
            + (f" ({self._place(warning.source)})" if warning.source is not None else "")
            + (f" ({code(warning.where)})" if warning.source is None and warning.where else "")
            + (f" Hint: {prose(warning.hint)}" if warning.hint else "")
            + "".join(f" {code(line)}" for line in warning.fix.splitlines())
            for warning in warnings
        )
        return self.room.titled("**Warnings**", items, len(warnings), at_most=4_000)

    def _pending(self) -> list[str]:
        items = (f"- `{change.mark}` {code(change.address)}" for change in self.plan.pending)
        return self.room.titled(f"**{pending_text(self.plan)}**", items, len(self.plan.pending), at_most=3_000)

    def _unlisted(self) -> list[str]:
        collections = self.plan.unlisted
        items = (f"- {code(collection)}" for collection in collections)
        return self.room.titled(
            "**Undeclared resources not compared** (not pruned)", items, len(collections), at_most=2_000
        )

    def _unsearched(self) -> list[str]:
        collections = self.plan.unsearched
        items = (f"- {code(collection)}" for collection in collections)
        title = "**Not searched for unmanaged resources** (nothing declared)"
        return self.room.titled(title, items, len(collections), at_most=1_000)

    def _unmanaged(self) -> list[str]:
        rows = [(group.kind, row) for group in self.plan.unmanaged for row in group.rows]
        if not rows:
            return []
        items = (
            f"- {shortened_kind(kind)} {code(row.address)}"
            + (f" {code(row.name, 60)}" if row.name else "")
            + (f" ({row.age})" if row.age else "")
            for kind, row in rows
        )
        summary = self.words.unmanaged(len(rows))
        listed = self.room.titled(f"<details><summary>{summary}</summary>", items, len(rows), at_most=5_000)
        kind, first = example(self.plan.unmanaged)
        return [*listed, *self._example(first.next_steps, len(rows), shortened_kind(kind)), "</details>"]

    def _settings(self) -> list[str]:
        """The undeclared settings, the gravest first."""
        settings = self.plan.settings
        if not settings:
            return []
        items = (
            f"- {_RISK_SIGN[row.risk]} {code(row.name)}: {code(side_text(settled(row.value), limit=LINE_TEXT_LIMIT))}"
            + (f" {prose(row.meaning)}" if row.risk == "high" else "")
            + (f" ({row.age})" if row.age else "")
            for row in settings
        )
        title = f"**{undeclared(len(settings)).capitalize()}**"
        example = self._example(settings[0].next_steps, len(settings), "setting")
        return [*self.room.titled(title, items, len(settings), at_most=6_000), undeclared_advice(settings), *example]

    def _example(self, steps: NextSteps, number: int, noun: str) -> list[str]:
        """Say what to do about one of several findings: commands and YAML, in blocks that can be copied whole."""
        escaped = ((name, escape(text)) for name, text in steps)
        known = [(name, text) for name, text in escaped if len(text) <= TEXT_LIMIT]
        blocks: list[str] = []
        for language in ("", "sh", "yaml"):
            lines = (
                f"- {name}: {prose(text)}" if not language else f"# {name}\n{text}"
                for name, text in known
                if _language(name, text) == language
            )
            if taken := self.room.take(lines, at_most=1_000):
                body = "\n".join(taken)
                blocks.append(fence(language, body.split("\n")) if language else body)
        return [first_steps(number, noun), *blocks] if blocks else []

    def _graph(self) -> list[str]:
        """The dependency graph, if it is small enough to be understood at a glance."""
        if not self.words.acts or len(self.plan.changes) > GRAPH_NODES:
            return []
        drawn = needs(self.plan.changes)
        if not drawn.edges or len(drawn.nodes) > GRAPH_NODES or len(drawn.edges) > GRAPH_EDGES:
            return []
        # Not by `fence`, which would cut Mermaid's lines. They contain no backtick that could close it.
        block = f"```mermaid\n{mermaid(drawn, limit=GRAPH_LABEL)}```"
        needed = size(block) + 200
        if needed > self.room.left // 2:
            return []
        self.room.left -= needed
        return ["<details><summary>Dependencies</summary>", block, "</details>"]

    def _left_out(self) -> list[str]:
        addresses = self.plan.left_out
        items = (f"- {code(address)}" for address in addresses)
        return self.room.titled(
            f"**Omitted: {count(len(addresses), 'resource')}**", items, len(addresses), at_most=2_000
        )

    # --- differences --------------------------------------------------------------------------------------------------

    def _details(self) -> list[str]:
        """A collapsed block for each service, in the order of the table, until the room is used up."""
        services: dict[str, list[ChangeGroup]] = {}
        for group in self.groups:
            services.setdefault(group.first.service, []).append(group)
        blocks: list[str] = []
        missing: list[ChangeGroup] = []
        for position, (service, groups) in enumerate(services.items()):
            # Each block may take half of the room that is left, the last one all of it.
            last = position == len(services) - 1
            frame = 400 + size(html_code(service))
            allowed = (self.room.left - frame - 400) if last else (self.room.left - frame - 400) // 2
            taken = self.room.take(map(_Differences(self.words).block, groups), at_most=allowed)
            missing += groups[len(taken) :]
            if not taken:
                continue
            title = f"Service {html_code(service)}" if service else "Account"
            number = sum(len(group.changes) for group in groups)
            noun = "change" if self.words.acts else "difference"
            cut = f", {len(taken):,} of {count(len(groups), 'group')} shown" if len(taken) < len(groups) else ""
            self.room.left -= frame
            lines = "\n\n".join(taken).split("\n")
            summary = f"<details><summary>{title}: {count(number, noun)}{cut}</summary>"
            blocks += [summary, fence("diff", lines), "</details>"]
        if missing:
            number = sum(len(group.changes) for group in missing)
            blocks.append(f"The details of {number:,} more do not fit; {self.words.full}.")
        return blocks


def settled(side: Side) -> Side:
    """Reword a side for a document that will not be applied."""
    match side:
        case Pointer():
            return replace(side, pending=False)
        case Unclear(reason=reason) if reason == KNOWN_LATER:
            return Unclear("it does not exist yet")
        case _:
            return side


def shortened_kind(kind: str) -> str:
    """The noun of a kind: a known one as plain words, anything else as code."""
    bare = kind_noun(kind)
    return bare if bare.isascii() and bare.replace(" ", "").isalpha() and len(bare) < 40 else code(kind, 40)


def _item(item: str) -> str:
    return shortened(literal(item), TEXT_LIMIT) if len(item) > TEXT_LIMIT else literal(item)


def _language(name: str, text: str) -> str:
    """Return the language of a command or of YAML that resolves a finding; empty for a sentence."""
    return "" if name == "by hand" else "sh" if text.startswith("reconciler ") else "yaml"


def _steps(steps: NextSteps) -> Iterator[str]:
    """The ways out of a finding. One that does not fit in a line is left out: it could not be copied."""
    for name, text in steps:
        line = f"    {name}: {escape(text)}"
        if len(line) <= TEXT_LIMIT:
            yield line


def _consequence(said: tuple[ChangeGroup, str]) -> str:
    group, text = said
    others = group.changes[1:]
    more = f" The same applies to {len(others):,} more." if others else ""
    if others and group.first.risk == "high" and len(others) <= SAME_NAMED:
        more = f" The same applies to {', '.join(code(other.address) for other in others)}."
    risk = "**High risk** " if group.first.risk == "high" else ""
    return f"- {risk}{code(group.first.address)}: {prose(text)}{more}"
