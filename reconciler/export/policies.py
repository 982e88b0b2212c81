"""Settings of existing files for an apply: limits, prune rules, lifecycles, and the like. Pure.

Takes the former `Config` and the live resource of each declaration; returns `Policies`, and the values to write them
again. They are decisions of the authors that no account contains, so an export must not drop them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, field

from reconciler.address import Address
from reconciler.config.model import Acknowledgement, Approval, Config, Lifecycle, Limits, Prune
from reconciler.export.yaml_writer import Data, Owner, Tree, Writable
from reconciler.kinds.base import Kind
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True)
class Policies:
    """Decisions in existing files that an export keeps.

    Attributes:
        limits: The limits of one apply.
        acknowledge: Acknowledged warnings.
        approvals: Approvals of destructive changes.
        unmanaged_ignore: Globs of unmanaged resources that are not reported.
        prune: Prune rules by the address of their collection.
        lifecycles: Lifecycles of resources, by SID.
        sensitive: Fields that are never shown, by SID of the resource.
    """

    limits: Limits = field(default_factory=Limits)
    acknowledge: tuple[Acknowledgement, ...] = ()
    approvals: tuple[Approval, ...] = ()
    unmanaged_ignore: tuple[str, ...] = ()
    prune: Mapping[Address, Prune] = field(default_factory=dict)
    lifecycles: Mapping[str, Lifecycle] = field(default_factory=dict)
    sensitive: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, former: Config, addresses: Mapping[str, Address]) -> Policies:
        """Collect the policies of a configuration.

        Args:
            former: The configuration.
            addresses: The address of each live resource that it declares, by SID.
        """
        declared = {sid: former.resources[address] for sid, address in addresses.items()}
        return cls(
            limits=former.limits,
            acknowledge=former.acknowledge,
            approvals=former.approvals,
            unmanaged_ignore=former.unmanaged_ignore,
            prune=former.prune,
            lifecycles={sid: item.lifecycle for sid, item in declared.items()},
            sensitive={sid: item.sensitive for sid, item in declared.items()},
        )

    def write_top(self, tree: Tree[Owner]) -> None:
        """Write the policies of the whole account at the end of the root file."""
        usual = asdict(Limits())
        limits = {name: most for name, most in asdict(self.limits).items() if most is not None and most != usual[name]}
        approvals: list[Writable] = [
            {
                "address": str(item.address),
                "action": item.action,
                **({"at_most": dict(item.at_most)} if item.at_most else {}),
            }
            for item in self.approvals
        ]
        acknowledge = [
            {"code": item.code, **({"address": item.address} if item.address else {})} for item in self.acknowledge
        ]
        ignored = {"ignore": list(self.unmanaged_ignore)} if self.unmanaged_ignore else {}
        policies: dict[str, Writable] = {
            "limits": limits, "approvals": approvals, "acknowledge": acknowledge, "unmanaged": ignored,
        }  # fmt: skip
        for key, value in policies.items():
            if value:
                tree.add(key, Data(value))

    def write_prune(
        self,
        tree: Tree[Owner],
        parent: Address | None,
        kinds: Iterable[Kind],
        dropped: Collection[Address],
        *,
        with_empty: bool = True,
    ) -> None:
        """Write the prune rules of the collections in one resource, or at the top.

        Args:
            tree: Receives `prune`, and each pruned collection that is empty: a rule for a missing one is an error.
            parent: The resource; None for the top.
            kinds: The kinds inside it.
            dropped: Addresses of collections whose rules are not kept.
            with_empty: Whether to write empty collections that another file may contain.
        """
        rules: dict[str, Prune] = {}
        for kind in kinds:
            collection = Address(kind.section) if parent is None else parent.child(*kind.section)
            if collection in self.prune and collection not in dropped:
                rules[kind.section[-1]] = self.prune[collection]
                if with_empty or not kind.is_container:
                    tree.below(*kind.section)
        if not any(rule.match or rule.keep for rule in rules.values()):
            if rules:
                tree.add("prune", tuple(rules))
            return
        written: dict[str, Writable] = {
            key: {
                **({"match": list(rule.match)} if rule.match else {}),
                **({"except": list(rule.keep)} if rule.keep else {}),
            }
            for key, rule in rules.items()
        }
        tree.add("prune", Data(written))

    def lifecycle_of(self, sid: str, moving: Collection[str]) -> dict[str, Writable]:
        """Return the lifecycle to write for a resource.

        Args:
            sid: The resource.
            moving: Fields that change by themselves, which are ignored as well.
        """
        former = self.lifecycles.get(sid, Lifecycle())
        ignored = sorted({*former.ignore_changes, *moving})
        flags = {"prevent_destroy": former.prevent_destroy, "prevent_create": former.prevent_create}
        lifecycle: dict[str, Writable] = {name: True for name, is_set in flags.items() if is_set}
        return {**lifecycle, **({"ignore_changes": ignored} if ignored else {})}
