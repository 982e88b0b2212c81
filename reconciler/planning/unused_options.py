"""Reports approvals and options that match nothing: `approvals`, `--approve`, `--target`, `--exclude`, `--rotate`.

Takes a `PlanContext` and the changes of a plan; returns problems with the near miss: errors for options that would
silently change the plan, warnings and notices for approvals. Pure; decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.address import Address
from reconciler.change import Change
from reconciler.config import paste
from reconciler.config.model import Approval
from reconciler.config.similar import is_typo
from reconciler.errors import Problem, Severity
from reconciler.kinds.relations import settings_of
from reconciler.planning.context import PlanContext
from reconciler.planning.near import Nearness, declared_names


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
                # Other actions require no approval.
                other = replace(approval, action=change.action) if change.action in {"delete", "replace"} else None
                yield self._unused_approval(approval, message, severity="warning", meant=other)
                continue
            meant = self._removed_instead(approval.address, removing)
            known = self._known(changes)
            if meant is None and approval.address not in known:
                meant = self._misspelt_address(approval.address, known, changes)
                message = f"{option}: no such resource {approval.address}" if meant is not None else message
            if meant is not None:
                said = f"{message}. Did you mean {meant}?"
                yield self._unused_approval(approval, said, severity="warning", meant=replace(approval, address=meant))
            elif approval.place is not None:
                yield self._unused_approval(approval, message, severity="notice")
            else:
                yield self._unused_approval(approval, message, severity="warning")

    @staticmethod
    def _unused_approval(
        approval: Approval, message: str, *, severity: Severity, meant: Approval | None = None
    ) -> Problem:
        code = "done-approval" if severity == "notice" else "unused-approval"
        hint = "Remove it once its change is applied." if severity == "notice" else "Use an address shown in the plan."
        if severity == "warning" and approval.place is not None and "no such resource" in message:
            hint = "Write the address as the plan shows it, or remove the approval."
        hint = "Use this instead:" if meant is not None else hint
        fix = ""
        if meant is not None and approval.place is not None:
            fix = paste.approval(meant.address, meant.action, meant.at_most)
        elif meant is not None:
            fix = paste.option("--approve", meant)
        return Problem(code, message, approval.place, hint, severity=severity, address=str(approval.address), fix=fix)

    def options(self, option: str, addresses: Sequence[Address], changes: Sequence[Change]) -> Iterator[Problem]:
        """Report addresses of an option that match no resource: they would silently change the plan."""
        if not addresses:
            return
        known = self._known(changes)
        if self.context.selection.settings:
            known += self._settings()
        for address in addresses:
            if any(one.is_within(address) for one in known):
                continue
            meant = self.near.closest_address(address, known, self._names(changes))
            message = f"{option} {address}: no such resource"
            if meant is not None:
                message = f"{message}. Did you mean {meant}?"
            yield Problem(
                "unknown-address",
                message,
                hint="Use an address shown by `reconciler plan`." if meant is None else "Use this instead:",
                fix=paste.option(option, meant) if meant is not None else "",
            )

    def rotations(self, addresses: Sequence[Address], changes: Sequence[Change]) -> Iterator[Problem]:
        """Report each `--rotate` of an existing resource that sends nothing: the key would seem rotated."""
        if not addresses:
            return
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
            below = [one for one, paths in with_keys.items() if paths and one.is_within(address)]
            fix = "\n".join(paste.option("--rotate", one) for one in below)
            message = f"--rotate {address}: the resource {what}, so nothing would be sent"
            yield Problem("nothing-to-rotate", message, hint=hint, fix=fix)

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

        Stricter than the search for options: the address of an already applied approval is often similar to an
        existing one.
        """
        found = next((one for one, name in self._names(changes) if _is_named(address, one, name)), None)
        if found is not None:
            return found
        for one in sorted(set(known)):
            if len(one.parts) != len(address.parts):
                continue
            wrong = [(a, b) for a, b in zip(address.parts, one.parts, strict=True) if a != b]
            if len(wrong) == 1 and is_typo(*wrong[0]):
                return one
        return None

    def _removed_instead(self, address: Address, removing: Sequence[Change]) -> Address | None:
        """Return the address of the planned delete or replace that an approval probably means."""
        known = [change.address for change in removing]
        meant = self.near.closest_address(address, known, [(change.address, change.name) for change in removing])
        return meant if meant in known else None

    def _names(self, changes: Iterable[Change]) -> list[tuple[Address, str]]:
        """Return names of resources that may be shown, those of the plan first, with the addresses."""
        names = [(change.address, change.name) for change in changes]
        names += declared_names(self.context.config)
        names += [
            (self.context.naming.address_of(live), live.title)
            for live in self.context.state
            if live.title and not live.kind.singleton and self.context.naming.may_show(live)
        ]
        return names


def _is_named(address: Address, one: Address, name: str) -> bool:
    return one.collection == address.collection and name == address.parts[-1]


def _covers_conflict(approval: Approval, change: Change) -> bool:
    """Whether an approval of an update lets a change overwrite what changed in the account."""
    standings = {item.standing for item in change.fields}
    return approval.action == "update" and not standings.isdisjoint({"conflict", "removed_conflict"})
