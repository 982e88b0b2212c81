"""Edits of the configuration's files, checked in memory for every environment before they are written.

Takes `Inputs` and a plan; returns an `Acceptance`, which `write` writes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import config as config_package
from reconciler.address import Address
from reconciler.errors import ConfigError, MatchError, ReconcilerError, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.sources.disk import DiskSources
from reconciler.sources.edited import EditedSources
from reconciler.workflow.acceptance import Acceptance, affected_by
from reconciler.workflow.baselines import baseline_for
from reconciler.workflow.connecting import plan_key
from reconciler.workflow.inputs import NO_BASELINE
from reconciler.workflow.ledgers import open_ledger
from reconciler.workflow.planning import read_and_plan
from reconciler.workflow.prospects import environment_of, shown_path
from reconciler.workflow.recording import find_recorder
from reconciler.workflow.replacing import Replacement, complete, replace_files

if TYPE_CHECKING:
    from reconciler.accept.files import Files
    from reconciler.accept.model import Group, Item, Refusal
    from reconciler.accept.origins import Environment
    from reconciler.api.client import ReadClient
    from reconciler.config.model import Config
    from reconciler.kinds.base import Kind
    from reconciler.planning.options import PlanOptions
    from reconciler.planning.plan import Plan
    from reconciler.report import Progress
    from reconciler.state import State
    from reconciler.workflow.inputs import Endpoint, Inputs


_MOST_TRIED = 20
"""Edits that are tried again with others; each try loads the configuration."""


def write(acceptance: Acceptance) -> None:
    """Write the files, all or none.

    Raises:
        UsageError: A file changed in between, or cannot be written.
    """
    if acceptance.files:
        replace_files(acceptance.folder, acceptance.files)


@dataclass
class Editable:
    """The configuration in every environment, before and after edits.

    Attributes:
        inputs: The path of the configuration, and the selected environment.
        disk: Its files on the disk.
        files: Its files, parsed.
        environments: The configuration for each environment, the selected one first.
    """

    inputs: Inputs
    disk: DiskSources
    files: Files
    environments: list[Environment]

    @property
    def folder(self) -> Path:
        """The root file's folder."""
        return Path(self.disk.root).parent

    @property
    def selected(self) -> Environment:
        """The selected environment."""
        return next(one for one in self.environments if one.name == self.inputs.environment)

    @classmethod
    def load(cls, inputs: Inputs, disk: DiskSources) -> Editable:
        """Load the configuration for the selected environment, then for each of the others.

        What an interrupted command began to write is completed first.

        Raises:
            ConfigError: It is invalid.
        """
        from reconciler.accept.files import Files  # noqa: PLC0415 - see the package

        complete(Path(disk.root).parent)
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
            overlays = [disk.relative(overlay) for overlay in inputs.overlays] if name == inputs.environment else []
            loaded.environments.append(environment_of(files, config, sources, overlays))
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

    def concealed(self, path: str) -> frozenset[int]:
        """Return the lines of a file that contain a secret in any environment, from 1."""
        lines = self.files.contents.get(path, b"").decode("utf-8-sig").splitlines()
        return frozenset(
            number
            for environment in self.environments
            for number, (line, shown) in enumerate(
                zip(lines, environment.config.lines.get(shown_path(self.disk.root, path), ()), strict=False), 1
            )
            if line.strip() and not shown
        )


async def plan_for_edits(
    loaded: Editable,
    client: ReadClient,
    endpoint: Endpoint,
    progress: Progress,
    options: PlanOptions,
    *,
    requires_baseline: str = "",
) -> tuple[Plan, State]:
    """Plan the configuration, compared with its baseline if it has one.

    Args:
        loaded: The configuration.
        client: The API.
        endpoint: The account.
        progress: Receives the progress.
        options: The options of the plan.
        requires_baseline: The error if there is no baseline; empty if none is required.

    Raises:
        UsageError: There is no baseline.
        ReconcilerError: See `reconciler.errors`.
    """
    config, inputs = loaded.selected.config, loaded.inputs
    key = plan_key(endpoint)
    ledger, _ = await open_ledger(config, inputs, endpoint, client, loaded.disk, writes=False)
    with closing(ledger) if ledger is not None else nullcontext():
        baseline = baseline_for(ledger, config, inputs, endpoint.environment)
        if requires_baseline and (baseline is None or inputs.baseline == NO_BASELINE):
            raise UsageError(requires_baseline)
        return await read_and_plan(
            config,
            client,
            progress,
            options,
            lambda sid: find_recorder(config, inputs, client, sid, key=key, report="").unfinished,
            baseline=baseline,
        )


@dataclass(frozen=True)
class Checker:
    """Checks edits: they change what they should, and nothing else.

    Attributes:
        loaded: The configuration.
        plan: The plan before the edits.
        state: The account.
        options: The options of the plan.
    """

    loaded: Editable
    plan: Plan
    state: State
    options: PlanOptions
    _edited: dict[tuple[int, ...], Mapping[str, bytes]] = field(default_factory=dict, repr=False)
    _hints: dict[str, str] = field(default_factory=dict, repr=False)

    def _edit(self, groups: Sequence[Group]) -> Mapping[str, bytes]:
        """Return the files that edits change; those of the last call again without work."""
        key = tuple(map(id, groups))
        if key not in self._edited:
            changed = self.loaded.files.edited(groups)
            self._edited.clear()
            self._edited[key] = changed
        return self._edited[key]

    def acceptance(self, groups: Sequence[Group], refused: Sequence[Refusal]) -> Acceptance:
        """Return edits with the files that they change."""
        files = self.loaded.files
        changed = self._edit(groups)
        items = tuple(item for group in groups for item in group.items)
        config = self.loaded.selected.config
        concerned = [*(str(item.address) for item in items), *(one.address for one in refused)]
        return Acceptance(
            self.loaded.folder,
            {path: Replacement(files.contents.get(path), data) for path, data in changed.items()},
            items,
            tuple(refused),
            {path: self.loaded.concealed(path) for path in changed},
            self.state.account_sid,
            config.environment,
            affected_by(self.plan, concerned, self.loaded.inputs.path, config.secrets),
            also_changed=tuple(sorted({name for one in groups for name, _, _ in one.allowed} - {config.environment})),
        )

    def checked(self, groups: Sequence[Group]) -> tuple[list[Group], list[Refusal]]:
        """Return the edits that change what they should and nothing else, and refusals of the others."""
        wrong = self._split(groups)
        if len(wrong) > 1:
            wrong = self._only_wrong(groups, wrong)
        refused = [(groups[number], reason) for number, reason in sorted(wrong.items())]
        right = [group for number, group in enumerate(groups) if number not in wrong]
        tried = {(item.address, item.path) for group in groups for item in group.items}
        return right, [refusal for group, reason in refused for refusal in self._refusals(group, reason, tried)]

    def _split(self, groups: Sequence[Group]) -> dict[int, str]:
        """Halve edits until the wrong ones are found; return the reason for each of these, by its number."""
        if not groups or not (reason := self._why_wrong(groups)):
            return {}
        if len(groups) == 1:
            return {0: reason}
        middle = len(groups) // 2
        wrong = self._split(groups[:middle])
        wrong |= {middle + number: reason for number, reason in self._split(groups[middle:]).items()}
        right = [number for number in range(len(groups)) if number not in wrong]
        if reason := self._why_wrong([groups[number] for number in right]):
            wrong |= {number: reason for number in right if number >= middle}
        return wrong

    def _only_wrong(self, groups: Sequence[Group], wrong: Mapping[int, str]) -> dict[int, str]:
        """Return the edits that are wrong together with all right ones: an edit may need one from another half.

        First all but one are tried, since one unrelated edit may be wrong; then each that could be added.
        """
        kept = dict(wrong)
        for number in list(wrong)[:_MOST_TRIED]:
            if not self._why_wrong([group for other, group in enumerate(groups) if other != number]):
                return {number: wrong[number]}
        for number in list(wrong)[:_MOST_TRIED]:
            others = kept.keys() - {number}
            if not self._why_wrong([group for other, group in enumerate(groups) if other not in others]):
                del kept[number]
        return kept

    def _refusals(self, group: Group, reason: str, tried: Collection[tuple[Address, str]]) -> Iterator[Refusal]:
        from reconciler.accept.model import Refusal  # noqa: PLC0415 - see the package

        different = [(change.address, one.path) for change in self.plan.changes for one in change.fields]
        for item in group.items:
            has_more = any(address == item.address and (address, path) not in tried for address, path in different)
            hint = "change it by hand"
            if reason in self._hints:
                hint = self._hints[reason]
            elif item.path and not item.unit and has_more:
                hint = f"accept {item.address} as a whole, or change it by hand"
            yield Refusal(str(item.address), item.path, f"the edited files would be wrong: {reason}", hint)

    def _why_wrong(self, groups: Sequence[Group]) -> str:
        """Return what is wrong with edits; empty if they accept their differences and change nothing else."""
        from reconciler.accept.model import RefusedError  # noqa: PLC0415 - see the package
        from reconciler.accept.verification import unexpected  # noqa: PLC0415 - see the package

        try:
            changed = self._edit(groups)
        except RefusedError as error:
            self._hints[error.reason] = error.hint
            return error.reason
        allowed = {subject for group in groups for subject in group.allowed}
        contents = {**self.loaded.files.contents, **changed}
        created = changed.keys() - self.loaded.files.contents.keys()
        after: Config | None = None
        for environment in self.loaded.environments:
            if not created and environment.reads.isdisjoint(changed):
                # It would read the very same files. Only a created one could match a pattern of its includes.
                after = after or environment.config
                continue
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
        if found := _why_otherwise(after, items):
            return found
        groups = [replace(group, items=[item for item in group.items if not item.is_part]) for group in groups]
        items = [item for item in items if not item.is_part]
        different = self._why_different(after, items)
        if different is not None:
            return different
        try:
            plan = make_plan(after, self.state, replace(self.options, settings=False, searches=False))
        except MatchError as error:
            return next(problem.message for problem in error.problems if problem.severity == "error")
        except ReconcilerError as error:
            return str(error)
        accepted = {(item.address, item.path) for group in groups for item in group.items}
        whole = {address for address, path in accepted if not path}
        for change in plan.changes:
            parts = change.address.parts
            if any(Address(parts[:end]) in whole for end in range(1, len(parts) + 1)):
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


def _why_otherwise(after: Config, items: Iterable[Item]) -> str:
    """Return which of the fields of which only inner values are accepted has another value; empty if none."""
    for item in items:
        if not item.is_part:
            continue
        declared = after.resources.get(item.address)
        value = declared.values.get(item.path) if declared is not None else None
        comparable = item.kind.by_path[item.path].comparable
        if value is None or comparable(value.content) != comparable(item.content):
            return f"{item.name} would have another value"
    return ""


def _identifies(kind: Kind, path: str) -> bool:
    """Whether a change of a field may decide which live resource a declaration matches."""
    return kind.match_by_content or kind.compose_key is not None or path == kind.discriminator
