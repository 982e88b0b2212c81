"""State -> YAML: a live account as the files that would make it, and that find nothing to do when they are planned.

Takes a `State` and, where files are there already, their `Config`; gives texts by path. Pure but for `account`, which
fills the state: nothing here writes a file. It trusts its own writing no more than anybody else's: what it wrote is
loaded and planned against the same state, and whatever the files cannot hold (a URL that is none, a word that no field
takes, two names that are one) is left out with a comment, or pinned, until the plan is empty.

    account     the account -> State
    kept        what files that are there take from outside, and keep
    handles     what each resource is called in the files
    contents    resources -> trees of keys and values
    written     trees -> text
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from reconciler import config
from reconciler.address import Address
from reconciler.change import Change
from reconciler.config.model import Config, Unknown, Value
from reconciler.config.sources import select
from reconciler.errors import ConfigError, MatchError, ProblemsError, ReconcilerError
from reconciler.export.contents import Verdicts, Writer
from reconciler.export.handles import slug
from reconciler.export.kept import Known, Said, texts
from reconciler.export.written import Line, Tree, lines, scalar
from reconciler.kinds import BY_NAME
from reconciler.planning.dangling import dead_destinations
from reconciler.planning.plan import Plan, make_plan
from reconciler.state import State

ROOT = "reconciler.yaml"
_SERVICES = "services"
MARK = "# Written by `reconciler export`."
"""The beginning of every file that an export wrote, by which the next one knows that it may write it anew."""
_HEADER = f"{MARK} The next export writes this file anew; take this line out to prevent that."
MOST_IN_FILE = 5_000_000
"""How many bytes of users and conversations go into one file; a configuration takes files of twice that size."""
_SPLIT = frozenset({"users", "conversations"})
_MOST_ROUNDS = 20
_NAMELESS = "service"
_LOOKUP = re.compile(r"(?<!\$)\$\{((?:secret|env|file):[^{}:]+)")
_MOST_LISTED = 3
_ALIKE = frozenset({"declared-twice"})
"""Problems of the files that a pin solves."""
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in "123456789")}
)
"""Names that Windows has no files of."""


@dataclass(frozen=True, slots=True)
class Export:
    """An account as files.

    Attributes:
        files: texts by path, the root file first; paths are relative to the root file's folder.
        config: the same, loaded.
        secrets: the names of the secrets that a person has to set, sorted.
        left_out: how many live contents and resources the files do not hold, each told in a comment.
        pinned: the addresses of what only its SID recognises, sorted.
        warnings: sentences on what the files go on taking from outside of them, where the account has something else
            or nobody can tell.
        mark: how every file begins.
        unreadable: what is missing because it may not be read, in sentences.
    """

    files: Mapping[str, str]
    config: Config
    secrets: tuple[str, ...] = ()
    left_out: int = 0
    pinned: tuple[Address, ...] = ()
    warnings: tuple[str, ...] = ()
    mark: str = MARK
    unreadable: tuple[str, ...] = ()


def export(state: State, *, known: Known | None = None, in_one_file: bool = True) -> Export:
    """Write an account as files.

    Args:
        state: the account, read in full but for what is not to be exported.
        known: what files that are there already say, whose handles and references stay.
        in_one_file: whether everything goes into one file, rather than each service into one of its own.

    Raises:
        ReconcilerError: when what was written could not be made to plan as empty, which is a bug.
    """
    known = known or Known()
    verdicts = Verdicts()
    reasons: list[str] = []
    for _ in range(_MOST_ROUNDS):
        writer = Writer(state, known, verdicts, "" if in_one_file else _SERVICES)
        written = _Written(writer, in_one_file=in_one_file)
        before = len(verdicts)
        loaded = written.judge(verdicts)
        if loaded is not None:
            return Export(
                files=written.texts,
                config=loaded,
                secrets=tuple(sorted({*writer.secrets.values(), *writer.looked_up, *written.secrets()})),
                left_out=len(writer.untold | verdicts.left_out.keys()),
                pinned=tuple(address for address, declared in loaded.resources.items() if declared.pin is not None),
                warnings=(*written.warnings(loaded), *_unpruned(verdicts), *_dead_destinations(state)),
                unreadable=_unreadable(state),
            )
        reasons = written.reasons
        if before == len(verdicts):
            break
    raise ReconcilerError(
        "this account could not be written as files that plan as empty, which is a bug in reconciler: "
        + "; ".join(reasons[:3])
    )


def _unpruned(verdicts: Verdicts) -> Iterator[str]:
    for collection in sorted(verdicts.unpruned):
        yield (
            f"{collection}: the prune rule of the existing files is not kept, because it would delete live resources "
            "that the exported files do not contain"
        )


def _dead_destinations(state: State) -> Iterator[str]:
    for live, use, sid in dead_destinations(state):
        yield f"the {live.kind.noun} {live.title} {use.ref.verb} {sid}, a {use.ref.kind} that does not exist"


@dataclass
class _Texts:
    """Files in memory, and of what is outside only what they go on taking from there."""

    files: Mapping[str, str]
    known: Known
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    root: str = ROOT

    def __post_init__(self) -> None:
        self._names = self.known.names()

    def read(self, path: str) -> bytes:
        return self.files[path].encode() if path in self.files else self.known.read(path)

    def glob(self, pattern: str) -> Sequence[str]:
        return select(pattern, self.files)

    def identity(self, path: str) -> str:
        return path

    def environment(self, name: str) -> str | None:
        if name in self.secrets:
            return self.secrets[name]
        return self.known.environment(name) if name in self._names else None


@dataclass
class _Written:
    """One attempt at the files.

    Attributes:
        writer: wrote the trees.
        in_one_file: whether there is one file only.
        texts: the files.
        owners: what each line says, by file.
        reasons: why they do not do, in sentences.
        differing: fields that the files go on taking from outside, and of which the account has something else.
    """

    writer: Writer
    in_one_file: bool
    texts: dict[str, str] = field(default_factory=dict)
    owners: dict[str, list[Said | None]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    differing: set[Said] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.in_one_file:
            self._write(ROOT, self.writer.top(with_services=True), "version: 1")
            return
        top, services = self.writer.top(with_services=False), list(self.writer.services())
        names = _file_names([handle for handle, _ in services])
        files: dict[str, Tree[Said]] = {}
        for handle, tree in services:
            first, *others = _parts(handle, tree)
            files[f"{_SERVICES}/{names[handle]}.yaml"] = first
            for number, other in enumerate(others, 2):
                files[f"{_SERVICES}/{names[handle]}.{number}.yaml"] = other
        include = [f"  - {scalar(path)}" for path in files]
        self._write(ROOT, top, "version: 1", *(["include:", *include] if include else []))
        for path, tree in files.items():
            self._write(path, tree)

    def _write(self, path: str, tree: Tree[Said], *head: str) -> None:
        missing = [f"# {text}" for text in _unreadable(self.writer.state)] if path == ROOT else []
        written: list[Line[Said]] = [Line(text) for text in (_HEADER, *missing, *head)] + [*lines(tree)]
        self.texts[path] = "".join(f"{line.text}\n" for line in written)
        self.owners[path] = [line.owner for line in written]

    # --- whether they do ----------------------------------------------------------------------------------------------

    def judge(self, verdicts: Verdicts) -> Config | None:
        """Load and plan the files; the configuration when they do, else None and the verdicts say what has to go."""
        try:
            loaded = config.load(_Texts(self.texts, self.writer.known, self.writer.looked_up), allow_unset=True)
            made = make_plan(loaded, self.writer.state)
        except ConfigError as error:
            self._blame_problems(error, _ALIKE, verdicts)
            return None
        except MatchError as error:
            self._blame_problems(error, None, verdicts)
            return None
        return None if self._blame_changes(made, verdicts) else loaded

    def _blame_problems(self, error: ProblemsError, pinnable: frozenset[str] | None, verdicts: Verdicts) -> None:
        """Pin what is about who is who, for all problems when no codes are given; leave everything else out."""
        for problem in error.problems:
            place = problem.place
            if problem.severity != "error":
                continue
            self.reasons.append(problem.message)
            owners = self.owners.get(place.file, []) if place is not None else []
            said = owners[place.line - 1] if place is not None and 0 < place.line <= len(owners) else None
            if said is None:
                continue
            if (pinnable is None or problem.code in pinnable) and said.sid in self.writer.pinnable(verdicts):
                verdicts.pinned[said.sid] = "nothing else tells it apart"
            else:
                self._take_out(said, problem.message, verdicts)

    def _blame_changes(self, made: Plan, verdicts: Verdicts) -> bool:
        """Whether anything is to be changed but what the files go on taking from outside of them."""
        for change in made.changes:
            reason = f"planning it would {change.action} {change.address}"
            sid = self.writer.placed.get(change.address, "")
            said = {Said(sid, item.path) for item in change.fields}
            if said and change.action in {"update", "replace"} and said <= self.writer.known.kept.keys():
                self.differing |= said
                continue
            self.reasons.append(reason)
            if change.action == "delete" and not sid:
                verdicts.unpruned.add(_collection_of(change))
            elif sid in self.writer.pinnable(verdicts):
                verdicts.pinned[sid] = "nothing else tells it apart"
            elif sid:
                for item in said:
                    self._take_out(item, reason, verdicts)
                if not said:
                    self._take_out(Said(sid), reason, verdicts)
        return bool(self.reasons)

    # --- what a person has to know ------------------------------------------------------------------------------------

    def secrets(self) -> set[str]:
        """The names of the secrets that the files go on using."""
        return {name for _, value in self._kept() for name in value.secrets}

    def warnings(self, loaded: Config) -> Iterator[str]:
        """What of the files and the account is not the same, or not known to be."""
        for said, value in sorted(self._kept(), key=lambda item: (self._address(item[0].sid), item[0].path)):
            address = self._address(said.sid)
            held = loaded.resources[address].values.get(said.path)
            if held is None or loaded.resources[address].kind.by_path[said.path].write_only:
                continue
            stays = f"{address}: {said.path} stays as the files have it, from {_listed(value)}"
            if isinstance(held.content, Unknown):
                yield f"{stays}; whether the account has the same cannot be told: {held.content.reason}"
            elif said in self.differing:
                yield f"{stays}; the account has something else, which an apply would overwrite"

    def _kept(self) -> Iterator[tuple[Said, Value]]:
        out = self.writer.verdicts.left_out
        for said, value in self.writer.known.kept.items():
            if said not in out and said not in self.writer.untold and said.sid in self._addresses:
                yield said, value

    @cached_property
    def _addresses(self) -> dict[str, Address]:
        return {sid: address for address, sid in self.writer.placed.items()}

    def _address(self, sid: str) -> Address:
        return self._addresses[sid]

    def _take_out(self, said: Said, reason: str, verdicts: Verdicts) -> None:
        """Leave a field out, and where that is done already, the resource."""
        verdicts.left_out[said if said not in verdicts.left_out else Said(said.sid)] = reason


def _collection_of(change: Change) -> Address:
    return Address(change.kind.section) if change.parent is None else change.parent.child(*change.kind.section)


def _unreadable(state: State) -> tuple[str, ...]:
    """What the API key may not read, for people; names are shown as YAML writes them, on one line."""
    found = []
    for collection, refusal in sorted(state.unreadable.items(), key=lambda item: str(item[0])):
        kind, above = BY_NAME[collection.kind], state.get(collection.parents[-1]) if collection.parents else None
        where = f" of {scalar(above.title)}" if above is not None else ""
        found.append(
            f"Not exported: the {kind.noun}{'' if kind.singleton else ' list'}{where} could not be read "
            f"({refusal.answer})."
        )
    return tuple(found)


def _listed(value: Value) -> str:
    """What a field takes from outside, for people; literal parts, which may be anything, are left away."""
    found = dict.fromkeys(f"${{{name}}}" for text in texts(value.written) for name in _LOOKUP.findall(text))
    return ", ".join(list(found)[:_MOST_LISTED]) + (", …" if len(found) > _MOST_LISTED else "")


def _file_names(handles: Sequence[str]) -> dict[str, str]:
    """A name for each service's file, unlike any other even where upper and lower case are one."""
    names: dict[str, str] = {}
    for handle in handles:
        wanted = slug(handle) or _NAMELESS
        if wanted in _RESERVED:
            wanted += f"-{_NAMELESS}"
        name, number = wanted, 1
        while name in names.values():
            number += 1
            name = f"{wanted}-{number}"
        names[handle] = name
    return names


def _parts(handle: str, tree: Tree[Said]) -> list[Tree[Said]]:
    """A service's tree in parts that each fit into a file: users and conversations may be many."""
    parts, size = [tree], 0
    for section in tree.below("services", handle).entries:
        if section.key not in _SPLIT or not isinstance(section.value, Tree):
            continue
        members, section.value.entries = section.value.entries, []
        for member in members:
            weight = sum(len(line.text.encode()) + 1 for line in lines(Tree([member]), indent=6))
            if size and size + weight > MOST_IN_FILE:
                parts.append(Tree())
                size = 0
            size += weight
            parts[-1].below("services", handle, section.key).entries.append(member)
    return parts
