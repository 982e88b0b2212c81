"""State -> YAML: a live account as the files that would make it, and that find nothing to do when they are planned.

Takes a `State` and, where files are there already, their `Config`; gives texts by path. Pure but for `account`, which
fills the state: nothing here writes a file. It trusts its own writing no more than anybody else's: what it wrote is
loaded and planned against the same state, and whatever the files cannot hold (a URL that is none, a word that no field
takes, two names that are one) is left out with a comment, or pinned, until the plan is empty.

    account     the account -> State
    handles     what each resource is called in the files
    contents    resources -> trees of keys and values
    written     trees -> text
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler import config
from reconciler.config.model import Config
from reconciler.config.sources import SourceError, select
from reconciler.errors import ConfigError, MatchError, ProblemsError, ReconcilerError
from reconciler.export.contents import Known, Said, Verdicts, Writer
from reconciler.export.handles import slug
from reconciler.export.written import Line, Tree, lines, scalar
from reconciler.match import match
from reconciler.plan import Plan, make_plan
from reconciler.state import State

ROOT = "reconciler.yaml"
MARK = "# Written by `reconciler export`."
"""The beginning of every file that an export wrote, by which the next one knows that it may write it anew."""
_HEADER = f"{MARK} The next export writes this file anew; take this line out to prevent that."
MOST_IN_FILE = 5_000_000
"""How many bytes of users and conversations go into one file; a configuration takes files of twice that size."""
_SPLIT = frozenset({"users", "conversations"})
_MOST_ROUNDS = 20
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
        secrets: the names of the secrets that a person has to set before they have to be sent, sorted.
        left_out: how many live contents and resources the files do not hold, each told in a comment.
        pinned: how many resources only their SID recognises.
        mark: how every file begins.
    """

    files: Mapping[str, str]
    config: Config
    secrets: tuple[str, ...] = ()
    left_out: int = 0
    pinned: int = 0
    mark: str = MARK


def export(state: State, *, former: Config | None = None, in_one_file: bool = True) -> Export:
    """Write an account as files.

    Args:
        state: the account, read in full but for what is not to be exported.
        former: files that are there already, whose handles and names of secrets are kept.
        in_one_file: whether everything goes into one file, rather than each service into one of its own.

    Raises:
        ReconcilerError: when what was written could not be made to plan as empty, which is a bug.
    """
    known = _known(former, state) if former is not None else Known()
    verdicts = Verdicts()
    reasons: list[str] = []
    for _ in range(_MOST_ROUNDS):
        written = _Written(Writer(state, known, verdicts), in_one_file=in_one_file)
        before = (len(verdicts.left_out), len(verdicts.pinned))
        loaded = written.judge(verdicts)
        if loaded is not None:
            return Export(
                files=written.texts,
                config=loaded,
                secrets=tuple(sorted(set(written.writer.secrets.values()))),
                left_out=len(verdicts.left_out),
                pinned=sum(1 for declared in loaded.resources.values() if declared.pin is not None),
            )
        reasons = written.reasons
        if before == (len(verdicts.left_out), len(verdicts.pinned)):
            break
    raise ReconcilerError(
        "this account could not be written as files that plan as empty, which is a bug in reconciler: "
        + "; ".join(reasons[:3])
    )


def _known(former: Config, state: State) -> Known:
    addresses = match(former, state).addresses
    secrets: dict[Said, str] = {}
    for sid, address in addresses.items():
        for path, value in former.resources[address].values.items():
            if len(value.secrets) == 1 and former.resources[address].kind.by_path[path].secret:
                secrets[Said(sid, path)] = value.secrets[0]
    return Known(addresses, secrets)


@dataclass
class _Texts:
    """Files in memory, as the configuration asks for them; no environment variable is set."""

    files: Mapping[str, str]
    root: str = ROOT

    def read(self, path: str) -> bytes:
        if path not in self.files:
            raise SourceError(f"{path} does not exist", missing=True)
        return self.files[path].encode()

    def glob(self, pattern: str) -> Sequence[str]:
        return select(pattern, self.files)

    def environment(self, _name: str) -> str | None:
        return None


@dataclass
class _Written:
    """One attempt at the files.

    Attributes:
        writer: wrote the trees.
        in_one_file: whether there is one file only.
        texts: the files.
        owners: what each line says, by file.
        reasons: why they do not do, in sentences.
    """

    writer: Writer
    in_one_file: bool
    texts: dict[str, str] = field(default_factory=dict)
    owners: dict[str, list[Said | None]] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.in_one_file:
            self._write(ROOT, self.writer.top(with_services=True), "version: 1")
            return
        top, services = self.writer.top(with_services=False), list(self.writer.services())
        names = _file_names([handle for handle, _ in services])
        files: dict[str, Tree[Said]] = {}
        for handle, tree in services:
            first, *others = _parts(handle, tree)
            files[f"services/{names[handle]}.yaml"] = first
            for number, other in enumerate(others, 2):
                files[f"services/{names[handle]}.{number}.yaml"] = other
        include = [f"  - {scalar(path)}" for path in files]
        self._write(ROOT, top, "version: 1", *(["include:", *include] if include else []))
        for path, tree in files.items():
            self._write(path, tree)

    def _write(self, path: str, tree: Tree[Said], *head: str) -> None:
        written: list[Line[Said]] = [Line(_HEADER), *(Line(text) for text in head), *lines(tree)]
        self.texts[path] = "".join(f"{line.text}\n" for line in written)
        self.owners[path] = [line.owner for line in written]

    # --- whether they do ----------------------------------------------------------------------------------------------

    def judge(self, verdicts: Verdicts) -> Config | None:
        """Load and plan the files; the configuration when they do, else None and the verdicts say what has to go."""
        try:
            loaded = config.load(_Texts(self.texts))
            made = make_plan(loaded, self.writer.state)
        except ConfigError as error:
            self._blame_problems(error, _ALIKE, verdicts)
            return None
        except MatchError as error:
            self._blame_problems(error, None, verdicts)
            return None
        if not made.changes:
            return loaded
        self._blame_changes(made, verdicts)
        return None

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

    def _blame_changes(self, made: Plan, verdicts: Verdicts) -> None:
        for change in made.changes:
            reason = f"planning it would {change.action} {change.address}"
            self.reasons.append(reason)
            sid = self.writer.placed.get(change.address, "")
            if sid in self.writer.pinnable(verdicts):
                verdicts.pinned[sid] = "nothing else tells it apart"
            elif sid:
                for item in change.fields:
                    self._take_out(Said(sid, item.path), reason, verdicts)
                if not change.fields:
                    self._take_out(Said(sid), reason, verdicts)

    def _take_out(self, said: Said, reason: str, verdicts: Verdicts) -> None:
        """Leave a field out, and where that is done already, the resource."""
        verdicts.left_out[said if said not in verdicts.left_out else Said(said.sid)] = reason


def _file_names(handles: Sequence[str]) -> dict[str, str]:
    """A name for each service's file, unlike any other even where upper and lower case are one."""
    names: dict[str, str] = {}
    for handle in handles:
        wanted = slug(handle) or "service"
        if wanted in _RESERVED:
            wanted += "-service"
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
