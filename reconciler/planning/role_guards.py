"""Guards of roles: defaults, holders, and roles that the configuration assigns by SID.

Each takes a change and a `GuardContext`; returns the guard that stops the change, or None. A role that is still held is
never deleted; the guard shows the YAML that assigns another role to the holders. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from reconciler.address import Address
from reconciler.change import Change, Guard
from reconciler.config.model import Config, Declared
from reconciler.config.paste import yaml_key
from reconciler.kinds.relations import holding_below, holding_beside, is_held
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.guard_context import GuardContext, has_more, live_name, removes
from reconciler.planning.subject import Subject
from reconciler.state import Collection, Live, State

_HOLDERS = 10
"""The maximum number of holders listed in the message about a role."""


def default_role(change: Change, context: GuardContext) -> Guard | None:
    """Withhold the delete of a default role, before or after the plan; a replace may delete one whose default moved."""
    live = context.state.get(change.sid or "")
    if not removes(change) or not is_held(change.kind) or live is None:
        return None
    if change.action == "replace" or change.completes:
        default = context.remaining_defaults.get(live.sid)
        if default is None:
            return None
        return Guard(
            "default_role",
            "withheld",
            f"the role {live_name(change, live)!r} remains its service's {default}, which this apply does not change, "
            "so only the new role is created; change the default, then delete the old role",
            only_delete=has_more(change) and change.steps[0].op != "delete",
        )
    if live.sid not in context.default_roles.get(live.parents[0], frozenset()):
        return None
    way_out = "change the defaults and apply that, then delete it"
    if live.sid not in context.remaining_defaults:
        way_out = "this plan moves the default, so apply it, and apply again to delete the role"
    return Guard(
        "default_role", "withheld", f"the role {live_name(change, live)!r} is one of its service's defaults; {way_out}"
    )


def role_in_use(change: Change, context: GuardContext) -> Guard | None:
    """Withhold the delete of a role that users or participants hold."""
    live = context.state.get(change.sid or "")
    if not is_held(change.kind) or not removes(change) or live is None:
        return None
    holding = context.state.role_holders.get(live.parents[0], {}).get(live.sid, {})
    left = sorted((identity, sid) for sid, identity in holding.items() if sid not in context.moved)
    if not left:
        return _role_in_conversations(change, context, live)
    service = change.address.root
    users = _users(context.config, service, left)
    names = tuple(_shown_user(user) for user in users)
    fix = _moving(change, service, users, live) if service in context.config.resources else ""
    return _held(change, live, "user", names, fix)


def _role_in_conversations(change: Change, context: GuardContext, live: Live) -> Guard | None:
    """Withhold the delete of a role held by participants; undeclared ones are shown by SID: they may be customers."""
    found = context.state.participants.get(live.parents[0])
    holding = {} if found is None else found.holders.get(live.sid, {})
    left = {sid: conversation for sid, conversation in holding.items() if sid not in context.moved}
    if not left:
        return None
    declared = {item.sid: address for address, item in context.before.items() if item.sid in left}
    names = _shown_participants(left, declared)
    return _held(change, live, "participant", names, _moving_participants(change, sorted(declared.values()), live))


def _held(change: Change, live: Live, noun: str, names: tuple[str, ...], fix: str) -> Guard:
    """Withhold the delete of a role that some users or participants hold."""
    who = f"1 {noun} still holds" if len(names) == 1 else f"{len(names):,} {noun}s still hold"
    listed = ", ".join(names[:_HOLDERS]) + (f" and {len(names) - _HOLDERS:,} more" if len(names) > _HOLDERS else "")
    return Guard(
        "role_in_use",
        "withheld",
        f"{who} the role {live_name(change, live)!r} ({listed}); assign another role first",
        only_delete=has_more(change),
        holders=names,
        fix=fix,
    )


@dataclass(frozen=True, slots=True)
class Holders:
    """Who holds a role.

    Attributes:
        names: users by identity, then participants, in a form that may be shown.
        is_complete: whether every conversation was searched.
    """

    names: tuple[str, ...]
    is_complete: bool


def holders_of(config: Config, state: State, live: Mapping[Address, Subject], role: Live) -> Holders | None:
    """Return who holds a role at present; None if its service was not searched for holders.

    Args:
        config: the configuration.
        state: the account.
        live: the live resource of each declared one.
        role: the role.
    """
    service = role.parents[0]
    if service not in state.role_holders:
        return None
    held = sorted((identity, sid) for sid, identity in state.role_holders[service].get(role.sid, {}).items())
    address = next((address for address, item in live.items() if item.sid == service), None)
    users = [identity for identity, _ in held] if address is None else _users(config, address, held)
    found = state.participants.get(service)
    taking_part = {} if found is None else found.holders.get(role.sid, {})
    declared = {item.sid: address for address, item in live.items() if item.sid in taking_part}
    names = (*map(_shown_user, users), *_shown_participants(taking_part, declared))
    return Holders(names, found is None or found.is_complete)


def _users(config: Config, service: Address, held: Iterable[tuple[str, str]]) -> list[Declared | str]:
    """Return users of a service, given by identity and SID: the declared resource, or the identity."""
    declared = {
        key: item
        for item in config.resources.values()
        if item.kind == holding_beside().kind and item.parent == service
        for key in (item.pin, item.natural_key)
        if key
    }
    return [declared.get(sid) or declared.get(identity) or identity for identity, sid in held]


def _shown_participants(held: Mapping[str, str], declared: Mapping[str, Address]) -> tuple[str, ...]:
    """Return participants in a form that may be shown: by address if declared, otherwise by SID and conversation."""
    return (
        *sorted(str(address) for address in declared.values()),
        *sorted(f"{sid} in {conversation}" for sid, conversation in held.items() if sid not in declared),
    )


def _moving_participants(change: Change, participants: Sequence[Address], live: Live) -> str:
    """Return YAML that assigns another role to declared participants."""
    role = yaml_key(_successor_of(change, live))
    lines: list[str] = []
    above: tuple[str, ...] = ()
    for address in participants:
        for depth, part in enumerate(address.parts[:-1]):
            if address.parts[: depth + 1] != above[: depth + 1]:
                lines.append(f"{'  ' * depth}{yaml_key(part)}:")
        lines.append(f"{'  ' * (len(address.parts) - 1)}{yaml_key(address.parts[-1])}: {{role: {role}}}")
        above = address.parts[:-1]
    return "\n".join(lines)


def _shown_user(user: Declared | str) -> str:
    """Return a user's identity, or the address if the configuration hides the identity."""
    if isinstance(user, str):
        return user
    return user.title if user.title == user.natural_key and user.title else str(user.address)


def _successor_of(change: Change, live: Live) -> str:
    """Return the role for the holders of a deleted one: the new role of a replace, or the built-in one for users."""
    if change.action != "delete":
        return change.address.parts[-1]
    return live.kind.built_in_fallback[str(live.values[live.kind.discriminator])]


def _moving(change: Change, service: Address, users: Sequence[Declared | str], live: Live) -> str:
    """Return YAML that assigns another role to the users: the new role of a replace, or the built-in one."""
    role = _successor_of(change, live)
    lines = ["services:", f"  {yaml_key(service.parts[-1])}:", "    users:"]
    for user in users:
        key = user if isinstance(user, str) else user.address.parts[-1]
        lines.append(f"      {yaml_key(key)}: {{role: {yaml_key(role)}}}")
    return "\n".join(lines)


def role_assigned(change: Change, context: GuardContext) -> Guard | None:
    """Withhold the delete of a role that the configuration assigns by SID."""
    live = context.state.get(change.sid or "")
    if not is_held(change.kind) or not removes(change) or live is None or live.sid not in context.assigned:
        return None
    return Guard(
        "role_assigned",
        "withheld",
        f"{context.assigned[live.sid]} refers to the role {live_name(change, live)!r} by SID ({live.sid}); refer to "
        "another role, or to this one by its handle",
        only_delete=has_more(change),
    )


def role_holders_to_fetch(changes: Sequence[Change], state: State) -> frozenset[str]:
    """Return the SIDs of the services whose users must be searched, because a role in them is about to be deleted."""
    return frozenset(
        live.parents[0]
        for change in changes
        if is_held(change.kind) and change.action in {"delete", "replace"} and not change.is_withheld
        if (live := state.get(change.sid or "")) is not None
        and live.parents[0] not in state.role_holders
        and Collection(holding_beside().kind.name, (live.parents[0],)) not in state.unreadable
    )


def participants_to_fetch(changes: Sequence[Change], state: State) -> frozenset[str]:
    """Return the SIDs of the services whose participants must be searched, because a conversation role is deleted."""
    return frozenset(
        live.parents[0]
        for change in changes
        if is_held(change.kind) and removes(change) and not change.is_withheld
        if (live := state.get(change.sid or "")) is not None
        and live.values.get(live.kind.discriminator) == holding_below().ref.of_type
        and live.parents[0] not in state.participants
    )
