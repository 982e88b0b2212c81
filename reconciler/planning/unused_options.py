"""Reports approvals and options that match nothing: `approvals`, `--approve`, `--target`, `--exclude`, `--rotate`.

Takes a `PlanContext` and the changes of a plan; returns problems with the near miss: errors for options that would
silently change the plan, warnings and notices for approvals. Pure; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from reconciler.address import Address
from reconciler.change import Change
from reconciler.config.model import Approval
from reconciler.errors import Problem, Severity
from reconciler.kinds.relations import settings_of
from reconciler.planning.context import PlanContext
from reconciler.planning.near import Nearness, is_typo


class UnusedOptions:
    """Finds approvals and options that match nothing.

    Args:
        context: configuration and account.
        near: finds near misses, within a shared budget.
    """

    def __init__(self, context: PlanContext, near: Nearness) -> None:
        self.context = context
        self.near = near

    def approvals(self, approvals: Iterable[Approval], changes: Sequence[Change]) -> Iterator[Problem]:
        """Report approvals of the configuration and the command line that approve nothing in the plan."""
        by_address = {change.address: change for change in changes}
        removing = [change for change in changes if change.action in {"delete", "replace"}]
        for approval in approvals:
            change = by_address.get(approval.address)
            if change is not None and (change.action == approval.action or _covers_conflict(approval, change)):
                continue
            option = "approvals" if approval.place is not None else "--approve"
            message = f"{option}: no {approval.action} of {approval.address} is planned"
            if change is not None:
                message = f"{message}; the planned {change.action} is not covered by it"
                yield self._unused_approval(approval, message, severity="warning")
                continue
            meant = self._meant_address(approval.address, [item.address for item in removing], removing)
            known = self._known(changes)
            if meant is None and approval.address not in known:
                meant = self._misspelt_address(approval.address, known, changes)
                message = f"{option}: no such resource {approval.address}" if meant is not None else message
            if meant is not None:
                yield self._unused_approval(approval, f"{message}. Did you mean {meant}?", severity="warning")
            elif approval.place is not None:
                yield self._unused_approval(approval, message, severity="notice")
            else:
                yield self._unused_approval(approval, message, severity="warning")

    @staticmethod
    def _unused_approval(approval: Approval, message: str, *, severity: Severity) -> Problem:
        code = "done-approval" if severity == "notice" else "unused-approval"
        hint = "Remove it once its change is applied." if severity == "notice" else "Use an address shown in the plan."
        if severity == "warning" and approval.place is not None and "no such resource" in message:
            hint = "Write the address as the plan shows it, or remove the approval."
        return Problem(code, message, approval.place, hint, severity=severity, address=str(approval.address))

    def options(self, option: str, addresses: Iterable[Address], changes: Sequence[Change]) -> Iterator[Problem]:
        """Report addresses of an option that match no resource: they would silently change the plan."""
        known = self._known(changes)
        if self.context.selection.settings:
            known += self._settings()
        for address in addresses:
            if any(one.is_within(address) for one in known):
                continue
            meant = self._meant_address(address, known, changes)
            message = f"{option} {address}: no such resource"
            if meant is not None:
                message = f"{message}. Did you mean {meant}?"
            yield Problem(
                "unknown-address",
                message,
                hint="Use an address shown by `reconciler plan`.",
            )

    def rotations(self, addresses: Iterable[Address], changes: Sequence[Change]) -> Iterator[Problem]:
        """Report each `--rotate` of an existing resource that sends nothing: the key would seem rotated."""
        config, selection = self.context.config, self.context.selection
        with_keys = {
            declared.address: {
                path
                for path in declared.values
                if (field := declared.kind.by_path[path]).write_only and not field.forces_replacement
            }
            for declared in config.resources.values()
        }
        choice = ", ".join(str(address) for address, paths in with_keys.items() if paths)
        known = self._known(changes)
        for address in addresses:
            if not any(one.is_within(address) for one in known):
                continue  # reported as an address that matches nothing
            declared = config.resources.get(address)
            if declared is None or not with_keys[address]:
                what = "has no write-only values in the configuration"
                hint = f"Use the address of a resource that has some: {choice}." if choice else "Remove the option."
            elif not selection.covers(declared):
                is_narrowed = address in selection.omitted
                what = "is excluded from the plan" + (" by --target or --exclude" if is_narrowed else "")
                hint = "Remove one of the two options."
            elif declared not in self.context.desired.present:
                what, hint = "is absent in the configuration", "Remove the option."
            elif with_keys[address] <= declared.lifecycle.ignore_changes:
                what = "has ignore_changes for its write-only values"
                hint = "Remove them from ignore_changes, or remove the option."
            else:
                continue
            yield Problem(
                "nothing-to-rotate", f"--rotate {address}: the resource {what}, so nothing would be sent", hint=hint
            )

    def _settings(self) -> list[Address]:
        """The addresses of the singletons that a drift reads, declared or not."""
        return [
            *(Address(kind.section) for kind in settings_of(None)),
            *(
                declared.address.child(*kind.section)
                for declared in self.context.desired.present
                for kind in settings_of(declared.kind)
            ),
        ]

    def _known(self, changes: Iterable[Change]) -> list[Address]:
        """Return every address that exists: declared, live, or changed by the plan."""
        config, sids = self.context.config, self.context.sids
        return [*config.resources, *sids, *(change.address for change in changes)]

    def _misspelt_address(
        self, address: Address, known: Iterable[Address], changes: Iterable[Change]
    ) -> Address | None:
        """Return the known address that a possibly obsolete one probably means.

        Stricter than `_meant_address`: the address of an already applied approval is often similar to an
        existing one.
        """
        names = {(change.address.parts[:-1], change.name): change.address for change in changes}
        names |= {
            (item.address.parts[:-1], item.natural_key): item.address
            for item in self.context.config.resources.values()
            if item.title == item.natural_key
        }
        for live in self.context.state:
            if live.title and not live.kind.singleton and self.context.naming.may_show(live):
                there = self.context.naming.address_of(live)
                names.setdefault((there.parts[:-1], live.title), there)
        found = names.get((address.parts[:-1], address.parts[-1]))
        if found is not None:
            return found
        for one in sorted(set(known)):
            if len(one.parts) != len(address.parts):
                continue
            wrong = [(a, b) for a, b in zip(address.parts, one.parts, strict=True) if a != b]
            if len(wrong) == 1 and is_typo(*wrong[0]):
                return one
        return None

    def _meant_address(self, address: Address, known: Sequence[Address], changes: Iterable[Change]) -> Address | None:
        """Return the known address that is probably meant: the one with that live name, or the most similar one."""
        names: list[tuple[Address, str]] = [(change.address, change.name) for change in changes]
        names += [
            (item.address, item.natural_key)
            for item in self.context.config.resources.values()
            if item.title == item.natural_key and item.address in set(known)
        ]
        for one, name in names:
            if one.parts[:-1] == address.parts[:-1] and name == address.parts[-1]:
                return one
        text = self.near.closest_text(str(address), [str(one) for one in known])
        return next((one for one in known if str(one) == text), None) if text else None


def _covers_conflict(approval: Approval, change: Change) -> bool:
    """Whether an approval of an update lets a change overwrite what changed in the account."""
    standings = {item.standing for item in change.fields}
    return approval.action == "update" and not standings.isdisjoint({"conflict", "removed_conflict"})
