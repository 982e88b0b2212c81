"""Accepts drift: edits of the configuration's files that make them match the account, checked before they are written.

Takes `Inputs` and an `Endpoint`; returns an `Acceptance`, which `write` writes. Reads the account only.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import config as config_package
from reconciler.address import Address, AddressError
from reconciler.config.sources import display_path
from reconciler.errors import ConfigError, MatchError, ReconcilerError, UsageError
from reconciler.sources.disk import DiskSources
from reconciler.sources.edited import EditedSources
from reconciler.workflow.acceptance import Acceptance, affected_by
from reconciler.workflow.baselines import baseline_for
from reconciler.workflow.connecting import connect, plan_key
from reconciler.workflow.inputs import NO_BASELINE
from reconciler.workflow.ledgers import open_ledger
from reconciler.workflow.planning import plan_options, read_and_plan
from reconciler.workflow.recording import find_recorder
from reconciler.workflow.replacing import Replacement, complete, replace_files

if TYPE_CHECKING:
    from reconciler.accept.candidates import Candidate
    from reconciler.accept.files import Files
    from reconciler.accept.model import At, Group, Item, Refusal
    from reconciler.accept.origins import Environment
    from reconciler.config.model import Config
    from reconciler.kinds.base import Kind
    from reconciler.planning.plan import Plan, PlanOptions
    from reconciler.report import Progress
    from reconciler.state import Live, State
    from reconciler.workflow.inputs import Endpoint, Inputs


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


def write(acceptance: Acceptance) -> None:
    """Write the files, all or none.

    Raises:
        UsageError: A file changed in between, or cannot be written.
    """
    if acceptance.files:
        replace_files(acceptance.folder, acceptance.files)


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
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see the package

    names = parse_addresses(request.addresses)
    files = DiskSources(inputs.path, endpoint.environment)
    folder = Path(files.root).parent
    complete(folder)
    loaded = _Loaded.load(inputs, files)
    options = replace(plan_options(inputs), searches=bool(request.unmanaged), settings=request.is_named)
    config = loaded.selected.config
    async with connect(endpoint, ReadClient, progress, config=config) as client:
        key = plan_key(endpoint)
        ledger, _ = await open_ledger(config, inputs, endpoint, client, files, writes=False)
        with closing(ledger) if ledger is not None else nullcontext():
            baseline = baseline_for(ledger, config, inputs, endpoint.environment)
            if not request.is_named and (baseline is None or inputs.baseline == NO_BASELINE):
                raise UsageError(
                    "without addresses, everything that drifted is accepted, which requires a baseline. Use --baseline "
                    "git:REF with the commit that was applied last, or a ledger, or name what to accept, as "
                    "`reconciler drift` lists it"
                )
            made, state = await read_and_plan(
                config,
                client,
                progress,
                options,
                lambda sid: find_recorder(config, inputs, client, sid, key=key, report="").unfinished,
                baseline=baseline,
            )
    work = _Work(loaded, made, state, options, request)
    groups, refused = work.groups(names)
    accepted, failed = work.checked(groups)
    refused = [*refused, *failed]
    if refused and request.is_named:
        accepted = []
    changed = loaded.files.edited(accepted)
    items = tuple(item for group in accepted for item in group.items)
    return Acceptance(
        folder,
        {path: Replacement(loaded.files.contents[path], data) for path, data in changed.items()},
        items,
        tuple(refused),
        {path: loaded.concealed(path) for path in changed},
        state.account_sid,
        config.environment,
        affected_by(made, [*map(_address, items), *map(_address, refused)], inputs.path, config.secrets),
    )


def _address(one: Item | Refusal) -> str:
    return str(one.address)


def parse_addresses(texts: Sequence[str]) -> list[Address]:
    """Parse addresses of resources and fields.

    Raises:
        UsageError: One is invalid.
    """
    try:
        return [Address.parse(text) for text in texts]
    except AddressError as error:
        raise UsageError(f"{error}; an address looks like services.support.webhooks.method") from None


def _identifies(kind: Kind, path: str) -> bool:
    """Whether a change of a field may decide which live resource a declaration matches."""
    return kind.match_by_content or kind.compose_key is not None or path == kind.discriminator


@dataclass
class _Loaded:
    """The configuration in every environment, before and after edits."""

    inputs: Inputs
    disk: DiskSources
    files: Files
    environments: list[Environment]

    @property
    def selected(self) -> Environment:
        return next(one for one in self.environments if one.name == self.inputs.environment)

    @classmethod
    def load(cls, inputs: Inputs, disk: DiskSources) -> _Loaded:
        """Load the configuration for the selected environment, then for each of the others.

        Raises:
            ConfigError: It is invalid.
        """
        from reconciler.accept.files import Files  # noqa: PLC0415 - see the package
        from reconciler.accept.origins import Environment, split_layers  # noqa: PLC0415 - see the package

        files = Files({})
        contents: dict[str, bytes] = {}
        loaded = cls(inputs, disk, files, [])
        names = [inputs.environment]
        while len(loaded.environments) < len(names):
            name = names[len(loaded.environments)]
            sources = EditedSources(disk, contents)
            config = loaded.config(name, sources)
            contents |= sources.contents
            files.contents = contents
            names += [other for other in config.environments if other not in names]
            parsed = [path for path in sources.reads if loaded.shown(path) in config.lines]
            overlays = [disk.relative(overlay) for overlay in inputs.overlays] if name == inputs.environment else []
            loaded.environments.append(Environment(name, config, split_layers(files, parsed, name, overlays)))
        return loaded

    def config(self, name: str, sources: EditedSources) -> Config:
        """Load the configuration for an environment. Only the selected one needs its values from outside."""
        if name == self.inputs.environment:
            return config_package.load(
                sources,
                environment=name,
                variables=self.inputs.variables,
                overlays=[self.disk.relative(overlay) for overlay in self.inputs.overlays],
                strict=self.inputs.strict,
                secrets_later=True,
                now=datetime.now(UTC),
            )
        return config_package.load(sources, environment=name, allow_unset=True)

    def shown(self, path: str) -> str:
        """Return a path as the configuration's places have it."""
        return display_path(posixpath.join(posixpath.dirname(self.disk.root), path))

    def concealed(self, path: str) -> frozenset[int]:
        """Return the lines of a file that contain a secret in any environment, from 1."""
        lines = self.files.contents[path].decode("utf-8-sig").splitlines()
        return frozenset(
            number
            for environment in self.environments
            for number, (line, shown) in enumerate(
                zip(lines, environment.config.lines.get(self.shown(path), ()), strict=False), 1
            )
            if line.strip() and not shown
        )


@dataclass
class _Work:
    """The steps from a plan to checked edits."""

    loaded: _Loaded
    plan: Plan
    state: State
    options: PlanOptions
    request: Request
    problems: list[str] = field(default_factory=list)

    def groups(self, names: Sequence[Address]) -> tuple[list[Group], list[Refusal]]:
        """Choose what to accept, and build the edits.

        Raises:
            UsageError: A name means nothing.
        """
        from reconciler.accept.candidates import candidates, choose  # noqa: PLC0415 - see the package
        from reconciler.accept.edits import build_groups  # noqa: PLC0415 - see the package

        config = self.loaded.selected.config
        chosen: list[Candidate] = []
        if names or not self.request.unmanaged:
            found = list(candidates(self.plan, self.state, config))
            chosen, errors = choose(found, names, config)
            if errors:
                raise UsageError("; ".join(errors))
        items = [one.item for one in chosen]
        items += [self._unmanaged(text) for text in dict.fromkeys(self.request.unmanaged)]
        return build_groups(
            items,
            self.loaded.files,
            self.loaded.environments,
            self.loaded.inputs.environment,
            self.request.at,
            tuple(self.loaded.inputs.variables),
        )

    def _unmanaged(self, text: str) -> Item:
        """Return an unmanaged resource as an item.

        Raises:
            UsageError: There is no such resource.
        """
        from reconciler.accept.model import Item  # noqa: PLC0415 - see the package
        from reconciler.export.single import single  # noqa: PLC0415 - see the package

        live = self._find(text)
        addresses = {one.sid: address for address, one in self.plan.live.items()}
        config = self.loaded.selected.config
        secrets = {
            name.partition(":")[2]: value for name, value in config.external.items() if name.startswith("secret:")
        }
        address, data, left_out = single(self.state, live, addresses, secrets)
        if address is None:
            return Item("add", Address.parse(text), live.kind, hidden="an export leaves it out, too")
        if live.kind.is_container:
            reason = f"a {live.kind.noun} has other resources in it; `reconciler export` writes it whole"
            return Item("add", address, live.kind, hidden=reason)
        if left_out:
            return Item("add", address, live.kind, hidden=f"it cannot be written whole: {left_out[0]}")
        return Item("add", address, live.kind, data=data)  # type: ignore[arg-type]

    def _find(self, text: str) -> Live:
        from reconciler.config import paste  # noqa: PLC0415 - see the package
        from reconciler.config.similar import closest_address  # noqa: PLC0415 - see the package

        wanted = parse_addresses([text])[0]
        listed = {item.address: item.live for item in self.plan.unmanaged}
        pruned = {
            change.address: live
            for change in self.plan.changes
            if change.action == "delete" and change.sid and (live := self.state.get(change.sid)) is not None
        }
        found = {**pruned, **listed}.get(wanted)
        found = found or self.state.get(wanted.parts[-1])
        if found is None or found.sid in {live.sid for live in self.plan.live.values()}:
            names = [(address, live.title) for address, live in {**pruned, **listed}.items()]
            meant = closest_address(wanted, [*pruned, *listed], names)
            hint = "`reconciler drift --fail-on unmanaged` lists them"
            if meant is not None:
                hint = f"Did you mean this?\n  {paste.option('--unmanaged', meant)}"
            raise UsageError(f"--unmanaged {text}: no such unmanaged resource. {hint}")
        return found

    # --- verification -------------------------------------------------------------------------------------------------

    def checked(self, groups: Sequence[Group]) -> tuple[list[Group], list[Refusal]]:
        """Return the edits that change what they should and nothing else, and refusals of the others."""
        if not groups:
            return [], []
        reason = self._why_wrong(groups)
        if not reason:
            return list(groups), []
        if len(groups) == 1:
            return [], list(self._refusals(groups[0], reason))
        middle = len(groups) // 2
        first, first_refused = self.checked(groups[:middle])
        second, second_refused = self.checked(groups[middle:])
        refused = [*first_refused, *second_refused]
        if first and second and (reason := self._why_wrong([*first, *second])):
            refused += [refusal for group in second for refusal in self._refusals(group, reason)]
            second = []
        return [*first, *second], refused

    @staticmethod
    def _refusals(group: Group, reason: str) -> Iterator[Refusal]:
        from reconciler.accept.model import Refusal  # noqa: PLC0415 - see the package

        for item in group.items:
            whole = f"accept {item.address} as a whole, or change it by hand" if item.path else "change it by hand"
            yield Refusal(str(item.address), item.path, f"the edited files would be wrong: {reason}", whole)

    def _why_wrong(self, groups: Sequence[Group]) -> str:
        """Return what is wrong with edits; empty if they accept their differences and change nothing else."""
        from reconciler.accept.model import RefusedError  # noqa: PLC0415 - see the package
        from reconciler.accept.verification import unexpected  # noqa: PLC0415 - see the package

        try:
            changed = self.loaded.files.edited(groups)
        except RefusedError as error:
            return error.reason
        allowed = {subject for group in groups for subject in group.allowed}
        contents = {**self.loaded.files.contents, **changed}
        after: Config | None = None
        for environment in self.loaded.environments:
            try:
                config = self.loaded.config(environment.name, EditedSources(self.loaded.disk, contents))
            except ConfigError as error:
                return next(problem.message for problem in error.problems if problem.severity == "error")
            if found := next(unexpected(environment.name, environment.config, config, allowed), ""):
                return found
            after = after or config
        assert after is not None
        return self._why_planned(after, groups)

    def _why_planned(self, after: Config, groups: Sequence[Group]) -> str:
        """Return which of the accepted differences a plan would still have; empty if none."""
        from reconciler.planning.plan import make_plan  # noqa: PLC0415 - see the package

        items = [item for group in groups for item in group.items]
        if (found := self._why_different(after, items)) is not None:
            return found
        try:
            plan = make_plan(after, self.state, replace(self.options, settings=False, searches=False))
        except MatchError as error:
            return next(problem.message for problem in error.problems if problem.severity == "error")
        except ReconcilerError as error:
            return str(error)
        accepted = {(item.address, item.path) for group in groups for item in group.items}
        whole = {address for address, path in accepted if not path}
        for change in plan.changes:
            if change.address in whole:
                return f"{change.address} would still differ"
            for item in change.fields:
                if (change.address, item.path) in accepted:
                    return f"{change.address}.{item.path} would still differ"
        return ""

    def _why_different(self, after: Config, items: Sequence[Item]) -> str | None:
        """Return which of several fields would still differ; None if only a whole plan can tell.

        In a large configuration, this takes a fraction of the time of a plan.
        """
        from reconciler.kinds.fields import Shape  # noqa: PLC0415 - see the package
        from reconciler.planning.diff import diff  # noqa: PLC0415 - see the package

        sids = {address: live.sid for address, live in self.plan.live.items()}
        paths: dict[Address, set[str]] = {}
        for item in items:
            field_ = item.kind.by_path.get(item.path)
            if field_ is None or field_.natural_key or field_.shape is Shape.REF or item.address not in sids:
                return None
            if item.address not in after.resources or _identifies(item.kind, item.path):
                return None
            paths.setdefault(item.address, set()).add(item.path)
        for address, accepted in paths.items():
            live = self.plan.live[address]
            changes = diff(after.resources[address], live, lambda ref: sids.get(ref.address), lambda _sid: "")
            for change in changes:
                if change.path in accepted:
                    return f"{address}.{change.path} would still differ"
        return ""
