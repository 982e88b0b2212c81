"""Guards: protection, lifecycle, approvals, and limits that stop changes.

Each guard is a function that takes a change and a `GuardContext` and returns a `Guard` or None; `GUARDS` lists them.
Pure. A guard never adds steps to a change.

A guard *withholds* a change (the others are applied, exit code 5) or *refuses* the whole apply (nothing is sent, exit
code 4).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from reconciler.change import Change, Guard, Step
from reconciler.config.model import Approval, Limits, Reference, Unknown
from reconciler.kinds import BY_NAME
from reconciler.kinds.markers import Ref
from reconciler.kinds.relations import uses_of
from reconciler.planning.counts import bound_exceeded, bound_unknown
from reconciler.planning.guard_context import GuardContext, has_more, live_name, removes
from reconciler.planning.role_guards import default_role, role_assigned, role_in_use
from reconciler.state import Collection

OF_REMOVALS = frozenset({"declared_elsewhere", "implied", "unclear_removal", "unidentified"})
"""Guards that a removal already has from the comparison with the baseline. They outweigh every other guard."""


def guard(changes: Sequence[Change], context: GuardContext) -> tuple[Change, ...]:
    """Return every change with the first guard that stops it; dependents of a withheld change are withheld as well."""
    guarded = []
    for change in changes:
        if change.is_withheld and change.guard is not None and change.guard.name in OF_REMOVALS:
            guarded.append(change)
            continue
        held = next((found for check in GUARDS if (found := check(change, context)) is not None), None)
        guarded.append(change if held is None else replace(change, guard=held))
    return _spread(guarded)


def limit(changes: Sequence[Change], limits: Limits) -> tuple[Guard, ...]:
    """Return the configured limits that are exceeded by the changes that are not withheld."""
    doing = [change for change in changes if not change.is_withheld]
    deletes = sum(1 for change in doing if change.action in {"delete", "replace"})
    # The second half of a replace; the interrupted apply already counted it as a delete.
    creates = sum(1 for change in doing if change.action == "create" and not change.completes)
    counts = (
        ("deletes", deletes, limits.deletes, "deletes (replaces included)"),
        ("updates", sum(1 for change in doing if change.action == "update"), limits.updates, "updates"),
        ("creates", creates, limits.creates, "creates"),
    )
    return tuple(
        Guard(
            "limit",
            "refused",
            f"{count} {words}, but limits.{name} allows {most}; raise the limit if all of them are intended",
        )
        for name, count, most, words in counts
        if most is not None and count > most
    )


def _not_read(change: Change, context: GuardContext) -> Guard | None:
    """Withhold a delete whose consequences are unknown, because the resources that refer to it may not be read."""
    live = context.state.get(change.sid or "")
    if not removes(change) or live is None:
        return None
    asked = [
        Collection(kind.name, live.parents[: 1 if kind.parent else 0])
        for kind in dict.fromkeys(use.kind for use in uses_of(change.kind))
        # Other collections are searched as far as feasible: there may be any number of participants.
        if kind.parent in {None, change.kind.parent}
    ]
    unread = [collection for collection in asked if collection in context.state.unreadable]
    if not unread:
        return None
    words = " and ".join(BY_NAME[collection.kind].noun for collection in unread)
    return Guard(
        "unreadable",
        "withheld",
        f"cannot determine whether {change.address} is in use: the API key has no permission to read the {words} list",
        only_delete=has_more(change) and change.steps[-1].op == "delete",
    )


def _no_room(change: Change, context: GuardContext) -> Guard | None:
    if change.address not in context.no_room:
        return None
    return Guard(
        "no_room",
        "withheld",
        f"{change.parent} already has {change.kind.max_per_parent} {change.kind.noun}s, the most that the API allows; "
        "declare fewer, or prune unmanaged ones",
    )


def _prevent_create(change: Change, context: GuardContext) -> Guard | None:
    declared = context.config.resources.get(change.address)
    if change.action != "create" or declared is None or not declared.lifecycle.prevent_create:
        return None
    if change.completes:
        return None  # the second half of a replace, which prevent_create allows
    return Guard(
        "prevent_create", "withheld", f"{change.address} is not in the account, and lifecycle.prevent_create is set"
    )


def _name_taken(change: Change, context: GuardContext) -> Guard | None:
    live = context.names_taken.get(change.address)
    if live is None:
        return None
    return Guard(
        "name_taken",
        "withheld",
        f"the role {live_name(change, live)!r} ({live.sid}) keeps its name in this apply, and a second one of that "
        "name and type would be ambiguous; rename or delete the first one in the same apply",
    )


def _name_given_up(change: Change, context: GuardContext) -> Guard | None:
    """Withhold a rename if the next resource in a chain of renames does not take the former name in this apply."""
    heir = context.names_given_up.get(change.address)
    if heir is None:
        return None
    return Guard(
        "name_given_up",
        "withheld",
        f"{heir} is to take the name that {change.address} gives up, but is withheld or excluded from this apply, so "
        "no resource would have that name; apply both together",
    )


def _final(change: Change, context: GuardContext) -> Guard | None:
    """Withhold changes to a final resource, such as a closed conversation, and to its contents."""
    own = context.before.get(change.address)
    above = context.before.get(change.parent) if change.parent is not None else None
    if change.action in {"update", "replace"} and own is not None and (why := own.kind.why_final(own.values)):
        return Guard(
            "final",
            "withheld",
            f"{change.address} cannot be changed: {why}; to recreate it, delete it (absent: true), then "
            "declare it again",
        )
    if (
        change.action in {"create", "update", "replace"}
        and above is not None
        and (why := above.kind.why_final(above.values))
    ):
        return Guard("final", "withheld", f"nothing in {change.parent} can be changed: {why}")
    return None


def _prevent_destroy(change: Change, context: GuardContext) -> Guard | None:
    if not removes(change):
        return None
    # The remainder of an interrupted replace has the old resource's address, but the lifecycle of the new one.
    kept = context.first_protected_below.get(context.successors.get(change.completes, change.address))
    if kept is None:
        return None
    message = f"lifecycle.prevent_destroy of {kept} does not allow it"
    return Guard("prevent_destroy", "withheld", message, only_delete=bool(change.completes) and has_more(change))


def _unmakeable(change: Change, context: GuardContext) -> Guard | None:
    """Withhold a replace whose create the API would reject, possibly only after the old resource is deleted."""
    creates = [step for step in change.steps if step.op == "create"]
    if change.former is None or not creates:
        return None
    for path, content in creates[0].values.items():
        reference = change.kind.by_path[path].marker(Ref)
        if reference is None or not isinstance(content, str) or not content:
            continue
        parents = change.former.parents[:1] if reference.scope == "service" else ()
        found, kind = context.state.get(content), BY_NAME[reference.kind]
        is_there = found is not None and (found.kind, found.parents) == (kind, parents)
        if is_there or Collection(kind.name, parents) not in context.state.complete:
            continue
        is_shown = not any(item.path == path and item.sensitive for item in change.fields)
        return Guard(
            "dead_reference",
            "withheld",
            f"{path} of {change.address} refers to a {kind.noun} that does not exist{f' ({content})' * is_shown}, so "
            f"the API would reject the new one; set {path} to a {kind.noun} that exists",
        )
    return _doubtful(change, creates[0])


def _doubtful(change: Change, create: Step) -> Guard | None:
    """Withhold a replace that deletes first although the API may reject the new resource."""
    if change.former is None or change.steps[0].op != "delete":
        return None
    keys = {path for paths, _ in change.kind.unique for path in paths}
    contents = {
        path: str(content) if isinstance(content, (Reference, Unknown)) else content
        for path, content in create.values.items()
    }
    there = {path: content for path, content in change.former.values.items() if content is not None}
    known = change.kind.check(there)  # the API has accepted the live values
    fault = next((one for one in change.kind.check(contents) if one.path in keys and one not in known), None)
    if fault is None:
        return None
    return Guard(
        "doubtful_create",
        "withheld",
        f"replacing {change.address} deletes it first, and the API may reject the new one: "
        f"{fault.message}. {fault.hint.rstrip('.')}. If the value is correct, delete the old one first (absent: true)",
    )


def _built_in(change: Change, context: GuardContext) -> Guard | None:
    live = context.state.get(change.sid or "")
    if not removes(change) or live is None or not context.state.is_protected(live, context.replacements):
        return None
    by = "Twilio" if live.is_built_in else "Flex"
    return Guard(
        "built_in", "withheld", f"the {change.kind.noun} {live.title!r} was created by {by} and is never deleted"
    )


def _default_service(change: Change, context: GuardContext) -> Guard | None:
    if not removes(change) or change.sid not in context.default_services:
        return None
    return Guard(
        "default_service",
        "withheld",
        "the account's default service is never deleted; first set account.configuration.default_service to another "
        "service and apply that",
    )


def _service_in_use(change: Change, context: GuardContext) -> Guard | None:
    """Withhold the delete of a service in which an address still starts conversations (effect unverified)."""
    if not removes(change):
        return None
    users = [name for sid, name in sorted(context.services_of_addresses) if sid == change.sid]
    if not users:
        return None
    who = f"{users[0]} starts" if len(users) == 1 else f"{users[0]} and {len(users) - 1} more start"
    return Guard(
        "service_in_use",
        "withheld",
        f"the address {who} conversations in it; set another service first, or delete the address",
    )


def _withheld_in_review(change: Change, context: GuardContext) -> Guard | None:
    """Withhold a change that the reviewed plan withheld, even if its own steps have made it possible since."""
    reviewed = context.reviewed
    is_kept = removes(change) and change.sid in reviewed.kept
    if change.address not in reviewed.withheld and not is_kept:
        return None
    only_delete = change.address not in reviewed.withheld and has_more(change) and change.steps[0].op != "delete"
    what = "delete of the old resource" if only_delete else change.action
    return Guard(
        "reviewed",
        "withheld",
        f"the reviewed plan withheld the {what} of {change.address}; to apply it, make a new plan and have it reviewed",
        only_delete=only_delete,
    )


def _removed_conflict(change: Change, context: GuardContext) -> Guard | None:
    """Return the delete of a resource that is no longer declared and that the account changed since it was applied."""
    is_approved = context.ours or (change.address, "delete") in context.approved
    if change.standing != "removed_conflict" or is_approved:
        return None
    command = f"--approve {quoted(str(Approval(change.address)))}"
    return Guard(
        "conflict",
        "withheld",
        f"{change.address} is no longer declared, and was changed in the account since it was applied; delete it with "
        f"{command}, declare it again, or keep it with removed: [{{address: {change.address}, action: forget}}]",
    )


def _conflict(change: Change, context: GuardContext) -> Guard | None:
    """Declared values that would overwrite what the account has instead of the values that were applied."""
    paths = [item.path for item in change.fields if item.standing == "conflict"]
    is_approved = (change.address, "update") in context.approved or change.address in context.reviewed.conflicts
    if not paths or context.ours or is_approved:
        return None
    return Guard(
        "conflict",
        "refused",
        f"{', '.join(paths)} of {change.address} changed in the configuration and in the account; write the "
        f"configuration's values with --approve {quoted(str(Approval(change.address, 'update')))} or --ours, or "
        "declare the account's",
    )


def _approval(change: Change, context: GuardContext) -> Guard | None:
    where = "under `approvals` in the configuration"
    if change.action == "replace":
        words = f"replacing {change.address} deletes the old one and destroys"
        where = f"with action: replace {where}"
    elif change.action == "delete":
        words = f"deleting {change.address} destroys"
    else:
        return None
    if not change.kind.destroys or (change.address, change.action) in context.approved:
        return None
    approval = Approval(change.address, change.action)
    return Guard(
        "approval",
        "refused",
        f"{words} {change.kind.destroys}; approve it with --approve {quoted(str(approval))}, or {where}",
    )


def quoted(text: str) -> str:
    """Return a text as one quoted word of a shell command."""
    quoted = shlex.quote(text)
    return quoted if quoted != text else f"'{text}'"


GUARDS = (
    _final,
    _not_read,
    _no_room,
    _prevent_create,
    _name_taken,
    _name_given_up,
    _prevent_destroy,
    _unmakeable,
    _built_in,
    _default_service,
    _service_in_use,
    default_role,
    role_assigned,
    role_in_use,
    bound_unknown,
    _removed_conflict,
    _withheld_in_review,
    bound_exceeded,
    _conflict,
    _approval,
)
"""The guards of a single change; those that withhold come before the one that refuses."""


def _spread(changes: Sequence[Change]) -> tuple[Change, ...]:
    """Withhold the dependents of withheld changes, naming the cause, until no further change is withheld."""
    result = list(changes)
    stopped = {
        step.id: change.address
        for change in result
        if change.guard is not None and change.guard.verdict == "withheld"
        for step in change.steps
        if change.is_withheld or step.op == "delete"
    }
    moved = bool(stopped)
    while moved:
        moved = False
        for index, change in enumerate(result):
            if change.is_withheld:
                continue  # where only a delete is withheld, the other steps may depend on it
            cause = next(
                (
                    stopped[need]
                    for step in change.steps
                    for need in step.needs
                    if need in stopped and not stopped[need].is_within(change.address)
                ),
                None,
            )
            if cause is not None:
                held = Guard("needs", "withheld", f"depends on {cause}, which is withheld")
                result[index] = replace(change, guard=held)
                stopped.update((step.id, change.address) for step in change.steps)
                moved = True
    return tuple(result)
