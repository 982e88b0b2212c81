"""Widens a configuration by the resources in the ledger that it no longer declares.

Takes a `Config` and a `Baseline`; returns a `Widened`, whose configuration has a placeholder for each such resource, as
the baseline declares it. Selection, fetch, and match then read and identify these like declared ones. Pure; `removals`
decides what happens to them, once the account was read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import field, replace

from reconciler.address import Address
from reconciler.config.layout import standard_layout
from reconciler.config.model import Config, Declared, Reference, Removed, Value
from reconciler.kinds import BY_NAME
from reconciler.kinds.base import Kind
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.baseline import Baseline, Record
from reconciler.planning.handles import with_present_handles
from reconciler.planning.three_way import Past, past_of


@dataclass(frozen=True)
class Widened:
    """A configuration with placeholders.

    Attributes:
        declared: The configuration without them.
        config: The configuration with them, to select, fetch, and match: its declared resources know their former
            natural keys, and have the references that they had.
        baseline: The baseline, in present addresses.
        stored: The same, in its own addresses.
        pasts: The former declarations of each declared or remembered address, for comparison.
        recorded: The same from the ledger, regardless of ``--baseline``, to decide the next records.
        removed: The addresses of the placeholders whose fate is to be decided, sorted.
        forgotten: The addresses that are no longer remembered, regardless of the account.
        forgotten_fields: The fields that are no longer remembered, by address.
        unreadable: The addresses of removed resources of which no declaration can be read.
        stale: The entries of ``removed`` that match nothing that is removed.
    """

    declared: Config
    config: Config
    baseline: Baseline
    stored: Baseline
    pasts: Mapping[Address, Past] = field(default_factory=dict)
    recorded: Mapping[Address, Past] = field(default_factory=dict)
    removed: tuple[Address, ...] = ()
    forgotten: frozenset[Address] = frozenset()
    forgotten_fields: Mapping[Address, frozenset[str]] = field(default_factory=dict)
    unreadable: tuple[Address, ...] = ()
    stale: tuple[Removed, ...] = ()


def widen(config: Config, baseline: Baseline, others: Collection[Address] = frozenset()) -> Widened:
    """Add a placeholder for each resource that the ledger remembers and the configuration does not declare.

    Args:
        config: The configuration.
        baseline: The baseline.
        others: The addresses under whose handles the ledger remembers other resources; see `separation`.
    """
    return _Widening(config, with_present_handles(baseline, config, others), baseline).run()


class _Widening:
    """One run of `widen`."""

    def __init__(self, config: Config, baseline: Baseline, stored: Baseline) -> None:
        self.config = config
        self.baseline = baseline
        self.stored = stored
        self.recorded = {
            address: past_of(baseline, baseline.records.get(address), address)
            for address in sorted({*config.resources, *baseline.records})
        }
        self.pasts = self.recorded
        if baseline.override is not None:
            self.pasts = {address: self._overridden(past, address) for address, past in self.recorded.items()}
        self.forgotten: set[Address] = set()
        self.fields: dict[Address, set[str]] = {}
        self.used: set[Removed] = set()

    def run(self) -> Widened:
        """Decide which addresses get a placeholder, and add them."""
        removed: list[Address] = []
        unreadable: list[Address] = []
        for address in sorted(self.baseline.records):
            if address in self.config.resources:
                continue
            past = self.pasts[address]
            if (past.is_readable and not past.declarations) or self._is_forgotten(address):
                self.forgotten.add(address)
            else:
                (removed if past.declarations else unreadable).append(address)
        self._find_forgotten_fields()
        resources = {
            address: self._with_references(self._with_former_name(one))
            for address, one in self.config.resources.items()
        }
        for address in removed:
            for one in self._with_containers(address):
                resources.setdefault(one.address, one)
        for past in self.pasts.values():
            for target in _targets(past):
                if target not in resources:
                    resources |= {
                        one.address: one for one in self._container(target, past) if one.address not in resources
                    }
        widened = replace(self.config, resources=dict(sorted(resources.items())))
        return Widened(
            declared=self.config,
            config=widened,
            baseline=self.baseline,
            stored=self.stored,
            pasts=self.pasts,
            recorded=self.recorded,
            removed=tuple(removed),
            forgotten=frozenset(self.forgotten),
            forgotten_fields={address: frozenset(paths) for address, paths in self.fields.items()},
            unreadable=tuple(unreadable),
            stale=tuple(one for one in self.config.removed if one not in self.used),
        )

    def _overridden(self, past: Past, address: Address) -> Past:
        before = (self.baseline.override or {}).get(address)
        if before is None and past.record is None:
            return past
        return Past(past.record or Record(None), before)

    # --- what is not to be decided -----------------------------------------------------------------------------------

    def _is_forgotten(self, address: Address) -> bool:
        """Whether a removed resource is not changed, because of the configuration or of a prune rule."""
        named = [one for one in self.config.removed if address.is_within(one.address)]
        self.used.update(named)
        kind = kind_of(address, self.pasts[address])
        if named or (kind is not None and self.config.on_removal.get(kind.name) == "forget"):
            return True
        return self._is_pruned(address)

    def _is_pruned(self, address: Address) -> bool:
        """Whether a prune rule decides about a removed resource: one of its collection, or of a container of it.

        Inside of a declared resource, a rule about that resource's own neighbors decides nothing.
        """
        past = self.pasts.get(address)
        if address in self.config.resources or past is None or not past.declarations:
            return False
        before = past.declarations[0]
        collection = address if before.kind.singleton else address.collection
        return collection in self.config.prune or (before.parent is not None and self._is_pruned(before.parent))

    def _find_forgotten_fields(self) -> None:
        """Find the fields that ``removed`` names: the rest of an address of which the beginning is remembered."""
        for one in self.config.removed:
            for length in range(1, len(one.address.parts)):
                address, path = Address(one.address.parts[:length]), ".".join(one.address.parts[length:])
                past = self.pasts.get(address)
                declared = self.config.resources.get(address)
                if past is not None and path in past.managed and (declared is None or path not in declared.values):
                    self.fields.setdefault(address, set()).add(path)
                    self.used.add(one)

    # --- placeholders ------------------------------------------------------------------------------------------------

    def _with_containers(self, address: Address) -> Iterator[Declared]:
        """Yield the placeholder of a removed resource, after those of its parents."""
        past = self.pasts[address]
        before = past.declarations[0]
        if before.parent is not None and before.parent not in self.config.resources:
            yield from self._container(before.parent, past)
        former = _former_name(past, before)
        # What is absent is found by its present name only.
        renamed = replace(before, renamed_from=former, absent=not former and self._may_be_deleted(past))
        yield self._with_references(renamed)

    def _container(self, address: Address, past: Past) -> Iterator[Declared]:
        """Yield the containers and targets of a remembered resource, as declared then, and their containers."""
        own = self.pasts.get(address)
        record = past.record or Record(None)
        numbers = (*reversed(record.attempted), record.baseline or 0)
        found = own.declarations[0] if own is not None and own.declarations else None
        for number in numbers:
            found = found or self.baseline.declarations.get(number, {}).get(address)
        if found is None and self.baseline.override is not None:
            found = self.baseline.override.get(address)
        if found is None:
            return
        if found.parent is not None and found.parent not in self.config.resources:
            yield from self._container(found.parent, past)
        is_removed = own is not None and own.declarations and address not in self.forgotten
        yield replace(found, renamed_from="", absent=bool(is_removed) and self._may_be_deleted(own or Past()))

    def _may_be_deleted(self, past: Past) -> bool:
        """Whether a removed resource is probably deleted with everything in it, which then need not be read.

        A resource of which no apply was completed may turn out to be another one.
        """
        before, record = past.declarations[0], past.record
        is_created = record is not None and record.origin == "created"
        if before.kind.singleton or not (is_created or self.config.on_removal.get(before.kind.name) == "delete"):
            return False
        is_container = any(kind.parent == before.kind.name for kind in BY_NAME.values())
        return past.is_completed or not is_container or not before.kind.updatable

    def _with_references(self, declared: Declared) -> Declared:
        """A resource with the references that it had, or may return to, so that their targets are read."""
        past = self.pasts[declared.address]
        if past.record is None or declared.absent:
            return declared
        found = {path: content for path, content in past.record.adopted.items() if isinstance(content, Reference)}
        for one in reversed(past.declarations):
            found |= {path: value.content for path, value in one.values.items() if isinstance(value.content, Reference)}
        added = {path: Value(content, declared.place) for path, content in found.items() if path not in declared.values}
        return replace(declared, values={**declared.values, **added}) if added else declared

    def _with_former_name(self, declared: Declared) -> Declared:
        """Return a declared resource with its former natural key, if the same handle has a different one now."""
        if declared.renamed_from or declared.pin is not None or declared.absent or not declared.kind.updatable:
            return declared
        former = _former_name(self.pasts[declared.address], declared)
        return replace(declared, renamed_from=former) if former else declared


def kind_of(address: Address, past: Past) -> Kind | None:
    """Return the kind of a remembered resource, also if none of its declarations can be read; None if it is unknown."""
    return past.declarations[0].kind if past.declarations else standard_layout().kind_at(address.parts)


def _former_name(past: Past, declared: Declared) -> str:
    """Return another natural key that a resource had, and may still have; empty if its kind cannot be renamed."""
    if not declared.kind.updatable or declared.kind.match_by_content or declared.pin is not None:
        return ""
    names = (before.natural_key for before in past.declarations if before.pin is None)
    return next((name for name in names if name not in {"", declared.natural_key}), "")


def _targets(past: Past) -> Iterator[Address]:
    """Yield the targets of a resource's declarations, without built-in resources."""
    for declared in past.declarations:
        for value in declared.values.values():
            if isinstance(value.content, Reference) and not value.content.built_in:
                yield value.content.address
