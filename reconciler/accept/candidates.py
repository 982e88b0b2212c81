"""The differences of a plan that can be accepted, and the choice of them by the user.

Takes a `Plan` and the account; returns `Item`s.
"""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from reconciler.accept.model import Item
from reconciler.accept.narrowing import narrowed, unknown_names, whole_field
from reconciler.address import Address
from reconciler.change import Change, FieldChange, Standing
from reconciler.config.model import Config, Reference, Unknown
from reconciler.config.similar import closest_address
from reconciler.kinds import BY_NAME, KINDS
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Content
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.diff import holds_secret
from reconciler.planning.near import declared_names
from reconciler.planning.plan import Plan
from reconciler.redaction import texts_of
from reconciler.state import State

_SHORTEST_SECRET = 6
"""Characters; a shorter secret occurs in other texts by chance."""

_INCLUDED = frozenset({"", "drifted", "conflict", "unknown"})
"""Relations to the baseline that the name of a resource above includes."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A difference, and its relation to the baseline.

    Attributes:
        item: The difference.
        standing: Its relation to the baseline; empty without one.
    """

    item: Item
    standing: Standing = ""


def candidates(plan: Plan, state: State, config: Config) -> Iterator[Candidate]:
    """Yield every difference between the account and the configuration that has a declared side.

    Args:
        plan: The plan, with undeclared settings.
        state: The account.
        config: The configuration, without what a baseline adds to it.
    """
    reader = _Reader(plan, state, config)
    missing = {change.address for change in plan.changes if change.action == "create"}
    for change in plan.changes:
        if any(Address(change.address.parts[:end]) in missing for end in range(1, len(change.address.parts))):
            continue  # it is removed together with the resource that contains it
        if change.action == "create":
            if change.address in config.resources:
                yield Candidate(Item("remove", change.address, change.kind), change.standing)
        elif change.action == "delete":
            yield from reader.deleted(change)
        else:
            yield from reader.fields(change)
    for setting in plan.undeclared:
        yield Candidate(reader.item(setting.address, setting.kind, setting.value), "removed")


@dataclass(frozen=True)
class _Reader:
    plan: Plan
    state: State
    config: Config

    def deleted(self, change: Change) -> Iterator[Candidate]:
        """Yield a resource that is declared as absent, which is refused."""
        declared = self.config.resources.get(change.address)
        if declared is not None and declared.absent:
            reason = "the configuration declares it as absent, and it exists"
            item = Item("add", change.address, change.kind, hidden=reason)
            yield Candidate(item, change.standing)

    def fields(self, change: Change) -> Iterator[Candidate]:
        """Yield the fields that differ; with a type that differs, also those that the live resource has for it."""
        address, kind = change.address, change.kind
        different = {field.path: field for field in change.fields}
        units = {
            path: leader
            for leader, paths in kind.dropped_with.items()
            if leader in different
            for path in (leader, *paths)
        }
        for path, field in different.items():
            item = self.item(address, kind, field)
            if unit := units.get(path, ""):
                is_dropped = path != unit and kind.by_path[path].is_empty(item.content)
                item = replace(item, unit=unit, is_dropped=is_dropped)
            yield Candidate(item, field.standing or change.standing)
        declared, live = self.config.resources.get(address), self.plan.live.get(address)
        if declared is None or live is None:
            return
        for path, leader in units.items():
            spec, content = kind.by_path[path], live.values.get(path)
            if path not in declared.values and path not in different and not spec.is_empty(content):
                added = FieldChange(path, content, None, sensitive=holds_secret(spec, content))
                standing = different[leader].standing or change.standing
                yield Candidate(replace(self.item(address, kind, added), unit=leader), standing)

    def item(self, address: Address, kind: Kind, field: FieldChange) -> Item:
        """Return a field as an item."""
        content: Content = None
        if not isinstance(field.before, (Reference, Unknown)):
            content = field.before
        return Item(
            "set",
            address,
            kind,
            field.path,
            self._spelled(kind, field, content),
            None if isinstance(field.after, (Reference, Unknown)) else field.after,
            hidden=self._why_hidden(kind, field),
        )

    def _why_hidden(self, kind: Kind, field: FieldChange) -> str:
        spec = kind.by_path[field.path]
        if spec.write_only:
            return "Twilio does not return the value"
        if isinstance(field.before, (Reference, Unknown)):
            return "the live value is not known"
        if field.sensitive or spec.secret:
            return "the value is sensitive"
        secrets = [secret for secret in self.config.secrets if len(secret) >= _SHORTEST_SECRET]
        if secrets and any(secret in text for text in texts_of(field.before) for secret in secrets):
            return "the live value contains a secret"
        return ""

    def _spelled(self, kind: Kind, field: FieldChange, content: Content) -> Content:
        """Return a reference as its handle, its name if Twilio creates it, or its SID."""
        reference = kind.references.get(field.path)
        if reference is None or not isinstance(content, str):
            return content
        known = next((found for found, live in self.plan.live.items() if live.sid == content), None)
        if known is not None and known in self.config.resources:
            return known.parts[-1]
        target = self.state.get(content)
        if target is None:  # a plan alone has only its name
            return field.before_name if field.before_name in BY_NAME[reference.kind].built_in else content
        return target.name if target.is_built_in else content


def choose(found: Sequence[Candidate], names: Sequence[Address], config: Config) -> tuple[list[Candidate], list[str]]:
    """Choose the differences to accept.

    Args:
        found: All differences.
        names: Addresses of resources and fields; empty for everything that drifted.
        config: The configuration, to check the names.

    Returns:
        The chosen ones, and an error for each name that means nothing.
    """
    if not names:
        return _with_units(found, [one for one in found if one.standing == "drifted"], asked=False), []
    given, names = names, list(dict.fromkeys(whole_field(name, config) for name in names))
    within: dict[tuple[str, ...], list[Candidate]] = {}
    for one in found:
        parts = _address(one.item).parts
        for end in range(1, len(parts) + 1):
            within.setdefault(parts[:end], []).append(one)
    chosen = {id(one): one for name in names for one in within.get(name.parts, ()) if _is_included(one, name)}
    errors = [
        f"{name}: neither the configuration nor the account has such a value. `reconciler drift` lists what differs"
        for name in unknown_names(given, (one.item for one in found), config)
    ]
    for name in names:
        if name.parts in within:
            continue
        whole = next((one.item for one in found if not one.item.path and name.is_within(one.item.address)), None)
        if whole is not None:
            what = "does not exist in the account" if whole.action == "remove" else "is declared as absent"
            errors.append(f"{name}: {whole.address} {what}; name the resource to accept that")
            continue
        if _is_declared(name, config):
            continue
        known = {*config.resources, *(_address(one.item) for one in found)}
        meant = closest_address(name, known, declared_names(config), lambda address: _fields_of(address, config))
        errors.append(
            f"{name}: no such resource or field. "
            + (
                f"Did you mean this?\n  {shlex.quote(str(meant))}"
                if meant is not None
                else "`reconciler drift` lists what differs"
            )
        )
    accepted = _with_units(found, list(chosen.values()), asked=True)
    return [replace(one, item=item) for one in accepted if (item := narrowed(one.item, given)) is not None], errors


def pending_in(found: Sequence[Candidate]) -> list[str]:
    """Return the names of the values that differ because the configuration changed."""
    return list(dict.fromkeys(one.item.name for one in found if one.standing not in _INCLUDED))


def left_by(found: Sequence[Candidate], names: Sequence[Address]) -> list[str]:
    """Return what differs within names and does not belong to them: it has to be named itself.

    Args:
        found: All differences.
        names: Addresses of resources and whole fields.
    """
    within = (one for one in found for name in names if _address(one.item).is_within(name))
    return list(dict.fromkeys(one.item.name for one in within if not any(_is_included(one, name) for name in names)))


def not_compared_in(names: Sequence[Address], config: Config) -> list[str]:
    """Return the names of fields that Twilio does not return."""
    return [
        str(name)
        for name in names
        for address in _above(name, config.resources)
        if (field := config.resources[address].kind.by_path.get(".".join(name.parts[len(address.parts) :]))) is not None
        and field.write_only
    ]


def _with_units(found: Sequence[Candidate], chosen: Sequence[Candidate], *, asked: bool) -> list[Candidate]:
    """Add the fields that belong to chosen ones.

    Args:
        found: All differences.
        chosen: The chosen ones.
        asked: Whether the user named them. Otherwise what is not drift is not accepted along with it.
    """
    units = {(one.item.address, one.item.unit) for one in chosen if one.item.unit}
    if not units:
        return list(chosen)
    own = {id(one) for one in chosen}
    every = [one for one in found if id(one) in own or (one.item.address, one.item.unit) in units]
    if asked:
        return every
    others = {(one.item.address, one.item.unit): one.item.path for one in every if id(one) not in own}
    return [
        one
        if (path := others.get((one.item.address, one.item.unit))) is None
        else replace(one, item=replace(one.item, hidden=f"{path}, which belongs to it, is not only drift"))
        for one in every
        if id(one) in own
    ]


def _fields_of(address: Address, config: Config) -> Collection[str]:
    return config.resources[address].kind.by_path if address in config.resources else ()


def _is_included(one: Candidate, name: Address) -> bool:
    """Whether a name that a difference is within means it.

    The name of a resource includes what drifted below it. What the configuration changed, or does not declare, has to
    be named itself: otherwise accepting a service could take back merged changes.
    """
    return one.standing in _INCLUDED or name.is_within(one.item.address)


def _address(item: Item) -> Address:
    return item.address.child(*item.path.split(".")) if item.path else item.address


def _is_declared(name: Address, config: Config) -> bool:
    if any(address.is_within(name) for address in config.resources):
        return True
    if any(_is_field(name, config.resources[address].kind, address) for address in _above(name, config.resources)):
        return True
    return any(name == one or _is_field(name, kind, one) for one, kind in _settings(config))


def _settings(config: Config) -> Iterator[tuple[Address, Kind]]:
    """Yield the blocks of settings of the account and of each declared service, which need not be declared."""
    for kind in KINDS:
        if kind.singleton and kind.parent is None:
            yield Address(kind.section), kind
        elif kind.singleton:
            inside = (address for address, one in config.resources.items() if one.kind.name == kind.parent)
            yield from ((address.child(*kind.section), kind) for address in inside)


def _above(name: Address, resources: Collection[Address]) -> Iterator[Address]:
    for end in range(1, len(name.parts)):
        if (address := Address(name.parts[:end])) in resources:
            yield address


def _is_field(name: Address, kind: Kind, address: Address) -> bool:
    path = ".".join(name.parts[len(address.parts) :])
    if not path or not name.is_within(address):
        return False
    return path in kind.by_path or any(other.startswith(f"{path}.") for other in kind.by_path)
