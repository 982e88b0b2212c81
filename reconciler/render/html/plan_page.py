"""Renders plans, drift, and comparisons as HTML pages: the verdict, the effects, and both sides of every change.

Takes documents; returns one string. Deletes come first, then replaces, then by risk, then in the document's order.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from reconciler.change import Action
from reconciler.documents.comparison import ComparisonFile
from reconciler.documents.drift import DriftFile
from reconciler.documents.plan import PlanFile
from reconciler.kinds import kind_noun
from reconciler.lazy_dataclass import dataclass
from reconciler.render.graph import needs
from reconciler.render.html.drawing import drawing
from reconciler.render.html.frame import (
    OPEN_UP_TO,
    SIGNS,
    Facet,
    Verdict,
    addresses,
    bullets,
    counts,
    document,
    facet,
    filters,
    folded,
    legend,
    listed,
    next_steps,
    place,
    section,
    timeline,
    unmanaged,
    warnings,
)
from reconciler.render.html.markup import Html, join, prose, tag, text
from reconciler.render.html.sides import field, side
from reconciler.render.markdown import ChangeGroup, grouped, settled
from reconciler.render.markdown_text import Repository
from reconciler.render.rows import ChangeRow, ChangesView, FieldRow, SourceRow
from reconciler.render.standing import baseline_text, change_standing, field_standing, pending_text
from reconciler.render.terminal import escape
from reconciler.render.view import comparison_view, drift_view, plan_view
from reconciler.render.wording import IF_REVERTED, count, incomplete, owned_by, undeclared, undeclared_advice

FIRST_MEANINGS = 20
"""The number of effects that are shown at once; the others are folded."""

_RISKS = (("high", "high"), ("medium", "medium"), ("low", "low"))
_ORDER: tuple[Action, ...] = ("delete", "replace", "update", "create")


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one kind of page: a plan says what will be done, a drift what differs.

    Attributes:
        page: ``plan``, ``drift``, or ``diff``.
        noun: the noun for an item of the list.
        facet: the title of the filter by action.
        actions: the first word of an item, by action.
        labels: the choices of the filter by action.
        heads: the headings of the two sides of a field.
        signs: their signs, as the style has them.
        acts: whether something will be done, so that guards, approvals, and risks matter.
        found: the labels of the counts of changed, new, and removed resources.
        equal: the label of the count of equal resources.
        unmanaged: the label of the count of undeclared resources, and the heading of their section.
        left: the sentence below that heading, by their number.
    """

    page: str
    noun: str
    facet: str
    actions: Mapping[Action, str]
    labels: Mapping[Action, str]
    heads: tuple[str, str]
    acts: bool
    signs: tuple[str, str] = ("−", "+")
    found: tuple[str, str, str] = ("different", "missing", "to be deleted")
    equal: str = "unchanged"
    unmanaged: tuple[str, str] = ("unmanaged", "Unmanaged")
    left: Callable[[int], str] = lambda number: (
        f"{count(number, 'live resource')} that the configuration does not declare; left alone."
    )


_PLAN = _Words(
    page="plan",
    noun="change",
    facet="Action",
    actions={"create": "create", "update": "update", "replace": "replace", "delete": "delete"},
    labels={"create": "create", "update": "update", "replace": "replace", "delete": "delete"},
    heads=("Live", "After the apply"),
    acts=True,
)
_DRIFT = _Words(
    page="drift",
    noun="difference",
    facet="What",
    actions={"create": "missing", "update": "differs", "replace": "differs", "delete": "to be deleted"},
    labels={
        "create": "missing",
        "update": "differs",
        "replace": "differs, cannot be changed",
        "delete": "to be deleted",
    },
    heads=("Live", "Configured"),
    signs=("●", "○"),  # what is live was not removed
    acts=False,
    equal="match the configuration",
)
_BECOMES = replace(
    _PLAN,
    page="diff",
    heads=("First configuration", "Second configuration"),
    equal="unchanged",
    unmanaged=("no longer managed", "No longer managed"),
    left=lambda number: f"{count(number, 'resource')} that only the first declares; the account keeps them.",
)
_REMOVES = replace(
    _BECOMES,
    unmanaged=("no longer declared", "No longer declared"),
    left=lambda number: (
        f"{count(number, 'resource')} that only the first declares; with the ledger, an apply removes them as the plan "
        "shows."
    ),
)
_DIFFERS = replace(
    _DRIFT,
    page="diff",
    signs=_PLAN.signs,
    actions={"create": "only in the second", "update": "differs", "replace": "differs", "delete": "absent"},
    labels={"create": "only in the second", "update": "differs", "replace": "differs", "delete": "absent"},
    heads=("First configuration", "Second configuration"),
    found=("different", "only in the second", "absent in the second"),
    equal="unchanged",
    unmanaged=("only in the first", "Only in the first"),
    left=lambda number: f"{count(number, 'resource')} that the second does not declare.",
)


def plan_html(plan: PlanFile, repository: Repository | None = None) -> str:
    """Render a plan as an HTML page.

    Args:
        plan: the plan.
        repository: where the configuration is on the web; None for no links.
    """
    rows = plan_view(plan)
    return _Page(rows, repository, _PLAN).document(_plan_verdict(rows))


def drift_html(drift: DriftFile, repository: Repository | None = None) -> str:
    """Render a drift as an HTML page; see `plan_html`."""
    # With search and filters, nothing has to be left out.
    rows = drift_view(drift, nested=True)
    return _Page(rows, repository, _DRIFT).document(_drift_verdict(rows))


def comparison_html(found: ComparisonFile, repository: Repository | None = None) -> str:
    """Render a comparison as an HTML page; the repository is that of the second configuration."""
    rows = comparison_view(found)
    words = _REMOVES if found.removes else _BECOMES if found.one_account else _DIFFERS
    return _Page(rows, repository, words).document(_comparison_verdict(found, rows))


# --- verdicts --------------------------------------------------------------------------------------------------------


def _plan_verdict(plan: ChangesView) -> Verdict:
    number = len(plan.changes)
    lead: list[str] = []
    held = all(change.is_withheld for change in plan.changes)
    if plan.unreadable:
        lead.append(incomplete(len(plan.unreadable)).rstrip())
    if not number:
        tone, headline = ("careful", "Incomplete, no other changes") if plan.unreadable else ("good", "No changes")
        lead.append(f"{count(plan.counts.no_op, 'resource')} compared; all match the configuration.")
    elif plan.refused or plan.refusals:
        tone, headline = "bad", "An apply would refuse this plan"
        lead.append("It would send nothing until the items below are resolved.")
    elif held:
        tone, headline = "plain", f"Nothing would be sent: {count(number, 'change')} withheld"
    elif plan.high:
        tone, headline = "careful", _high(plan.high, number)
    else:
        tone, headline = "plain", f"{count(number, 'change')}, none high-risk"
    gone = [f"{plan.counts.delete:,} to delete"] if plan.counts.delete else []
    gone += [f"{plan.counts.replace:,} to replace"] if plan.counts.replace else []
    if gone:
        lead.append(f"Deletes and replaces come first: {' and '.join(gone)}.")
    return Verdict(tone, "Plan: the changes an apply would make", headline, (*lead, *_narrowed(plan)), _facts(plan))


def _drift_verdict(plan: ChangesView) -> Verdict:
    number = len(plan.changes)
    lead = (
        f"{count(plan.counts.no_op, 'resource')} {'matches' if plan.counts.no_op == 1 else 'match'} the configuration."
    )
    if number:
        headline = f"{count(number, 'difference')} between account and configuration"
    elif plan.settings:
        headline = f"No drift, but {count(len(plan.settings), 'undeclared setting')}"
    elif plan.counts.unmanaged:
        headline = "No drift, but unmanaged resources"
    else:
        headline = "No drift"
    if plan.high and number:
        headline += f", {plan.high:,} high-risk"
    if plan.unreadable:
        headline = incomplete(len(plan.unreadable)) + headline.replace("No drift", "No drift in the rest")
    return Verdict(
        "careful" if number or plan.unreadable or any(row.risk == "high" for row in plan.settings) else "good",
        "Drift: differences between account and configuration",
        headline,
        (lead, *_narrowed(plan)),
        _facts(plan),
    )


def _high(high: int, number: int) -> str:
    if high == number:
        every = "Both" if number == 2 else f"All {number:,}"
        return "1 high-risk change" if number == 1 else f"{every} changes are high-risk"
    return f"{high:,} of {number:,} changes {_is(high)} high-risk"


def _comparison_verdict(found: ComparisonFile, plan: ChangesView) -> Verdict:
    number = len(plan.changes)
    lead = ["Changes as if the account matched the first configuration; values that only the account has are unknown."]
    if not found.one_account:
        lead = ["Compared by address; their names and SIDs may differ."]
    tone, headline = "plain", count(number, "change" if found.one_account else "difference")
    if not found.differs:
        tone, headline = "good", "No differences"
    elif plan.high:
        tone, headline = "careful", f"{plan.high:,} of {headline} {_is(plan.high)} high-risk"
    facts = (
        ("From", found.before.name), ("Its account", found.before.account_sid),
        ("To", found.after.name), ("Its account", found.after.account_sid),
    )  # fmt: skip
    return Verdict(tone, "Diff: two configurations side by side", headline, tuple(lead), facts)


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _narrowed(plan: ChangesView) -> tuple[str, ...]:
    if not (plan.targets or plan.excludes):
        return ()
    parts = [f"only {', '.join(plan.targets)}"] if plan.targets else []
    parts += [f"without {', '.join(plan.excludes)}"] if plan.excludes else []
    return (f"Partial: {'; '.join(parts)}.",)


def _facts(plan: ChangesView) -> tuple[tuple[str, str], ...]:
    baseline = baseline_text(plan.baseline) if plan.baseline is not None else ""
    return (
        ("Account", plan.account),
        ("Environment", plan.environment),
        *((("Baseline", baseline),) if baseline else ()),
    )


# --- the page --------------------------------------------------------------------------------------------------------


class _Page:
    """The layout of one document."""

    def __init__(self, plan: ChangesView, repository: Repository | None, words: _Words) -> None:
        self.plan = plan
        self.repository = repository
        self.words = words
        self.groups = grouped(plan.changes)
        self.changes = tuple(change for group in self.groups for change in group.changes)
        self.identity: dict[str, str] = {}
        for number, change in enumerate(self.changes, 1):
            self.identity.setdefault(change.address, f"c{number}")
        self.services = {name: str(n) for n, name in enumerate(sorted({change.service for change in self.changes}))}
        self.kinds = {name: str(n) for n, name in enumerate(sorted({change.kind for change in self.changes}))}
        self.unfolded = len(self.changes) <= OPEN_UP_TO

    def document(self, verdict: Verdict) -> str:
        plan = self.plan
        parts = [self._counts()]
        if self.words.acts:
            parts += [*self._irreversible(), *self._refusals(), *self._meanings(), *self._approvals()]
        settings, changes = self._settings(), self._list()
        parts += [
            *([*settings, *changes] if plan.settings_first else [*changes, *settings]),
            *warnings(plan.warnings, self.repository),
            *(drawing(needs(self.changes), self._links(), len(self.changes)) if self.words.acts else []),
            *addresses(
                "Merged but not applied", pending_text(plan), [change.address for change in plan.pending], "pending"
            ),
            *timeline(plan.timeline),
            *unmanaged(plan.unmanaged, self.words.unmanaged[1], self.words.left),
            *addresses(
                "Not compared", count(len(plan.unverified), "write-only value"), plan.unverified,
                "unverified",
            ),
            *addresses(
                "Undeclared resources not compared", "Collections that are not pruned", plan.unlisted, "unlisted"
            ),
            *addresses(
                "Not searched for unmanaged resources", "Collections in which nothing is declared", plan.unsearched,
                "unsearched",
            ),
            *addresses(
                "Omitted", f"{count(len(plan.left_out), 'resource')} omitted by --target or --exclude",
                plan.left_out,
                "left-out",
            ),
        ]  # fmt: skip
        origin = plan.origin
        made = (
            f"reconciler {origin['tool_version']}", origin["created_at"], f"configuration {origin['config_digest']}"
        )  # fmt: skip
        foot = " · ".join(part for part in made if part)
        return document(self.words.page, verdict, parts, foot, has_list=bool(self.changes))

    def _links(self) -> dict[str, str]:
        return {address: f"#{identity}" for address, identity in self.identity.items()}

    def _counts(self) -> Html:
        totals = self.plan.counts
        if self.words.acts:
            numbers = [
                ("delete", SIGNS["delete"], totals.delete, "to delete"),
                ("replace", SIGNS["replace"], totals.replace, "to replace"),
                ("update", SIGNS["update"], totals.update, "to update"),
                ("create", SIGNS["create"], totals.create, "to create"),
            ]
            numbers += [("caught", "", totals.withheld, "withheld")] if totals.withheld else []
            numbers += [("rest", "", totals.no_op, self.words.equal)]
        else:
            found = Counter(change.action for change in self.changes)
            numbers = [
                ("update", "≠", found["update"] + found["replace"], self.words.found[0]),
                ("create", "+", found["create"], self.words.found[1]),
                ("delete", "−", found["delete"], self.words.found[2]),
                ("rest", "", totals.no_op, self.words.equal),
            ]
        if self.plan.settings:
            numbers.append(("rest", "", len(self.plan.settings), "undeclared settings"))
        return counts([*numbers, ("rest", "", totals.unmanaged, self.words.unmanaged[0])])

    # --- what to look at first ----------------------------------------------------------------------------------------

    def _irreversible(self) -> list[Html]:
        items = [
            join([self._to(address) if address in self.identity else tag("code", address), text(f": {message}")])
            for address, message in self.plan.irreversible
        ]
        return [section("What cannot be undone", bullets(items), identity="irreversible")] if items else []

    def _refusals(self) -> list[Html]:
        plan = self.plan
        items = [join([tag("strong", "Refused:"), text(f" {reason}")]) for reason in plan.refusals]
        items += [
            join([self._to(change.address), text(f": {change.guard.message}")])
            for change in self.changes
            if change.guard is not None and change.guard.verdict == "refused"
        ]
        return [section("Why an apply would refuse this plan", bullets(items), identity="refused")] if items else []

    def _approvals(self) -> list[Html]:
        found = self.plan.approvals
        if not found:
            return []
        options = " ".join(escape(f"--approve {shlex.quote(address)}") for address in found)
        lead = tag("p", "Add these options, or list the changes under ", tag("code", "approvals"),
                   " in the configuration:")  # fmt: skip
        command = tag("pre", tag("code", options), tabindex="0", role="region", aria_label="Options to approve with")
        return [section("To approve", lead, command, identity="approve")]

    def _meanings(self) -> list[Html]:
        ranks = {risk: rank for rank, (risk, _) in enumerate(_RISKS)}
        said = [(group, sentence) for group in self.groups for sentence in group.first.consequences]
        said.sort(key=lambda pair: ranks[pair[0].first.risk])
        if not said:
            return []
        items = [self._meaning(group, sentence) for group, sentence in said]
        body = [bullets(items[:FIRST_MEANINGS])]
        if len(items) > FIRST_MEANINGS:
            body.append(folded(f"{len(items) - FIRST_MEANINGS:,} more", bullets(items[FIRST_MEANINGS:])))
        return [section("Effects", *body, identity="meaning")]

    def _meaning(self, group: ChangeGroup, sentence: str) -> Html:
        parts = [_risk(group.first), text(" "), tag("b", sentence), text(" "), self._to(group.first.address)]
        if len(group.changes) > 1:
            parts.append(text(f" and {len(group.changes) - 1:,} more like it"))
        return join(parts)

    def _to(self, address: str) -> Html:
        """Link to a change on this page."""
        return tag("a", tag("code", address), href=f"#{self.identity[address]}")

    def _settings(self) -> list[Html]:
        """The undeclared settings, which only a drift has, the gravest first."""
        rows = self.plan.settings
        if not rows:
            return []
        items = [
            join([
                tag("span", f"{row.risk} risk", class_=f"risk {row.risk}"), text(" "), tag("code", row.name),
                text(": "), side(settled(row.value)), text(" "), tag("small", row.meaning),
                *([tag("small", f" · {row.age}")] if row.age else []), *next_steps(row.next_steps),
            ])
            for row in rows
        ]  # fmt: skip
        lead = tag("p", prose(f"{undeclared(len(rows)).capitalize()}. {undeclared_advice(rows)}"))
        body = [bullets(items[:FIRST_MEANINGS])]
        if len(items) > FIRST_MEANINGS:
            body.append(folded(f"{len(items) - FIRST_MEANINGS:,} more", bullets(items[FIRST_MEANINGS:])))
        return [section("Undeclared settings", lead, *body, identity="settings")]

    # --- the list -----------------------------------------------------------------------------------------------------

    def _list(self) -> list[Html]:
        if not self.changes:
            return []
        items = listed([self._item(change, f"c{number}") for number, change in enumerate(self.changes, 1)])
        title = f"{self.words.noun.capitalize()}s"
        return [
            section(
                title,
                filters(self._facets(), len(self.changes), self.words.noun),
                legend(self.words.heads, self.words.signs),
                items,
                identity="list",
            )
        ]

    def _facets(self) -> tuple[Facet, ...]:
        words, changes = self.words, self.changes
        actions = [(action, words.labels[action]) for action in _ORDER]
        services = [(index, name or "Account") for name, index in self.services.items()]
        kinds = [(index, kind_noun(name)) for name, index in self.kinds.items()]
        found = [facet("action", words.facet, actions, Counter(change.action for change in changes))]
        if words.acts or words.page == "drift":
            found.append(facet("risk", "Risk", _RISKS, Counter(change.risk for change in changes)))
        by_service = Counter(self.services[change.service] for change in changes)
        by_kind = Counter(self.kinds[change.kind] for change in changes)
        return (
            *found,
            facet("service", "Service", services, by_service, many=True),
            facet("kind", "Kind", kinds, by_kind, many=True),
        )

    def _item(self, change: ChangeRow, identity: str) -> Html:
        words = self.words
        marks = []
        if words.page == "drift" and change.risk != "low":
            marks = [_risk(change)]
        if words.acts:
            marks = [] if change.is_withheld else [_risk(change)]
            if change.guard is not None:
                held = "old resource kept" if change.guard.only_delete else change.guard.verdict
                marks.insert(0, tag("span", held, class_="held"))
        where = [kind_noun(change.kind), change.service or "account", _first_place(change)]
        summary = tag(
            "summary",
            tag("span", SIGNS[change.action], class_="sign", aria_hidden="true"),
            tag("h3", tag("b", words.actions[change.action]), " ", tag("code", change.address),
                *([" ", tag("q", change.name)] if change.name and change.name not in change.address else [])),
            tag("span", *marks, class_="marks"),
            tag("small", " · ".join(part for part in where if part)),
        )  # fmt: skip
        return tag(
            "li",
            tag("details", summary, tag("div", *self._body(change), class_="body"), open=self.unfolded),
            id=identity,
            class_=change.action,
            data_action=change.action,
            data_risk=change.risk,
            data_service=self.services[change.service],
            data_kind=self.kinds[change.kind],
        )

    def _body(self, change: ChangeRow) -> list[Html]:
        acts = self.words.acts
        parts: list[Html] = []
        if acts or self.words.page == "drift":
            before = "" if acts else f"{IF_REVERTED} "
            parts += [tag("p", before + sentence, class_="said") for sentence in change.consequences]
        if acts and change.guard is not None:
            held = "The old resource is kept" if change.guard.only_delete else change.guard.verdict.capitalize()
            parts.append(tag("p", tag("strong", f"{held}: "), change.guard.message, class_="guard"))
        facts = [text(change.reason)] if acts and change.reason else []
        facts += [text(words)] if (words := change_standing(change)) else []
        facts += [text(change.age)] if change.age else []
        if change.source is not None and self.repository is not None:  # the summary names it, without a link
            facts.append(join([text("from "), place(change.source, self.repository)]))
        if change.sid:
            facts.append(tag("code", change.sid))
        if change.former_side:
            facts.append(text(f"now: {change.former_side}"))
        facts += [text(owned_by(change.owners))] if change.owners else []
        if facts:
            parts.append(tag("p", join(facts, " · "), class_="why"))
        return [*parts, *fields(change, self.repository, acts=acts), *next_steps(change.next_steps)]


def fields(change: ChangeRow, repository: Repository | None, *, acts: bool) -> list[Html]:
    """Render both sides of each field that differs.

    Args:
        change: the change.
        repository: where the configuration is on the web; None for no links.
        acts: whether something will be done, which is not so for drift.
    """
    if not change.fields:
        return []
    # A new resource has one side only, and so has one that is unknown until apply.
    alone = acts and (change.action == "create" or bool(change.before_unknown))
    rows = []
    for row in change.fields:
        shown = row if acts else _settled(row)
        rows.append(field(shown, _notes(row, change, repository, acts=acts), acts=acts, alone=alone))
    return [tag("dl", *rows, class_="fields alone" if alone else "fields")]


def _settled(row: FieldRow) -> FieldRow:
    return replace(row, before=settled(row.before), after=settled(row.after))


def _notes(row: FieldRow, change: ChangeRow, repository: Repository | None, *, acts: bool) -> Html:
    notes = [tag("small", tag("strong", "forces replacement"))] if row.forces_replacement and acts else []
    notes += [tag("small", words)] if (words := field_standing(row, change)) else []
    notes += [tag("small", row.age)] if row.age else []
    if row.source is not None and row.source != change.source:
        notes.append(tag("small", place(row.source, repository)))
    if row.owners != change.owners:
        notes.append(tag("small", owned_by(row.owners) or "no owner"))
    if row.before_source is not None:
        notes.append(tag("small", text("was "), place(row.before_source, repository)))
    return join(notes)


def _risk(change: ChangeRow) -> Html:
    return tag("span", f"{change.risk} risk", class_=f"risk {change.risk}")


def _first_place(change: ChangeRow) -> str:
    """Return the place in the configuration: that of the resource, or else of its first field."""
    places: Sequence[SourceRow | None] = (change.source, *(row.source for row in change.fields))
    return next((place.place for place in places if place is not None), "")
