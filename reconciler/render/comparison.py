"""Renders comparisons of two configurations as text for a terminal and as Markdown for a pull request.

Takes a `ComparisonFile`; lays it out like a plan, without statements about an account.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from reconciler.change import Action
from reconciler.documents.comparison import ComparisonFile, SidePart
from reconciler.render.markdown import Words, changes_markdown
from reconciler.render.markdown_text import Repository, code
from reconciler.render.rows import ChangesView
from reconciler.render.terminal import escape
from reconciler.render.text import PageWords, changes_text
from reconciler.render.view import comparison_view
from reconciler.render.wording import count

_IF = "Changes as if the account matched the first configuration; values that only the account has are unknown."
_TWO = "Two environments, compared by address; their names and SIDs may differ."
_DONE: dict[Action, str] = {"create": "create", "update": "update", "replace": "replace", "delete": "delete"}
_TO_DO: dict[Action, str] = {
    "create": "to create",
    "update": "to update",
    "replace": "to replace",
    "delete": "to delete",
}
_DIFFER: dict[Action, str] = {
    "create": "only in the second",
    "update": "differs",
    "replace": "differs",
    "delete": "absent in the second",
}


def comparison_text(found: ComparisonFile, *, colour: bool, width: int, verbose: bool = False) -> str:
    """Render a comparison as text.

    Args:
        found: the comparison.
        colour: whether to use colors.
        width: the number of columns; at least 40 are used.
        verbose: whether to show full output: long values, and every resource that is no longer managed.
    """
    sides = _sides(found, escape)
    beginning = f"F{sides[1:]}"

    def nothing(plan: ChangesView) -> str:
        if found.differs:
            return f"{beginning}: no field differs ({count(plan.counts.no_op, 'resource')} compared)."
        return f"No differences: {sides} ({count(plan.counts.no_op, 'resource')} compared)."

    words = PageWords(
        head=lambda _: f"{beginning}. {_IF if found.one_account else _TWO}",
        nothing=nothing,
        unmanaged=partial(_no_longer, found) if found.one_account else _only_first,
        verdict=lambda plan: f"Diff: {_counted(plan, found)}.",
    )
    return changes_text(comparison_view(found), words, colour=colour, width=width, verbose=verbose)


def comparison_markdown(found: ComparisonFile, repository: Repository | None = None) -> str:
    """Render a comparison as Markdown, within the size limit of a comment."""

    def verdict(plan: ChangesView) -> str:
        if not found.differs:
            return f"✅ No differences: {count(plan.counts.no_op, 'resource')} compared"
        counted = _counted(plan, found)
        return f"⚠️ {counted}; {plan.high:,} high-risk" if plan.high else counted

    def where(_plan: ChangesView) -> str:
        return f"F{_sides(found, code)[1:]}. {_IF if found.one_account else _TWO}"

    words = Words(
        marker="reconciler:diff",
        actions=_DONE if found.one_account else _DIFFER,
        counted=_TO_DO if found.one_account else _DIFFER,
        section="Effects",
        verdict=verdict,
        full="`reconciler diff --verbose` shows them",
        acts=found.one_account,
        where=where,
        unmanaged=partial(_no_longer, found) if found.one_account else _only_first,
        only_in=("", "") if found.one_account else ("only in the second: ", "only in the first: "),
    )
    return changes_markdown(comparison_view(found), words, repository)


def _counted(plan: ChangesView, found: ComparisonFile) -> str:
    counts = plan.counts
    if found.one_account:
        counted = (
            f"{counts.create:,} to create, {counts.update:,} to update, "
            f"{counts.replace:,} to replace, {counts.delete:,} to delete"
        )
        rest = [f"{counts.no_op:,} unchanged", f"{counts.unmanaged:,} no longer {_state(found)}"]
    else:
        counted = f"{counts.create:,} only in the second, {counts.update:,} different"
        counted += f", {counts.delete:,} absent in the second" if counts.delete else ""
        rest = [f"{counts.no_op:,} unchanged", f"{counts.unmanaged:,} only in the first"]
    rest += [f"{counts.withheld:,} withheld"] if counts.withheld else []
    return f"{counted}; {', '.join(rest)}"


def _state(found: ComparisonFile) -> str:
    return "declared" if found.removes else "managed"


def _no_longer(found: ComparisonFile, number: int) -> str:
    fate = "with the ledger, an apply removes them as the plan shows" if found.removes else "the account keeps them"
    return f"No longer {_state(found)}: {count(number, 'resource')} that only the first declares; {fate}"


def _only_first(number: int) -> str:
    return f"Only in the first: {count(number, 'resource')}"


def _sides(found: ComparisonFile, shown: Callable[[str], str]) -> str:
    """Name both sides with their accounts, or with the account that both are for."""
    before, after = found.before, found.after
    if before.account_sid and before.account_sid == after.account_sid:
        return f"from {shown(before.name)} to {shown(after.name)} (account {shown(after.account_sid)})"
    return f"from {_side(before, shown)} to {_side(after, shown)}"


def _side(side: SidePart, shown: Callable[[str], str]) -> str:
    account = f" (account {shown(side.account_sid)})" if side.account_sid else ""
    return shown(side.name) + account
