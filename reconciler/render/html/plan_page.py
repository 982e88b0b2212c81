"""A plan, a drift or a comparison as a page: the verdict, what it means for people, every change with both sides of it.

Takes a `PlanFile`; gives one string. What destroys comes first, then by risk, then in the plan's order.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.change import Action
from reconciler.documents.comparison import ComparisonFile
from reconciler.documents.drift import DriftFile
from reconciler.documents.plan import PlanFile
from reconciler.kinds import kind_noun
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
    place,
    section,
    unmanaged,
    warnings,
)
from reconciler.render.html.markup import Html, join, tag, text
from reconciler.render.html.sides import field
from reconciler.render.markdown import ChangeGroup, grouped, settled
from reconciler.render.markdown_text import Repository
from reconciler.render.rows import ChangeRow, ChangesView, FieldRow, SourceRow
from reconciler.render.terminal import escape
from reconciler.render.view import comparison_view, drift_view, plan_view
from reconciler.render.wording import count

FIRST_MEANINGS = 20
"""So many of what a plan means for people are shown at once, the others folded."""

_RISKS = (("high", "high"), ("medium", "medium"), ("low", "low"))
_ORDER: tuple[Action, ...] = ("delete", "replace", "update", "create")


@dataclass(frozen=True, slots=True)
class _Words:
    """What to call things: a plan says what will be done, a drift what is so.

    Attributes:
        page: ``plan`` or ``drift``.
        noun: what an entry of the list is.
        facet: what is called what an action is.
        actions: each action as the first word of an entry.
        labels: each action as a choice among the filters.
        heads: what the two sides of a field are called.
        acts: whether something will be done, so that guards, approvals and risks matter.
        found: what is called how much of what there is: different, only in the files, not wanted by them.
        equal: what is called what does not differ.
        unmanaged: what is called what the files do not name, short and as a heading.
        left: what is said of it, by its number.
    """

    page: str
    noun: str
    facet: str
    actions: Mapping[Action, str]
    labels: Mapping[Action, str]
    heads: tuple[str, str]
    acts: bool
    found: tuple[str, str, str] = ("different", "missing", "not wanted")
    equal: str = "unchanged"
    unmanaged: tuple[str, str] = ("unmanaged", "Unmanaged")
    left: Callable[[int], str] = lambda number: (
        f"{count(number, 'live resource')} that the files do not name; left alone."
    )


_PLAN = _Words(
    page="plan",
    noun="change",
    facet="Action",
    actions={"create": "create", "update": "update", "replace": "replace", "delete": "delete"},
    labels={"create": "create", "update": "update", "replace": "replace", "delete": "delete"},
    heads=("Live now", "After the apply"),
    acts=True,
)
_DRIFT = _Words(
    page="drift",
    noun="difference",
    facet="What",
    actions={"create": "missing", "update": "differs", "replace": "differs", "delete": "not wanted"},
    labels={"create": "missing", "update": "differs", "replace": "differs, cannot be changed", "delete": "not wanted"},
    heads=("The account has", "The files say"),
    acts=False,
    equal="as the files say",
)
_BECOMES = replace(
    _PLAN,
    page="diff",
    heads=("The first says", "The second says"),
    equal="the same",
    unmanaged=("no longer managed", "No longer managed"),
    left=lambda number: f"{count(number, 'resource')} that only the first names; the account keeps what it has.",
)
_DIFFERS = replace(
    _DRIFT,
    page="diff",
    actions={"create": "only in the second", "update": "differs", "replace": "differs", "delete": "not to be"},
    labels={"create": "only in the second", "update": "differs", "replace": "differs", "delete": "not to be"},
    heads=("The first says", "The second says"),
    found=("different", "only in the second", "not to be in the second"),
    equal="the same",
    unmanaged=("only in the first", "Only in the first"),
    left=lambda number: f"{count(number, 'resource')} that the second does not name.",
)


def plan_html(plan: PlanFile, repository: Repository | None = None) -> str:
    """A plan as a page.

    Args:
        plan: what to show.
        repository: where the files are on the web; None for no links.
    """
    rows = plan_view(plan)
    return _Page(rows, repository, _PLAN).document(_plan_verdict(rows))


def drift_html(drift: DriftFile, repository: Repository | None = None) -> str:
    """A drift as a page; the arguments are those of a plan."""
    # With search and filters, nothing has to be left out.
    rows = drift_view(drift, nested=True)
    return _Page(rows, repository, _DRIFT).document(_drift_verdict(rows))


def comparison_html(found: ComparisonFile, repository: Repository | None = None) -> str:
    """A comparison of two configurations as a page; the repository is that of the second one."""
    rows = comparison_view(found)
    words = _BECOMES if found.one_account else _DIFFERS
    return _Page(rows, repository, words).document(_comparison_verdict(found, rows))


# --- verdicts --------------------------------------------------------------------------------------------------------


def _plan_verdict(plan: ChangesView) -> Verdict:
    number = len(plan.changes)
    lead: list[str] = []
    held = all(change.is_withheld for change in plan.changes)
    if not number:
        tone, headline = "good", "Nothing to do"
        lead.append(f"{count(plan.counts.no_op, 'resource')} compared; all are as the files say.")
    elif plan.refused or plan.refusals:
        tone, headline = "bad", "An apply would refuse this plan"
        lead.append("It would send nothing until what is listed below is settled.")
    elif held:
        tone, headline = "plain", f"Nothing would be sent: {count(number, 'change')} withheld"
    elif plan.high:
        tone, headline = "careful", _high(plan.high, number)
    else:
        tone, headline = "plain", f"{count(number, 'change')}, none of high risk"
    gone = [f"{plan.counts.delete:,} to delete"] if plan.counts.delete else []
    gone += [f"{plan.counts.replace:,} to replace"] if plan.counts.replace else []
    if gone:
        lead.append(f"What destroys comes first: {' and '.join(gone)}.")
    return Verdict(tone, "Plan: what an apply would do", headline, (*lead, *_narrowed(plan)), _facts(plan))


def _drift_verdict(plan: ChangesView) -> Verdict:
    number = len(plan.changes)
    lead = f"{count(plan.counts.no_op, 'resource')} {_is(plan.counts.no_op)} as the files say."
    if number:
        headline = f"{count(number, 'difference')} between files and account"
    elif plan.counts.unmanaged:
        headline = "No drift, but unmanaged resources"
    else:
        headline = "No drift"
    return Verdict(
        "careful" if number else "good",
        "Drift: how the account differs from the configuration",
        headline,
        (lead, *_narrowed(plan)),
        _facts(plan),
    )


def _high(high: int, number: int) -> str:
    if high == number:
        return "1 change, of high risk" if number == 1 else f"All {number:,} changes are of high risk"
    return f"{high:,} of {number:,} changes {_is(high)} of high risk"


def _comparison_verdict(found: ComparisonFile, plan: ChangesView) -> Verdict:
    number = len(plan.changes)
    lead = ["As if the account were as the first says; what only the account knows is left open."]
    if not found.one_account:
        lead = ["Compared address by address, whatever their accounts; names and SIDs may well differ."]
    tone, headline = "plain", count(number, "change" if found.one_account else "difference")
    if not found.differs:
        tone, headline = "good", "No differences"
    elif plan.high:
        tone, headline = "careful", f"{plan.high:,} of {headline} {_is(plan.high)} of high risk"
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
    parts += [f"not {', '.join(plan.excludes)}"] if plan.excludes else []
    return (f"Narrowed down: {'; '.join(parts)}.",)


def _facts(plan: ChangesView) -> tuple[tuple[str, str], ...]:
    return ("Account", plan.account), ("Environment", plan.environment)


# --- the page --------------------------------------------------------------------------------------------------------


class _Page:
    """One layout of one plan."""

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
            parts += [*self._refusals(), *self._meanings(), *self._approvals()]
        parts += [
            *self._list(),
            *warnings(plan.warnings, self.repository),
            *(drawing(needs(self.changes), self._links(), len(self.changes)) if self.words.acts else []),
            *unmanaged(plan.unmanaged, self.words.unmanaged[1], self.words.left),
            *addresses(
                "Not compared", f"{count(len(plan.unverified), 'value')} that Twilio never returns", plan.unverified,
                "unverified",
            ),
            *addresses(
                "Undeclared resources not compared", "Collections that are not pruned", plan.unlisted, "unlisted"
            ),
            *addresses(
                "Left out", f"{count(len(plan.left_out), 'resource')} outside of what the plan was narrowed to",
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
        told = self.plan.counts
        if self.words.acts:
            numbers = [
                ("delete", SIGNS["delete"], told.delete, "to delete"),
                ("replace", SIGNS["replace"], told.replace, "to replace"),
                ("update", SIGNS["update"], told.update, "to update"),
                ("create", SIGNS["create"], told.create, "to create"),
            ]
            numbers += [("caught", "", told.withheld, "withheld")] if told.withheld else []
            numbers += [("rest", "", told.no_op, self.words.equal)]
        else:
            found = Counter(change.action for change in self.changes)
            numbers = [
                ("update", "≠", found["update"] + found["replace"], self.words.found[0]),
                ("create", "+", found["create"], self.words.found[1]),
                ("delete", "−", found["delete"], self.words.found[2]),
                ("rest", "", told.no_op, self.words.equal),
            ]
        return counts([*numbers, ("rest", "", told.unmanaged, self.words.unmanaged[0])])

    # --- what to look at first ----------------------------------------------------------------------------------------

    def _refusals(self) -> list[Html]:
        plan = self.plan
        items = [join([tag("strong", "Refused:"), text(f" {reason}")]) for reason in plan.refusals]
        items += [
            join([self._to(change.address), text(f": {change.guard.message}")])
            for change in self.changes
            if change.guard is not None and change.guard.verdict == "refused"
        ]
        return [section("Why an apply would refuse it", bullets(items), identity="refused")] if items else []

    def _approvals(self) -> list[Html]:
        found = self.plan.approvals
        if not found:
            return []
        options = " ".join(escape(f"--approve {shlex.quote(address)}") for address in found)
        told = tag("p", "If that is meant, give your consent to each of them, by these options or under ",
                   tag("code", "approvals:"), " in the files:")  # fmt: skip
        command = tag("pre", tag("code", options), tabindex="0", role="region", aria_label="Options to approve with")
        return [section("To approve", told, command, identity="approve")]

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
        return [section("What it means for people", *body, identity="meaning")]

    def _meaning(self, group: ChangeGroup, sentence: str) -> Html:
        parts = [_risk(group.first), text(" "), tag("b", sentence), text(" "), self._to(group.first.address)]
        if len(group.changes) > 1:
            parts.append(text(f" and alike for {len(group.changes) - 1:,} more"))
        return join(parts)

    def _to(self, address: str) -> Html:
        """A link to a change on this page."""
        return tag("a", tag("code", address), href=f"#{self.identity[address]}")

    # --- the list -----------------------------------------------------------------------------------------------------

    def _list(self) -> list[Html]:
        if not self.changes:
            return []
        entries = listed([self._entry(change, f"c{number}") for number, change in enumerate(self.changes, 1)])
        title = f"{self.words.noun.capitalize()}s"
        return [
            section(
                title,
                filters(self._facets(), len(self.changes), self.words.noun),
                legend(*self.words.heads),
                entries,
                identity="list",
            )
        ]

    def _facets(self) -> tuple[Facet, ...]:
        words, changes = self.words, self.changes
        actions = [(action, words.labels[action]) for action in _ORDER]
        services = [(index, name or "Account") for name, index in self.services.items()]
        kinds = [(index, kind_noun(name)) for name, index in self.kinds.items()]
        found = [facet("action", words.facet, actions, Counter(change.action for change in changes))]
        if words.acts:
            found.append(facet("risk", "Risk", _RISKS, Counter(change.risk for change in changes)))
        by_service = Counter(self.services[change.service] for change in changes)
        by_kind = Counter(self.kinds[change.kind] for change in changes)
        return (
            *found,
            facet("service", "Service", services, by_service, many=True),
            facet("kind", "Kind", kinds, by_kind, many=True),
        )

    def _entry(self, change: ChangeRow, identity: str) -> Html:
        words = self.words
        marks = []
        if words.acts:
            marks = [_risk(change)]
            if change.guard is not None:
                held = "old one kept" if change.guard.only_delete else change.guard.verdict
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
        if acts:
            parts += [tag("p", sentence, class_="said") for sentence in change.consequences]
            if change.guard is not None:
                held = "The old one is kept" if change.guard.only_delete else change.guard.verdict.capitalize()
                parts.append(tag("p", tag("strong", f"{held}: "), change.guard.message, class_="guard"))
        facts = [text(change.reason)] if acts and change.reason else []
        if change.source is not None:
            facts.append(join([text("from "), place(change.source, self.repository)]))
        if change.sid:
            facts.append(tag("code", change.sid))
        if change.before_unknown:
            facts.append(text(f"now: {change.before_unknown}"))
        if facts:
            parts.append(tag("p", join(facts, " · "), class_="why"))
        return [*parts, *fields(change, self.repository, acts=acts)]


def fields(change: ChangeRow, repository: Repository | None, *, acts: bool) -> list[Html]:
    """What differs of a change, both sides of each field.

    Args:
        change: which.
        repository: where the files are on the web.
        acts: whether something is done about it; of a drift, nothing is.
    """
    if not change.fields:
        return []
    # Of what is new there is one side only, and of what cannot be known before the apply too.
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
    if row.source is not None and row.source != change.source:
        notes.append(tag("small", place(row.source, repository)))
    if row.before_source is not None:
        notes.append(tag("small", text("was "), place(row.before_source, repository)))
    return join(notes)


def _risk(change: ChangeRow) -> Html:
    return tag("span", f"{change.risk} risk", class_=f"risk {change.risk}")


def _first_place(change: ChangeRow) -> str:
    """Where the files say so; of what has no place of its own, the first of its fields."""
    places: Sequence[SourceRow | None] = (change.source, *(row.source for row in change.fields))
    return next((place.place for place in places if place is not None), "")
