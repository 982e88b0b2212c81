"""Finds the commits to revert after an undo, so that the configuration agrees with the account again.

Takes the report of the apply that is undone, and the history of the configuration's files; returns git commands. They
name only the commits whose changes the apply made, and the undo takes back: not those that only followed the account,
nor a revert that followed an earlier undo.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import shlex
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from reconciler import config as config_package
from reconciler.config.sources import looks_like_yaml
from reconciler.errors import ConfigError, UsageError
from reconciler.sources.disk import DiskSources
from reconciler.sources.git_process import is_commit_name, revert_command, revert_command_of
from reconciler.workflow.undo_ledger import records_before, spans_of

if TYPE_CHECKING:
    from reconciler.address import Address
    from reconciler.config.model import Config, Declared
    from reconciler.config.sources import Sources
    from reconciler.documents.ledger import LedgerEntry
    from reconciler.ledger.opening import Ledger
    from reconciler.ledger.repository import Repository
    from reconciler.planning.baseline import Record
    from reconciler.planning.plan import Plan
    from reconciler.planning.undo_targets import Target
    from reconciler.sources.recording import RecordingSources
    from reconciler.workflow.inputs import Inputs
    from reconciler.workflow.undo_ledger import Span
    from reconciler.workflow.undoing import UndoSource

_FILE = re.compile(rb"\$\{file:([^}]*)\}")
_MOST_COMMITS = 100
"""How many commits are loaded to find the one before the apply."""

_Undone: TypeAlias = "Mapping[Address, frozenset[str] | None]"
"""What an undo takes back, by the address in the report: these fields, or the whole resource."""


def _undone(targets: Sequence[Target], plan: Plan) -> _Undone:
    """Return what the undo takes back, or what is as before the apply already."""
    from reconciler.address import Address  # noqa: PLC0415 - see the package

    found = {Address.parse(target.recorded): target for target in targets}
    return {
        address: frozenset(target.after or ()) if target.action == "update" else None
        for address, target in found.items()
        if plan.undone[address].decision != "withheld"
    }


def _declaration(config: Config | None, address: Address, paths: frozenset[str] | None) -> Hashable:
    """Return what a configuration declares of an address, in a form that equals the same in another one."""
    if config is None:
        return None
    declared = config.resources.get(address)
    if declared is not None:
        return (declared.absent, _values(declared, paths))
    prune = config.prune.get(address.collection)
    return None if prune is None else (prune.match, prune.keep)


def _values(declared: Declared, paths: frozenset[str] | None) -> Hashable:
    return frozenset(
        (path, declared.kind.by_path[path].comparable(value.content))
        for path, value in declared.values.items()
        if paths is None or path in paths
    )


# --- without a ledger -------------------------------------------------------------------------------------------------


def reverts_without_ledger(
    source: UndoSource, plan: Plan, inputs: Inputs, environment: Mapping[str, str]
) -> tuple[str, ...]:
    """Return the command that reverts the commit of the report, unless its changes are not those of the apply.

    None if it is the report of an undo, since nothing shows whether the configuration followed that one.

    Args:
        source: The report.
        plan: The plan of the undo.
        inputs: How the present configuration was read.
        environment: Environment variables.
    """
    from reconciler.sources.git import GitSources  # noqa: PLC0415 - see the package

    report, undone = source.report, _undone(source.targets, plan)
    if report.options.undo is not None or not undone:
        return ()
    disk = DiskSources(inputs.path, environment)

    def at(ref: str) -> Config | None:
        try:
            with GitSources(ref, inputs.path, env=environment) as sources:
                return _by_name(sources, inputs.environment, inputs.variables, map(disk.relative, inputs.overlays))
        except UsageError:
            return None

    commit = report.source_commit
    command = revert_command(str(Path(disk.root).parent), commit, environment)
    if not command:
        return ()
    applied, former = at(commit), at(f"{commit}^")
    present = _by_name(disk, inputs.environment, inputs.variables, map(disk.relative, inputs.overlays))
    return (command,) if applied is None or _is_cause(undone, former, applied, present) else ()


def _is_cause(undone: _Undone, former: Config | None, applied: Config, present: Config | None) -> bool:
    """Whether the difference between two configurations is what was undone, and the present one still has it."""
    for address, paths in undone.items():
        before, after, now = (_declaration(one, address, paths) for one in (former, applied, present))
        if before != after and (present is None or now != before):
            return True
    return False


def _by_name(
    sources: Sources, environment: str, variables: Mapping[str, str], overlays: Iterable[str]
) -> Config | None:
    """Load a configuration in which values from outside are known by their names only."""
    try:
        return config_package.load(
            sources, environment=environment, variables=variables, overlays=[*overlays], by_name=True
        )
    except ConfigError:
        return None


# --- with a ledger ----------------------------------------------------------------------------------------------------


def reverts_with_ledger(ledger: Ledger, source: UndoSource, plan: Plan, files: RecordingSources) -> tuple[str, ...]:
    """Return the commands that make the configuration agree with the account after an undo.

    They revert the commits whose changes the apply made, newest first; or restore the files, if these commits are not
    one after another in the history.

    Args:
        ledger: The ledger.
        source: The report of the apply that is undone.
        plan: The plan of the undo.
        files: The files of the configuration.
    """
    report, undone = source.report, _undone(source.targets, plan)
    if report.options.undo is not None or not undone:
        return ()
    repository, spans = ledger.ref.repository, spans_of(ledger, report)
    entry = spans[-1].entry if spans else None
    tip = report.source_commit if entry is None else entry.source.commit
    found = repository.commit(tip) if is_commit_name(tip) else None
    if found is None:
        return ()
    before = None if entry is None else _with_another_commit(ledger, entry, spans[-1].before)
    base = next(iter(found.parents), "") if before is None else before.source.commit
    line = _Line(ledger, entry, tip, files)
    if base and base not in line.places:
        return tuple(_restores(repository, base, _paths(repository, base, tip, files)))
    former = _former_declarations(ledger, undone, records_before(spans, plan), line, base)
    chosen = line.causes(undone, former, base)
    if chosen:
        oldest = max(chosen, key=line.places.__getitem__)
        older = [_with_another_commit(ledger, span.entry, span.before) for span in spans]
        begun = [base if one is None else one.source.commit for one in older]
        chosen |= line.later([*zip(spans, begun, strict=True)], oldest)
        chosen |= _removing(repository, oldest, tip, files)
    return tuple(_reverts(repository, sorted(chosen & line.places.keys(), key=line.places.__getitem__)))


def _former_declarations(
    ledger: Ledger, undone: _Undone, records: Mapping[Address, Record], line: _Line, base: str
) -> dict[Address, Hashable]:
    """Return what the configuration declared that the account has again."""
    numbers = {address: _last_of(records[address]) for address in undone if address in records}
    entries = ledger.ref.find(ledger.tips.newest, {*numbers.values()} - {0})
    former: dict[Address, Hashable] = {}
    for address, paths in undone.items():
        number = numbers.get(address, 0)
        stored = entries.get(number)
        at = records[address].declared_as.get(number, address) if stored is not None else address
        config = line.config(base if stored is None else stored.entry.source.commit)
        is_declared = config is not None and address in config.resources
        former[address] = None if stored is None and is_declared else _declaration(config, at, paths)
    return former


def _last_of(record: Record) -> int:
    """Return the entry whose declaration the account had; 0 if none."""
    return record.baseline or max(record.attempted, default=0)


class _Line:
    """The commits that lead to the present one, each with its first parent, and the configurations at them.

    Args:
        ledger: The ledger.
        entry: The entry of the apply; None if the ledger has none.
        tip: The commit that was applied.
        files: The files of the configuration.

    Attributes:
        places: The place of each commit, from the newest.
    """

    def __init__(self, ledger: Ledger, entry: LedgerEntry | None, tip: str, files: RecordingSources) -> None:
        self._repository = ledger.ref.repository
        self._entry = entry
        self._loaded: dict[str, Config | None] = {}
        newest = ledger.source
        line = self._commits(newest) if newest else []
        if tip not in line:
            newest, line = tip, self._commits(tip)
        self.places = {commit: place for place, commit in enumerate(line)}
        self._tip = self.places[tip]
        paths = ("*.yaml", "*.yml", *(f":(literal){path}" for path in files.paths))
        self._changing = self._commits(newest, f"--max-count={_MOST_COMMITS}", paths=paths)

    def _commits(self, newest: str, *options: str, paths: Sequence[str] = ()) -> list[str]:
        listing = self._repository.output(
            "--no-literal-pathspecs", "rev-list", "--first-parent", *options, newest, "--", *paths
        )
        return (listing or "").split()

    def config(self, commit: str) -> Config | None:
        """Return the configuration at a commit; None if it is invalid, or missing."""
        if commit not in self._loaded:
            self._loaded[commit] = self._load(commit) if commit else None
        return self._loaded[commit]

    def _load(self, commit: str) -> Config | None:
        repository, entry = self._repository, self._entry
        variables = {} if entry is None else entry.source.variables
        known = {name: stored.value for name, stored in variables.items() if stored.value is not None}
        overlays = () if entry is None else entry.source.overlays
        try:
            sources = repository.files_at(commit, repository.root if entry is None else entry.source.root)
        except UsageError:
            return None
        return _by_name(sources, "" if entry is None else entry.environment, known, overlays)

    def causes(self, undone: _Undone, former: Mapping[Address, Hashable], base: str) -> set[str]:
        """Return the applied commits that changed what is undone, and that no later one took back.

        Args:
            undone: What is undone.
            former: What the configuration declared of it before.
            base: A commit before the apply, at which a search ends that finds no such declaration.
        """
        chosen: set[str] = set()
        for address, paths in undone.items():
            found: set[str] = set()
            for commit, value, is_changed in self._history(address, paths):
                place = self.places.get(commit, len(self.places))
                if value == former[address]:
                    found = set() if place < self._tip else found
                    break
                if place >= self._tip and is_changed and commit:
                    found.add(commit)
            else:
                end = self.places.get(base, len(self.places))
                found = {commit for commit in found if self.places[commit] < end}
            chosen |= found
        return chosen

    def later(self, spans: Sequence[tuple[Span, str]], oldest: str) -> set[str]:
        """Return the commits of further runs of a report that are newer than a commit: these corrected it.

        Args:
            spans: The runs, each with the commit before them.
            oldest: The commit.
        """
        found: set[str] = set()
        for span, before in spans:
            begin, end = self.places.get(before, len(self.places)), self.places.get(span.entry.source.commit, 0)
            is_first = begin > self.places[oldest] >= end
            if not is_first or len(span.runs) > 1:
                newer = range(end, min(begin, self.places[oldest]))
                found |= {commit for commit in self._changing if self.places[commit] in newer}
        return found

    def _history(self, address: Address, paths: frozenset[str] | None) -> Iterator[tuple[str, Hashable, bool]]:
        """Yield each commit, what it declares of an address, and whether its parent declares something else.

        A commit that cannot be loaded counts to the next newer one. At the end comes the time before the first commit.
        """
        commits = self._changing
        is_whole = len(commits) < _MOST_COMMITS
        ahead: list[str] = []
        value: Hashable = None
        for commit in commits:
            config = self.config(commit)
            if config is None:
                ahead.append(commit)
                continue
            older = _declaration(config, address, paths)
            yield from ((one, value, older != value) for one in ahead)
            ahead, value = [commit], older
        yield from ((one, value, is_whole and value is not None) for one in ahead)
        if is_whole:
            yield "", None, False


def _paths(repository: Repository, old: str, new: str, files: RecordingSources) -> list[str]:
    """Return the configuration's files at two commits."""
    removed = _removed(repository, old, new)
    yaml = sorted({*files.paths, *filter(looks_like_yaml, removed)})
    return sorted({*yaml, *(_files_in(repository, old, yaml) & removed)})


def _removed(repository: Repository, old: str, new: str) -> set[str]:
    output = repository.output("diff", "--name-only", "--diff-filter=D", "--relative", old, new, "--", ".") or ""
    return {*output.splitlines()}


def _removing(repository: Repository, oldest: str, tip: str, files: RecordingSources) -> set[str]:
    """Return the commits that removed a file that the configuration before a commit uses."""
    parent = f"{oldest}^"
    removed = _removed(repository, parent, tip)
    yaml = sorted({*files.paths, *filter(looks_like_yaml, removed)})
    used = sorted(_files_in(repository, parent, yaml) & removed)
    listing = repository.output("rev-list", "--first-parent", f"{parent}..{tip}", "--", *used) if used else None
    return {*(listing or "").split()}


def _with_another_commit(ledger: Ledger, entry: LedgerEntry, before: LedgerEntry | None) -> LedgerEntry | None:
    """Return the entry before an apply, or before the attempts at the same commit that it continued.

    These did not complete, or were undone. After one that did, an apply of the same commit changed only what someone
    else had changed in the account.
    """
    undone = 0
    while before is not None and before.source.commit == entry.source.commit:
        if before.operation == "undo":
            undone += 1
        elif before.status == "applied":
            if not undone:
                return before
            undone -= 1
        number = before.number - 1
        found = ledger.ref.find(ledger.tips.newest, {number}) if number and not before.begins else {}
        before = found[number].entry if number in found else None
    return before


def _files_in(repository: Repository, commit: str, paths: list[str]) -> set[str]:
    """Return the targets of `${file:}` in files at a commit; both are relative to the root file's folder."""
    top = posixpath.dirname(repository.root)
    texts = (repository.file(commit, posixpath.join(top, path)) or b"" for path in paths)
    found = (name.decode("utf-8", "replace") for text in texts for name in _FILE.findall(text))
    return {posixpath.normpath(name.strip()) for name in found}


def _reverts(repository: Repository, commits: list[str]) -> Iterator[str]:
    """Yield one command for each group of consecutive commits that are all merges, or all not."""
    folder = repository.other_folder()
    for is_merge, group in itertools.groupby(commits, lambda commit: _is_merge(repository, commit)):
        yield revert_command_of(*group, is_merge=is_merge, folder=folder)


def _is_merge(repository: Repository, commit: str) -> bool:
    found = repository.commit(commit)
    return found is not None and len(found.parents) > 1


def _restores(repository: Repository, commit: str, paths: list[str]) -> Iterator[str]:
    """Yield the commands that restore files as they were at a commit."""
    folder, top = repository.folder, posixpath.dirname(repository.root)
    there = [path for path in paths if repository.file(commit, posixpath.join(top, path)) is not None]
    git = ["git", *(["-C", folder] if folder != "." else [])]
    if there:
        yield shlex.join([*git, "restore", f"--source={commit}", "--", *there])
    added = [path for path in paths if path not in there]
    if added:
        yield shlex.join([*git, "rm", "--", *added])
