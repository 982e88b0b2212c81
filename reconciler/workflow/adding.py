"""Adds to a configuration that people wrote what the account has and the configuration lacks.

Takes `Inputs` and an `Endpoint`; returns an `Addition`, whose edits are checked and not yet written. Adds the resources
that a drift lists as unmanaged, with everything in them, and the settings that it lists as undeclared. Values that
differ stay: to take them over is `accepting`. Reads the account only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.address import Address
from reconciler.errors import UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.sources.disk import DiskSources
from reconciler.workflow.acceptance import Acceptance
from reconciler.workflow.connecting import connect
from reconciler.workflow.editing import Checker, Editable, plan_for_edits
from reconciler.workflow.inputs import parse_addresses
from reconciler.workflow.planning import plan_options

if TYPE_CHECKING:
    from reconciler.accept.model import At, Item
    from reconciler.export.existing import ExistingFiles
    from reconciler.export.parts import PartWriter
    from reconciler.export.targets import Path
    from reconciler.kinds.base import Kind
    from reconciler.planning.options import PlanOptions
    from reconciler.planning.plan import Plan
    from reconciler.planning.undeclared import UndeclaredSetting
    from reconciler.report import Progress
    from reconciler.state import Live, State
    from reconciler.workflow.inputs import Endpoint, Inputs


@dataclass(frozen=True, slots=True)
class Addition:
    """Edits that add to a configuration what it lacks.

    Attributes:
        acceptance: The edits, and what cannot be added.
        secrets: The names of the secrets that the user has to set.
        left_out: Sentences on the values that no configuration can contain.
        pinned: The addresses that only their SID identifies.
        unreadable: Sentences on the collections that could not be read.
    """

    acceptance: Acceptance
    secrets: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    pinned: tuple[Address, ...] = ()
    unreadable: tuple[str, ...] = ()


async def add_missing(
    inputs: Inputs, endpoint: Endpoint, progress: Progress, *, include: Sequence[str] = (), at: At = ""
) -> Addition:
    """Find the edits that add what is missing; nothing is written (read-only: the client has no write methods).

    Args:
        inputs: The configuration; its targets narrow what is added.
        endpoint: The account.
        progress: Receives the progress.
        include: The collections to include that may be very long: ``users``, ``conversations``.
        at: Where to write what other environments would get, too: ``overlay`` or ``base``; empty to refuse that.

    Raises:
        ConfigError: The configuration is invalid, in any environment.
        UsageError: A target is invalid or matches nothing, or no environment is selected.
        ReconcilerError: See `reconciler.errors`.
    """
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see the package
    from reconciler.export import notes  # noqa: PLC0415 - see the package
    from reconciler.export.account import read_rest  # noqa: PLC0415 - see the package

    targets = parse_addresses("--target", inputs.targets)
    loaded = Editable.load(inputs, DiskSources(inputs.path, endpoint.environment))
    _check_environment(loaded)
    options = plan_options(replace(inputs, targets=_planned(targets, loaded)))
    options = replace(options, searches=True, settings=True, count_limit=0)
    async with connect(endpoint, ReadClient, progress, config=loaded.selected.config) as client:
        made, state = await plan_for_edits(loaded, client, endpoint, progress, options)
        missing = _Missing(loaded, made, state, targets, frozenset(include))
        await read_rest(client, progress, state, missing.kinds_in)
    return missing.addition(options, at, tuple(notes.unreadable(state)))


def _check_environment(loaded: Editable) -> None:
    """Check that the account is known to be the configuration's.

    Raises:
        UsageError: It is not: each environment has an account of its own, and none is selected.
    """
    config = loaded.selected.config
    if config.environments and not config.environment and config.account_sid is None:
        names = ", ".join(config.environments[:5])
        raise UsageError(
            f"the configuration has environments ({names}). Use --env NAME to add to the one of this account"
        )


def _planned(targets: Sequence[Address], loaded: Editable) -> tuple[str, ...]:
    """Return the part of the configuration to plan, as text: the targeted services if it declares them all."""
    roots = {target.root for target in targets}
    return tuple(map(str, sorted(roots))) if roots <= loaded.selected.config.resources.keys() else ()


class _Missing:
    """What the configuration lacks."""

    def __init__(
        self, loaded: Editable, plan: Plan, state: State, targets: Sequence[Address], include: frozenset[str]
    ) -> None:
        from reconciler.export.targets import long_words  # noqa: PLC0415 - see the package
        from reconciler.kinds.relations import long_collections  # noqa: PLC0415 - see the package

        self.loaded, self.plan, self.state, self.targets = loaded, plan, state, targets
        self.declared: Mapping[str, Address] = {live.sid: address for address, live in plan.live.items()}
        words = {*include, *long_words(targets)}
        self.long = {kind for word, kinds in long_collections().items() for kind in kinds if word in words}
        self.traffic = {kind for kinds in long_collections().values() for kind in kinds}
        self.listed = self._listed()

    def _listed(self) -> set[str]:
        """Return the SIDs of the unmanaged resources that a drift lists, and of those that would be pruned."""
        pruned = {change.sid for change in self.plan.changes if change.action == "delete" and change.sid}
        return {item.live.sid for item in self.plan.unmanaged} | (pruned - self.declared.keys())

    # --- reading ------------------------------------------------------------------------------------------------------

    def kinds_in(self, live: Live) -> list[Kind]:
        """Return the kinds to read in a resource: the included ones, and everything in a missing one."""
        from reconciler.export.targets import overlaps, paths  # noqa: PLC0415 - see the package
        from reconciler.kinds import KINDS  # noqa: PLC0415 - see the package

        if self.targets:
            path = paths(self.state, self.declared).get(live.sid, ())
            if not any(overlaps(path, target) for target in self.targets):
                return []
        if live.sid in self.declared:
            return [kind for kind in KINDS if kind in self.long]
        is_new = live.sid in self.listed or live.kind in self.long
        return [kind for kind in KINDS if kind not in self.traffic or kind in self.long] if is_new else []

    # --- choosing -----------------------------------------------------------------------------------------------------

    @cached_property
    def existing(self) -> ExistingFiles:
        """The addresses and secrets of the configuration, which what is added has to fit."""
        from reconciler.export.existing import ExistingFiles  # noqa: PLC0415 - see the package

        config = self.loaded.selected.config
        secrets = {
            name.partition(":")[2]: value for name, value in config.external.items() if name.startswith("secret:")
        }
        reserved = frozenset(config.resources.keys() - set(self.declared.values()))
        return ExistingFiles(self.declared, reserved=reserved, secrets=secrets)

    @cached_property
    def addresses(self) -> Mapping[str, Address]:
        """The address of every live resource that has a handle."""
        from reconciler.export.exclusions import Exclusions  # noqa: PLC0415 - see the package
        from reconciler.export.fields import FieldFilter  # noqa: PLC0415 - see the package
        from reconciler.export.naming import Naming  # noqa: PLC0415 - see the package

        return Naming(self.state, FieldFilter(self.existing, Exclusions())).addresses

    @cached_property
    def paths(self) -> Mapping[str, Path]:
        """The address of every live resource, each part in every form."""
        from reconciler.export.targets import paths  # noqa: PLC0415 - see the package

        return paths(self.state, self.addresses)

    @cached_property
    def selected(self) -> frozenset[str]:
        """The SIDs that the targets select; everything without targets."""
        from reconciler.export.targets import select  # noqa: PLC0415 - see the package

        if not self.targets:
            return frozenset(live.sid for live in self.state)
        return select(self.state, self.addresses, self.targets)

    @cached_property
    def resources(self) -> frozenset[str]:
        """The SIDs of the missing resources."""
        found: set[str] = set()
        for live in sorted(self.state, key=lambda live: len(live.parents)):
            if live.sid in self.addresses and live.sid in self.selected and live.sid not in self.declared:
                is_inside = bool(live.parents) and live.parents[-1] in found
                if is_inside or live.sid in self.listed or self._is_wanted(live):
                    found.add(live.sid)
        return frozenset(found)

    def _is_wanted(self, live: Live) -> bool:
        """Return whether an undeclared resource is missing although a drift does not list it."""
        from reconciler.config.ignored import is_ignored  # noqa: PLC0415 - see the package

        if live.kind.singleton or self.state.is_protected(live):
            return False
        path = self.paths[live.sid]
        if any(len(path) == len(target.parts) for target in self.targets if self._is_at(path, target)):
            return True  # named, although the configuration ignores it
        names = (self.addresses[live.sid], self.addresses[live.sid].collection.child(live.sid))
        patterns = self.loaded.selected.config.unmanaged_ignore
        return live.kind in self.long and not any(is_ignored(one, name) for one in patterns for name in names)

    @staticmethod
    def _is_at(path: Path, target: Address) -> bool:
        from reconciler.export.targets import is_within  # noqa: PLC0415 - see the package

        return is_within(path, target)

    @cached_property
    def settings(self) -> list[tuple[UndeclaredSetting, Live]]:
        """The undeclared settings, each with its singleton."""
        singletons = {
            (*self.addresses[live.parents[-1]].parts, *live.kind.section) if live.parents else live.kind.section: live
            for live in self.state
            if live.kind.singleton and (not live.parents or live.parents[-1] in self.addresses)
        }
        found = ((setting, singletons.get(setting.address.parts)) for setting in self.plan.undeclared)
        return [(setting, live) for setting, live in found if live is not None and live.sid in self.selected]

    def _scope(self) -> frozenset[str]:
        """The SIDs of the parts to write, and of the declared resources that they refer to or are in."""
        from reconciler.export.targets import with_needs  # noqa: PLC0415 - see the package

        inside = {live.sid for live in self.state if live.kind.singleton and live.parents[-1:] and self._is_in(live)}
        wanted = {*self.resources, *inside, *(live.sid for _, live in self.settings)}
        needed = with_needs(self.state, wanted) - wanted
        return frozenset(wanted | (needed & self.declared.keys()))

    def _is_in(self, live: Live) -> bool:
        return live.parents[-1] in self.resources and live.sid in self.selected

    # --- writing ------------------------------------------------------------------------------------------------------

    def addition(self, options: PlanOptions, at: At, unreadable: tuple[str, ...]) -> Addition:
        """Return the checked edits that add everything."""
        from reconciler.accept.edits import build_groups  # noqa: PLC0415 - see the package
        from reconciler.accept.model import Item  # noqa: PLC0415 - see the package
        from reconciler.export.parts import PartWriter  # noqa: PLC0415 - see the package

        loaded = self.loaded
        writer = PartWriter(self.state, self.existing, self._scope())
        parts = {live.sid: (live, writer.part(live)) for live in self._outermost()}
        items = [
            Item("add", part.address, live.kind, data=part.data)  # type: ignore[arg-type]
            for live, part in parts.values()
            if part is not None
        ]
        items += self._setting_items(writer)
        groups, refused = build_groups(
            items, loaded.files, loaded.environments, loaded.inputs.environment, at, tuple(loaded.inputs.variables)
        )
        checker = Checker(loaded, self.plan, self.state, options)
        accepted, failed = checker.checked(groups)
        acceptance = checker.acceptance(accepted, [*refused, *failed])
        texts = b"".join(item.after for item in acceptance.files.values())
        added = {item.address for item in acceptance.accepted}
        written = [part for _, part in parts.values() if part is not None and part.address in added]
        return Addition(
            acceptance,
            secrets=tuple(sorted(name for name in writer.secrets if f"${{secret:{name}}}".encode() in texts)),
            left_out=tuple(text for part in written for text in part.left_out),
            pinned=tuple(address for part in written for address in part.pinned),
            unreadable=unreadable,
        )

    def _outermost(self) -> Iterator[Live]:
        """Yield the missing resources that no other missing one contains, in the order of their addresses."""
        for sid in sorted(self.resources, key=self.addresses.__getitem__):
            live = self.state.get(sid)
            if live is not None and (not live.parents or live.parents[-1] not in self.resources):
                yield live

    def _setting_items(self, writer: PartWriter) -> Iterator[Item]:
        """Yield an addition for each undeclared setting."""
        from reconciler.accept.model import Item  # noqa: PLC0415 - see the package
        from reconciler.export.parts import Block  # noqa: PLC0415 - see the package

        for setting, live in self.settings:
            *above, last = setting.value.path.split(".")
            block = writer.settings(live)
            for key in above:
                inner = block.get(key)
                block = inner if isinstance(inner, Block) else Block()
            data = {last: block[last]} if last in block else {}
            hidden = "" if data else "an export leaves it out, too"
            yield Item("add", setting.address, setting.kind, setting.value.path, data=data, hidden=hidden)  # type: ignore[arg-type]
