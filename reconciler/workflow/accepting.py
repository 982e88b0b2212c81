"""Accepts drift: chooses the differences that edits of the configuration's files accept.

Takes `Inputs` and an `Endpoint`; returns an `Acceptance`. Reads the account only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import TYPE_CHECKING

from reconciler.address import Address, AddressError
from reconciler.errors import UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.sources.disk import DiskSources
from reconciler.workflow.acceptance import Acceptance
from reconciler.workflow.connecting import connect
from reconciler.workflow.editing import Checker, Editable, plan_for_edits
from reconciler.workflow.planning import plan_options

if TYPE_CHECKING:
    from reconciler.accept.candidates import Candidate
    from reconciler.accept.model import At, Group, Item, Refusal
    from reconciler.api.client import ReadClient
    from reconciler.change import Standing
    from reconciler.config.model import Config
    from reconciler.kinds.base import Kind
    from reconciler.planning.plan import Plan
    from reconciler.report import Progress
    from reconciler.state import Live, State
    from reconciler.workflow.inputs import Endpoint, Inputs


_NO_BASELINE = (
    "without addresses, everything that drifted is accepted, which requires a baseline. Use --baseline git:REF with "
    "the commit that was applied last, or a ledger, or name what to accept, as `reconciler drift` lists it"
)


_BY_NAME: Mapping[Standing, str] = {
    "conflict": "it changed in the configuration and in the account",
    "unknown": "the value that was applied last is unknown, so the configuration may be what changed",
}
"""Why a difference is accepted only by name, although the account may have changed."""

_MOST_PLANNED = 50
"""Named fields; for more, everything is planned."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to accept.

    Attributes:
        addresses: Resources and fields, as text; empty for everything that drifted.
        unmanaged: Unmanaged resources to add, as text.
        at: Where to write values that several resources or environments share.
    """

    addresses: tuple[str, ...] = ()
    unmanaged: tuple[str, ...] = ()
    at: At = ""

    @property
    def is_named(self) -> bool:
        """Whether it names what to accept."""
        return bool(self.addresses or self.unmanaged)


async def accept(inputs: Inputs, endpoint: Endpoint, progress: Progress, request: Request) -> Acceptance:
    """Find the edits that accept drift; nothing is written (read-only: the client has no write methods).

    Args:
        inputs: The configuration.
        endpoint: The account.
        progress: Receives the progress.
        request: What to accept.

    Raises:
        ConfigError: The configuration is invalid, in any environment.
        UsageError: A name means nothing, or there is no baseline and no name.
        ReconcilerError: See `reconciler.errors`.
    """
    from reconciler.accept.narrowing import whole_field  # noqa: PLC0415 - see the package
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see the package

    names = _parse(request.addresses)
    loaded = Editable.load(inputs, DiskSources(inputs.path, endpoint.environment))
    fields = list(dict.fromkeys(whole_field(name, loaded.selected.config) for name in names))
    options = replace(plan_options(inputs), searches=bool(request.unmanaged), settings=request.is_named)
    if len(fields) <= _MOST_PLANNED and not (request.unmanaged or inputs.targets or inputs.excludes):
        options = replace(options, targets=_resources_of(fields, loaded.selected.config))
    async with connect(endpoint, ReadClient, progress, config=loaded.selected.config) as client:
        made, state = await plan_for_edits(
            loaded, client, endpoint, progress, options, requires_baseline="" if request.is_named else _NO_BASELINE
        )
        work = _Work(loaded, made, state, request)
        await work.read_rest(client, progress)
    groups, refused = work.groups(names)
    checker = Checker(loaded, made, state, options)
    accepted, failed = checker.checked(groups)
    refused = [*refused, *failed]
    found = checker.acceptance([] if refused and request.is_named else accepted, refused)
    return replace(found, named_only=tuple(work.named_only), not_compared=tuple(work.not_compared))


def _resources_of(names: Sequence[Address], config: Config) -> tuple[Address, ...]:
    """Return the resources to plan for named fields; empty to plan everything.

    In a large configuration, they are a small part of the reads. A reference needs all of the resources that it could
    be to, and the name of a resource includes its references.
    """
    from reconciler.kinds.fields import Shape  # noqa: PLC0415 - see the package

    found: dict[Address, None] = {}
    for name in names:
        ends = range(len(name.parts) - 1, 0, -1)
        address = next((one for end in ends if (one := Address(name.parts[:end])) in config.resources), None)
        if address is None:
            return ()
        spec = config.resources[address].kind.by_path.get(".".join(name.parts[len(address.parts) :]))
        if spec is None or spec.shape is Shape.REF or spec.natural_key:
            return ()
        found[address] = None
    return tuple(found)


@dataclass
class _Work:
    """The steps from a plan to edits."""

    loaded: Editable
    plan: Plan
    state: State
    request: Request
    named_only: list[str] = field(default_factory=list)
    not_compared: list[str] = field(default_factory=list)

    def groups(self, names: Sequence[Address]) -> tuple[list[Group], list[Refusal]]:
        """Choose what to accept, and build the edits.

        Raises:
            UsageError: A name means nothing.
        """
        from reconciler.accept.candidates import (  # noqa: PLC0415 - see the package
            candidates,
            choose,
            left_by,
            not_compared_in,
            pending_in,
        )
        from reconciler.accept.narrowing import whole_field  # noqa: PLC0415 - see the package

        config = self.loaded.selected.config
        chosen: list[Candidate] = []
        by_name: list[Candidate] = []
        if names or not self.request.unmanaged:
            found = list(candidates(self.plan, self.state, config))
            chosen, errors = choose(found, names, config)
            if errors:
                raise UsageError("; ".join(errors))
            fields = [whole_field(name, config) for name in names]
            self.named_only = left_by(found, fields) if names else pending_in(found)
            self.not_compared = not_compared_in(fields, config)
            by_name = [] if names else [one for one in found if one.standing in _BY_NAME]
        added = {self._find(text).sid: self._unmanaged(text) for text in dict.fromkeys(self.request.unmanaged)}
        items = [self._with_handle(one.item, added) for one in chosen]
        items += added.values()
        groups, refused = self._built(items)
        for standing, reason in _BY_NAME.items():
            unnamed = [one.item for one in by_name if one.standing == standing and one.item not in items]
            refused += self._unnamed(unnamed, reason) if unnamed else ()
        return groups, refused

    @staticmethod
    def _with_handle(item: Item, added: Mapping[str, Item]) -> Item:
        """Return an item that refers to a resource that is added as well with the handle that this one gets."""
        from reconciler.kinds.fields import Shape  # noqa: PLC0415 - see the package

        spec = item.kind.by_path.get(item.path)
        if spec is None or spec.shape is not Shape.REF or not isinstance(item.content, str):
            return item
        target = added.get(item.content)
        return item if target is None else replace(item, content=target.address.parts[-1])

    def _built(self, items: Sequence[Item]) -> tuple[list[Group], list[Refusal]]:
        from reconciler.accept.edits import build_groups  # noqa: PLC0415 - see the package

        return build_groups(
            items,
            self.loaded.files,
            self.loaded.environments,
            self.loaded.inputs.environment,
            self.request.at,
            tuple(self.loaded.inputs.variables),
        )

    def _unnamed(self, items: Sequence[Item], reason: str) -> Iterator[Refusal]:
        """Refuse differences that may be, or contain, a merged change, so that they have to be named.

        Those that could not be accepted by name either are refused for that reason.
        """
        from reconciler.accept.model import Refusal  # noqa: PLC0415 - see the package

        groups, refused = self._built(items)
        yield from refused
        for item in (item for group in groups for item in group.items):
            hint = "name it: `reconciler accept` then takes the account's value"
            yield Refusal(str(item.address), item.path, reason, hint, is_nameable=True)

    def _unmanaged(self, text: str) -> Item:
        """Return an unmanaged resource as an item.

        Raises:
            UsageError: There is no such resource.
        """
        from reconciler.accept.model import Item  # noqa: PLC0415 - see the package
        from reconciler.export.existing import ExistingFiles  # noqa: PLC0415 - see the package
        from reconciler.export.parts import PartWriter  # noqa: PLC0415 - see the package

        live = self._find(text)
        addresses, config = self._declared, self.loaded.selected.config
        secrets = {
            name.partition(":")[2]: value for name, value in config.external.items() if name.startswith("secret:")
        }
        existing = ExistingFiles(addresses, secrets=secrets)
        scope = self._scope(live, addresses) if live.kind.is_container else None
        part = PartWriter(self.state, existing, scope).part(live, whole=live.kind.is_container)
        if part is None:
            return Item("add", Address.parse(text), live.kind, hidden="an export leaves it out, too")
        if part.left_out:
            return Item("add", part.address, live.kind, hidden=f"it cannot be written whole: {part.left_out[0]}")
        return Item("add", part.address, live.kind, data=part.data)  # type: ignore[arg-type]

    async def read_rest(self, client: ReadClient, progress: Progress) -> None:
        """Read what is in the unmanaged services to add, without users and conversations: there may be many.

        Raises:
            UsageError: There is no such resource.
            ApiError: A request failed or was refused.
        """
        from reconciler.export.account import read_rest  # noqa: PLC0415 - see the package
        from reconciler.kinds import KINDS  # noqa: PLC0415 - see the package
        from reconciler.kinds.relations import long_collections  # noqa: PLC0415 - see the package

        await self._read_collections(client, progress)
        found = [self._find(text) for text in self.request.unmanaged]
        whole = {live.sid for live in found if live.kind.is_container}
        if whole:
            long = {kind for kinds in long_collections().values() for kind in kinds}
            short = [kind for kind in KINDS if kind not in long]
            await read_rest(client, progress, self.state, lambda live: short if live.sid in whole else [])

    async def _read_collections(self, client: ReadClient, progress: Progress) -> None:
        """Read the collections of the unmanaged resources in which nothing is declared: a plan does not read these."""
        from reconciler.export.account import read_rest  # noqa: PLC0415 - see the package
        from reconciler.kinds import KINDS  # noqa: PLC0415 - see the package

        asked: dict[str, list[Kind]] = {}
        for wanted in _parse(self.request.unmanaged):
            above = (Address(wanted.parts[:end]) for end in range(len(wanted.parts) - 1, 0, -1))
            live = next((found for one in above if (found := self.plan.live.get(one)) is not None), None)
            if live is not None and not self._named(wanted):
                asked.setdefault(live.sid, []).extend(
                    kind
                    for kind in KINDS
                    if kind.parent == live.kind.name
                    and not kind.singleton
                    and kind.section == wanted.collection.parts[-1:]
                )
        if asked:
            await read_rest(client, progress, self.state, lambda live: asked.get(live.sid, []))

    def _named(self, wanted: Address) -> list[Live]:
        """Return the live resource with a SID, or the undeclared ones with a name in a declared resource."""
        found = self.state.get(wanted.parts[-1])
        if found is not None:
            return [found]
        above = {live.sid: address for address, live in self.plan.live.items()}
        return [
            live
            for live in self.state
            if live.name == wanted.parts[-1]
            and live.sid not in above
            and live.parents
            and live.parents[-1] in above
            and above[live.parents[-1]].child(*live.kind.section) == wanted.collection
        ]

    def _scope(self, live: Live, declared: Mapping[str, Address]) -> frozenset[str]:
        """Return the SIDs of a service and what is in it, and of the declared resources that these refer to."""
        from reconciler.export.targets import with_needs  # noqa: PLC0415 - see the package

        wanted = {live.sid, *(one.sid for one in self.state if live.sid in one.parents)}
        return frozenset(wanted | (with_needs(self.state, wanted) & declared.keys()))

    @property
    def _declared(self) -> Mapping[str, Address]:
        """The addresses of the declared resources by SID; a plan also matches those that are declared no longer."""
        declared = self.loaded.selected.config.resources
        return {live.sid: address for address, live in self.plan.live.items() if address in declared}

    def _find(self, text: str) -> Live:
        from reconciler.config import paste  # noqa: PLC0415 - see the package
        from reconciler.config.similar import closest_address  # noqa: PLC0415 - see the package

        wanted = _parse([text])[0]
        listed = {item.address: item.live for item in self.plan.unmanaged}
        pruned = {
            change.address: live
            for change in self.plan.changes
            if change.action == "delete" and change.sid and (live := self.state.get(change.sid)) is not None
        }
        found = {**pruned, **listed}.get(wanted)
        if found is None and wanted not in self.plan.live:
            named = self._named(wanted)
            if len(named) > 1:
                sids = "".join(f"\n  {paste.option('--unmanaged', wanted.collection.child(one.sid))}" for one in named)
                raise UsageError(
                    f"--unmanaged {text}: {len(named)} unmanaged resources have this name. Use one of:{sids}"
                )
            found = named[0] if named else None
        if found is None or found.sid in self._declared:
            names = [(address, live.title) for address, live in {**pruned, **listed}.items()]
            meant = closest_address(wanted, [*pruned, *listed], names)
            hint = "`reconciler drift --fail-on unmanaged` lists them"
            if meant is not None:
                hint = f"Did you mean this?\n  {paste.option('--unmanaged', meant)}"
            raise UsageError(f"--unmanaged {text}: no such unmanaged resource. {hint}")
        return found


def _parse(texts: Sequence[str]) -> list[Address]:
    """Parse addresses of resources and fields.

    Raises:
        UsageError: One is invalid.
    """
    try:
        return [Address.parse(text) for text in texts]
    except AddressError as error:
        raise UsageError(
            f'{error}; an address looks like services.support.webhooks.method or addresses["+14155550100"]'
        ) from None
