"""Determines the collections and singletons to read for the part of a configuration that a plan covers.

Takes a `Config`, a `Selection`, and, from the second round on, the live resource of each declared parent; returns lists
and singletons to read. Pure. Round one covers the account's own configuration and the top-level collections; round two,
what the configuration declares, prunes, or refers to in each existing service; round three, the same in each
conversation.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Reference
from reconciler.config.selection import EVERYTHING, Selection
from reconciler.kinds import ACCOUNT, BY_NAME, KINDS, flex
from reconciler.kinds.base import Kind
from reconciler.kinds.markers import Ref
from reconciler.kinds.relations import default_kinds_of, destinations_of, settings_of
from reconciler.kinds.relations import depth as depth_of
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.desired import Desired
from reconciler.state import Collection, Live, State


@dataclass(frozen=True, slots=True)
class Read:
    """One list or one singleton to read.

    Attributes:
        kind: the kind of the singleton or of the list's resources.
        parents: SIDs of the containing resources, outermost first.
        names: natural keys and SIDs of the only resources needed from a list; None if all are.
        consistent: whether a missing resource leads to a delete; if so, a list that changes during the read is read
            again.
    """

    kind: Kind
    parents: tuple[str, ...] = ()
    names: frozenset[str] | None = None
    consistent: bool = False


SEARCHED = tuple(
    kind
    for kind in KINDS
    if not (kind.singleton or kind.is_traffic) and (kind.parent is None or not BY_NAME[kind.parent].is_traffic)
)
"""The kinds that are searched for unmanaged resources on request: those that operators create, not customers."""


def _present(config: Config, selection: Selection) -> Mapping[Address, Declared]:
    """Return the declared resources that a plan covers by address, without those inside an absent one."""
    inside_absent = Desired.contents_of_absent(config)
    if not inside_absent and not selection.omitted and not selection.unreadable:
        return config.resources
    return {
        address: declared
        for address, declared in config.resources.items()
        if address not in inside_absent and selection.covers(declared)
    }


def first_round(config: Config, selection: Selection = EVERYTHING) -> tuple[Read, ...]:
    """Return the account's configuration, always, and the top-level collections that the plan needs."""
    collections = [(kind, selection.covered(members)) for (kind, _), members in config.collections.items()]
    kinds_of_covered = {kind for kind, covered in collections if covered}
    pruned = [prune for prune in config.prune.values() if selection.covers_collection(prune.collection)]
    kinds = {ACCOUNT}
    kinds |= {kind for kind in kinds_of_covered if kind.parent is None}
    kinds |= {prune.kind for prune in pruned if prune.kind.parent is None}
    if selection.searches:
        kinds |= {
            kind for kind in SEARCHED if kind.parent is None and selection.covers_collection(Address(kind.section))
        }
        kinds.add(flex.WEBHOOK)  # its target shows whether the roles of the default service belong to Flex
    if selection.settings:
        kinds |= {kind for kind in settings_of(None) if selection.covers_collection(Address(kind.section))}
    decisive: set[Kind] = set()
    absent = selection.covered([declared for declared in config.exceptions if declared.absent])
    for kind in {prune.kind for prune in pruned} | {declared.kind for declared in absent}:
        decisive |= {use.kind for use in destinations_of(kind)}  # a service that addresses point to is not deleted
        if kind.built_in_by_flex:
            kinds.add(flex.WEBHOOK)  # its target shows whether the default service belongs to Flex
    kinds |= decisive
    for kind in KINDS:
        if kind.parent is None and kinds & {use.kind for use in destinations_of(kind)}:
            kinds.add(kind)  # a service that is referred to by SID may not exist
    kinds |= {
        kind
        for referring, covered in collections
        if referring.references
        for declared in covered
        for kind, scope in _by_sid(declared)
        if scope == "account"
    }
    return tuple(Read(kind, consistent=kind in decisive) for kind in sorted(kinds, key=lambda kind: kind.name))


def _by_sid(declared: Declared) -> Iterable[tuple[Kind, str]]:
    """Return the kinds that a resource refers to by SID, and whether each is in the service or the account."""
    for path, ref in declared.kind.references.items():
        value = declared.values.get(path)
        if value is not None and isinstance(value.content, str) and value.content:
            yield BY_NAME[ref.kind], ref.scope


def next_round(
    config: Config, live: Mapping[Address, Live], depth: int = 1, selection: Selection = EVERYTHING
) -> tuple[Read, ...]:
    """Return what the configuration declares, prunes, or refers to below resources that exist.

    Args:
        config: the configuration.
        live: the live resource of each declared parent that has one.
        depth: the depth below the top: 1 for the contents of services, 2 for those of conversations.
        selection: the part of the configuration that the plan covers.
    """
    present = _present(config, selection)
    wanted: dict[tuple[Kind, tuple[str, ...]], set[str] | None] = {}

    def add(kind: Kind, parent: Address | None, names: Iterable[str] | None = None) -> None:
        above = live.get(parent) if parent is not None else None
        if (
            above is None
            or parent is None
            or parent not in present
            or present[parent].absent
            or depth_of(kind) != depth
        ):
            return
        key = (kind, above.lineage)
        if names is None or not kind.readable_by_name:
            wanted[key] = None
        elif (known := wanted.setdefault(key, set())) is not None:
            known.update(names)

    for (kind, parent), members in config.collections.items():
        covered = members
        if present is not config.resources:
            covered = [declared for declared in members if declared.address in present]
        if kind.parent is None or not covered:
            continue
        add(kind, parent, _names_of(covered) if kind.readable_by_name else None)
        for other in default_kinds_of(kind):
            add(other, parent)
        for declared in covered if kind.references else ():
            for other, owner in _referred_to(declared):
                add(other, owner)
    for prune in config.prune.values():
        if prune.kind.parent is not None and selection.covers_collection(prune.collection):
            parent = prune.collection.collection_owner(prune.kind.section)
            add(prune.kind, parent)
            for kind in default_kinds_of(prune.kind):
                add(kind, parent)
    for declared in present.values() if selection.searches or selection.settings else ():
        for kind in (*_searched_in(declared, selection), *_settings_in(declared, present, selection)):
            add(kind, declared.address)
    reads = [
        Read(kind, parents, None if names is None else frozenset(name for name in names if name))
        for (kind, parents), names in wanted.items()
    ]
    return tuple(sorted(reads, key=lambda read: (read.kind.name, read.parents)))


def _names_of(declared: Iterable[Declared]) -> set[str]:
    """Return the names by which resources can be read."""
    return {name for item in declared for name in (item.pin or item.natural_key, item.renamed_from)}


def _referred_to(declared: Declared) -> Iterable[tuple[Kind, Address | None]]:
    """Yield the kind and the owner of each resource that one refers to and that is not at the top."""
    for kind, scope in _by_sid(declared):
        if scope == "service":
            yield kind, declared.address.root
    for path in declared.kind.references:
        content = declared.values[path].content if path in declared.values else None
        if isinstance(content, Reference):
            kind = BY_NAME[content.kind]
            yield kind, content.address.owner(kind.section)


def _searched_in(declared: Declared, selection: Selection) -> Iterable[Kind]:
    """Yield the kinds of which unmanaged resources are searched for in a resource."""
    for kind in SEARCHED if selection.searches else ():
        collection = declared.address.child(*kind.section)
        if kind.parent == declared.kind.name and selection.covers_collection(collection):
            yield kind


def _settings_in(declared: Declared, present: Mapping[Address, Declared], selection: Selection) -> Iterable[Kind]:
    """Yield the kinds that have to be read to find the undeclared settings of a resource.

    These are its singletons, and the kinds of which a singleton refers to an initial one: only its name shows whether
    the reference is still the one that Twilio made.
    """
    is_wanted = selection.settings and declared.address not in selection.remembered
    for kind in settings_of(declared.kind) if is_wanted else ():
        address = declared.address.child(*kind.section)
        if not selection.covers_collection(address):
            continue
        yield kind
        setting = present.get(address)
        for field in kind.fields:
            ref = field.marker(Ref)
            if ref is not None and ref.initial and (setting is None or field.path not in setting.values):
                yield BY_NAME[ref.kind]


def unreadable(
    config: Config, state: State, live: Mapping[Address, Live], selection: Selection
) -> dict[Collection, tuple[Address, ...]]:
    """Return the declared resources that need a collection that may not be read, by that collection.

    Args:
        config: the configuration.
        state: the account, with the collections that the API refused to return.
        live: the live resource of each declared parent that has one.
        selection: the part of the configuration that the plan covers.
    """
    found: dict[Collection, list[Address]] = {collection: [] for collection in state.unreadable}
    for declared in _present(config, selection).values():
        needed = [(declared.kind, declared.parent)]
        for value in declared.values.values():
            if isinstance(value.content, Reference):
                kind = BY_NAME[value.content.kind]
                above = value.content.address.owner(kind.section)
                needed.append((kind, above))
        for kind, parent in needed:
            above_live = live.get(parent) if parent is not None else None
            if parent is not None and above_live is None:
                continue
            parents = () if above_live is None else above_live.lineage
            if (collection := Collection(kind.name, parents)) in found:
                found[collection].append(declared.address)
    return {collection: tuple(addresses) for collection, addresses in found.items()}


def depths() -> range:
    """Return the depths below the top at which there is something to read."""
    return range(1, 1 + max(depth_of(kind) for kind in KINDS))
