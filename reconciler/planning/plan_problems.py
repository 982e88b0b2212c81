"""Problems that a plan reports in addition to its changes: unrestored values, leftover resources, unread collections.

Takes a `PlanContext` and guarded changes; returns problems, most of them warnings. Pure; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from reconciler.address import Address
from reconciler.change import Change
from reconciler.config.model import Declared, Unknown
from reconciler.errors import Problem, Refusal
from reconciler.journal import UnfinishedReplace
from reconciler.kinds import BY_NAME
from reconciler.planning import ordering
from reconciler.planning.context import PlanContext
from reconciler.planning.unmanaged import Unmanaged
from reconciler.planning.widening import Widened
from reconciler.state import Collection, Live

_FORBIDDEN = 403
_MOST_LISTED = 3


def swapped_names(context: PlanContext, changes: Sequence[Change]) -> Iterator[Problem]:
    """Report exchanged names: the API does not accept the same name twice, so neither rename can be first."""
    by_address = {change.address: change for change in changes}
    for circle in ordering.find_swaps(changes, context.state):
        first = by_address[circle[0]]
        who = " and ".join(map(str, circle))
        yield Problem(
            "swapped-names",
            f"{who} exchange names, and two resources cannot have the same name at the same time",
            first.fields[0].source if first.fields else first.source,
            "Give one of them a temporary name and apply, then apply this.",
            address=str(first.address),
        )


def unrestored_values(context: PlanContext, changes: Iterable[Change]) -> Iterator[Problem]:
    """Report values that an interrupted apply saved and that no change restores."""
    restored = {change.completes for change in changes}
    for saved in context.interrupted.replaces:
        declared = context.config.resources.get(saved.address)
        if context.interrupted.is_of_other_environment(saved):
            continue
        if saved.sid not in restored and (problem := _still_saved(context, saved, declared)) is not None:
            yield problem
        if saved.lost and saved.sid in restored and declared is not None:
            yield Problem(
                "not-restored",
                f"{saved.source} does not contain {', '.join(saved.lost)} of {saved.address}, which an interrupted "
                "apply deleted: sensitive values are not saved there",
                declared.place,
                "Run this command in the folder that contains that apply's .reconciler/, or set the value in the "
                "configuration.",
                severity="warning",
                address=str(saved.address),
            )


def _still_saved(context: PlanContext, saved: UnfinishedReplace, declared: Declared | None) -> Problem | None:
    """Warn about the saved values of a deleted resource, which are kept until restored or discarded.

    Args:
        context: configuration and account.
        saved: what no change restores.
        declared: its declared resource.
    """
    is_open = declared is None or declared.absent or context.selection.covers(declared)
    lacking = context.interrupted.unrestored_fields(saved)
    if not is_open or not lacking or context.state.get(saved.sid) is not None:
        return None
    # Values are not shown: they may include text that a customer wrote.
    held = [path for path in lacking if path not in saved.lost]
    what = f"holds {', '.join(held)}" if held else f"cannot hold {', '.join(lacking)}"
    doubt = f"{saved.source} {what} of {saved.address}, which an interrupted apply deleted"
    if declared is None or declared.absent:
        why, restore = "and the configuration no longer declares", "declare the resource again"
    elif saved.address in context.matching.live:
        why, restore = "and which exists again without them", "set them in the configuration"
    else:
        why, restore = "and the configuration declares under another name", "set them in the configuration"
    return Problem(
        "not-restored",
        f"{doubt} {why}",
        None if declared is None else declared.place,
        f"To restore them, {restore}; to discard them, delete {saved.source}.",
        severity="warning",
        address=str(saved.address),
    )


def pruned_anyway(widened: Widened, context: PlanContext, changes: Iterable[Change]) -> Iterator[Problem]:
    """Report items of ``removed`` that are to keep a resource which a prune rule deletes."""
    deleted = {change.sid for change in changes if change.action == "delete" and not change.is_withheld}
    for one in widened.declared.removed:
        reported: Address | None = None
        for address in sorted(address for address in widened.forgotten if address.is_within(one.address)):
            if reported is not None and address.is_within(reported):
                continue
            pruned = next((live for live in _around(address, widened, context) if live.sid in deleted), None)
            if pruned is not None:
                reported = address
                inside = f", and with it {address}" if pruned.name not in _names(widened, address) else ""
                yield Problem(
                    "pruned-anyway",
                    f"removed: {one.address} is to be kept, but a prune rule deletes the {pruned.kind.noun} "
                    f"{pruned.sid}{inside}",
                    one.place,
                    "Add its name to `except` of `prune`, or remove this item.",
                    severity="warning",
                    address=str(address),
                )


def _around(address: Address, widened: Widened, context: PlanContext) -> Iterator[Live]:
    """Yield the live resource of a forgotten address, and those that contain it and are not declared either."""
    past = widened.pasts.get(address)
    if past is None or not past.declarations or address in widened.declared.resources:
        return
    before = past.declarations[0]
    above = None if before.parent is None else context.matching.live.get(before.parent)
    if before.parent is not None and above is None:
        around = list(_around(before.parent, widened, context))
        yield from around
        above = around[-1] if around else None
    if before.kind.singleton or (before.parent is not None and above is None):
        return
    names = _names(widened, address)
    for live in context.state.collection(before.kind, () if above is None else above.lineage):
        if live.sid == before.pin or (live.name in names and live.sid not in context.matching.addresses):
            yield live


def _names(widened: Widened, address: Address) -> frozenset[str]:
    past = widened.pasts[address]
    return frozenset(before.natural_key for before in past.declarations) - {""}


def uncompleted_renames(context: PlanContext, changes: Iterable[Change]) -> Iterator[Problem]:
    """Report old resources of interrupted renames that the configuration no longer requires; nothing else does."""
    deleted = {change.sid for change in changes if change.action == "delete"}
    for saved in context.interrupted.replaces:
        if context.interrupted.is_of_other_environment(saved):
            yield _of_other_environment(saved)
            continue
        old = context.state.get(saved.sid)
        if old is None or not saved.is_still(old) or saved.sid in {*context.interrupted.under_way, *deleted}:
            continue
        declared = context.config.resources.get(saved.address)
        if declared is None or declared.address not in context.matching.live:
            continue
        if declared.absent or saved.sid in context.matching.addresses:
            continue
        yield Problem(
            "not-completed",
            f"an interrupted apply left {context.naming.address_of(old)}, the old {old.kind.noun} of "
            f"{saved.address}, whose name has changed since; it is kept, and references to it do not change",
            declared.place,
            f"To delete it, declare it as {{sid: {old.sid}, absent: true}}.",
            severity="warning",
            address=str(saved.address),
        )


def _of_other_environment(saved: UnfinishedReplace) -> Problem:
    option = f"with --env {saved.environment}" if saved.environment else "without --env"
    return Problem(
        "not-completed",
        f"an apply {option} was interrupted and has not completed the replace of {saved.address}; this environment "
        "leaves it alone",
        None,
        f"To complete it, run that apply again, {option}.",
        severity="warning",
        address=str(saved.address),
    )


def left_over_roles(context: PlanContext, unmanaged: Sequence[Unmanaged]) -> list[Problem]:
    """Report resources with a declared name but another type: an interrupted replace may have left them.

    The account does not show whether they are intended, so they are reported and kept.
    """
    collections = {(item.live.kind, item.live.parents) for item in unmanaged}
    twins = {
        (kind, parents, declared.natural_key): declared
        for (kind, parent), members in context.config.collections.items()
        if (kind, parents := context.parents_at(parent)) in collections
        if kind.discriminator and not kind.match_by_content and kind.by_path[kind.discriminator].forces_replacement
        for declared in members
        if declared.natural_key and declared.address in context.matching.live
        if declared.address not in context.desired.removed
    }
    return [
        Problem(
            "left-over",
            f"{item.address} has the name of {declared.address} but another {declared.kind.discriminator}; "
            "an "
            "interrupted replace may have left it",
            declared.place,
            f"If so, delete it: declare it as {{sid: {item.live.sid}, absent: true}}. If not, add it to "
            "unmanaged.ignore, or declare it.",
            severity="warning",
            address=str(declared.address),
        )
        for item in unmanaged
        if (declared := twins.get((item.live.kind, item.live.parents, item.live.name))) is not None
    ]


def partly_compared_values(context: PlanContext, changes: Iterable[Change]) -> list[Problem]:
    """Report values that were compared only in part because their secrets are not set, by secret."""
    sent = {(change.address, item.path) for change in changes for item in change.fields}
    skipped: dict[tuple[str, ...], list[tuple[Declared, str]]] = {}
    for declared in context.unsettled:
        is_live = declared.address in context.matching.live
        for path in context.unequal_paths.get(declared.address, ()) if is_live else declared.values:
            value = declared.values[path]
            if (
                isinstance(value.content, Unknown)
                and value.secrets
                and not declared.kind.by_path[path].write_only
                and path not in declared.lifecycle.ignore_changes
                and (declared.address, path) not in sent
            ):
                skipped.setdefault(value.secrets, []).append((declared, path))
    return [
        Problem(
            "not-compared",
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} not set, so "
            f"{', '.join(f'{path} of {declared.address}' for declared, path in found)} "
            f"{'was' if len(found) == 1 else 'were'} compared only in part",
            found[0][0].values[found[0][1]].place,
            "Set the environment variable to compare the whole value.",
            severity="warning",
            address=str(found[0][0].address),
        )
        for names, found in sorted(skipped.items())
    ]


def unreadable_collections(
    context: PlanContext, affected: Mapping[Collection, tuple[Address, ...]]
) -> Iterable[Problem]:
    """Report collections that may not be read, with the resources that could not be planned because of it."""
    for collection, refusal in sorted(context.state.unreadable.items(), key=lambda item: str(item[0])):
        kind = BY_NAME[collection.kind]
        where = context.naming.of_sid(collection.parents[-1]) if collection.parents else ""
        addresses = affected.get(collection, ())
        listed = ", ".join(map(str, addresses[:_MOST_LISTED]))
        more = f" and {len(addresses) - _MOST_LISTED:,} more" if len(addresses) > _MOST_LISTED else ""
        yield Problem(
            "unreadable",
            f"cannot read the {kind.noun}{'' if kind.singleton else ' list'}{f' of {where!r}' if where else ''}: "
            f"{refusal.answer}" + (f"; not compared: {listed}{more}" if addresses else ""),
            next((context.config.resources[address].place for address in addresses), None),
            _hint_for_unreadable(context, refusal, is_compared=bool(addresses)),
        )


def _hint_for_unreadable(context: PlanContext, refusal: Refusal, *, is_compared: bool) -> str:
    """Return how to do without a collection that may not be read.

    Args:
        context: configuration and account.
        refusal: the API's answer.
        is_compared: whether it may contain declared resources. If not, there is no address to exclude.
    """
    fix = "Give the API key permission to read it" if refusal.status == _FORBIDDEN else ""
    way_out = ""
    if is_compared:
        way_out = "exclude these resources with --exclude"
    elif context.selection.searches:
        way_out = "use --fail-on without unmanaged, which does not search it"
    if fix:
        return f"{fix}, or {way_out}." if way_out else f"{fix}."
    reason = "It does not exist in this account or region."
    return f"{reason} {way_out[0].upper()}{way_out[1:]}." if way_out else reason


def unset_secrets(changes: Iterable[Change]) -> tuple[Problem, ...]:
    """Report the unset secrets that the plan has to send."""
    return tuple(
        Problem(
            "unset-secret",
            f"{item.path} of {change.address} must be sent, but {item.after.reason}",
            item.source,
            f"Set {', '.join(item.secrets)} in the environment, or exclude {change.address} with --exclude.",
            address=str(change.address),
        )
        for change in changes
        if not change.is_withheld
        for item in change.fields
        if isinstance(item.after, Unknown) and item.secrets
    )
