"""Annotations of GitHub Actions: workflow commands that put what matters next to the lines of the files.

Takes plans, drifts, reports and errors; gives lines such as ``::error file=a.yaml,line=3,title=…::…``, each ending in a
newline, and never more than GitHub shows. The runner reads commands out of everything that a step prints, in two
spellings, one of them (``##[name]``) anywhere in a line: other texts with somebody else's words must not be printed
before it has been told to stop doing so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from posixpath import normpath
from typing import Literal

from reconciler.change import Action
from reconciler.documents.drift import for_people
from reconciler.documents.entries import ChangeEntry, SourceEntry
from reconciler.documents.plan import PlanFile
from reconciler.documents.report import ReportFile, step_in_words
from reconciler.errors import GuardRefusal, Place, Problem, ProblemsError, Refused, StalePlan
from reconciler.kinds import kind_noun, kind_nouns
from reconciler.render.markdown_text import count, shortened

Level = Literal["error", "warning", "notice"]

LEVELS: tuple[Level, ...] = ("error", "warning", "notice")
SHOWN = 10
"""Of each level, GitHub shows no more of one step."""
TITLE_LIMIT = 120
SENTENCE_LIMIT = 600
SENTENCES = 6

_DONE: Mapping[Action, str] = {"create": "Creates", "update": "Changes", "replace": "Replaces", "delete": "Deletes"}
_DRIFT: Mapping[Action, str] = {
    "create": "Missing in the account", "update": "Differs", "replace": "Differs", "delete": "Unwanted in the account",
}  # fmt: skip
_RANK: Mapping[Action, int] = {"delete": 0, "replace": 1, "update": 2, "create": 3}
_RISK = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation, its texts as they came.

    Attributes:
        level: how GitHub shows it.
        title: what it is about.
        sentences: what is said, each on a line of its own.
        place: where in the files; None for nowhere.
    """

    level: Level
    title: str
    sentences: tuple[str, ...]
    place: Place | SourceEntry | None = None


def commands(found: Iterable[Annotation], folder: str = "") -> str:
    """Workflow commands for the first annotations of each level; the rest is counted in the last one.

    Args:
        found: what to tell, the most important first.
        folder: where in the workspace the names of files start; empty for its root.
    """
    every = list(found)
    lines: list[str] = []
    for level in LEVELS:
        of_level = [annotation for annotation in every if annotation.level == level]
        shown = of_level if len(of_level) <= SHOWN else of_level[: SHOWN - 1]
        lines += [_command(annotation, folder) for annotation in shown]
        if len(shown) < len(of_level):
            more = f"{len(of_level) - len(shown):,} more {level}s"
            lines.append(_command(Annotation(level, more, ("The log and the job's summary have them.",)), folder))
    return "".join(f"{line}\n" for line in lines)


def _command(annotation: Annotation, folder: str) -> str:
    properties = _properties(annotation.place, folder)
    properties.append(("title", shortened(annotation.title, TITLE_LIMIT)))
    told = ",".join(f"{name}={_property(value)}" for name, value in properties)
    sentences = [shortened(sentence, SENTENCE_LIMIT) for sentence in annotation.sentences[:SENTENCES] if sentence]
    # An annotation without a message is not shown.
    return f"::{annotation.level} {told}::{_data(chr(10).join(sentences) or '-')}"


def _properties(place: Place | SourceEntry | None, folder: str) -> list[tuple[str, str]]:
    if place is None or not place.file or place.file.startswith("/"):
        return []
    path = normpath(f"{folder}/{place.file}" if folder else place.file)
    if path.startswith(("../", "/")) or path in {".", ".."}:
        return []  # outside of what was checked out, where GitHub has no file to show
    found = [("file", path)]
    found += [("line", str(place.line))] if place.line else []
    return found + ([("col", str(place.column))] if place.line and place.column else [])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(shortened(text, SENTENCE_LIMIT)).replace(":", "%3A").replace(",", "%2C")


# --- what is told ----------------------------------------------------------------------------------------------------


def of_plan(plan: PlanFile) -> Iterator[Annotation]:
    """What a reviewer must not miss: what an apply would refuse, what it would destroy, what is of high risk."""
    for guard in plan.guards:
        if guard.verdict == "refused":
            yield Annotation("error", "An apply would refuse this plan", (guard.message,))
    for entry in sorted(plan.changes, key=lambda entry: (_RANK[entry.action], _RISK[entry.risk])):
        guard_of = entry.guard
        refused = guard_of is not None and guard_of.verdict == "refused"
        withheld = guard_of is not None and not refused and not guard_of.only_delete
        if not (refused or withheld or entry.action in {"delete", "replace"} or entry.risk == "high"):
            continue
        level: Level = "error" if refused else "notice" if withheld else "warning"
        verdict = "" if guard_of is None else "the old one is kept" if guard_of.only_delete else guard_of.verdict
        held = "" if guard_of is None else f"{verdict}: {guard_of.message}"
        title = f"{_DONE[entry.action]} {entry.address}" + (" (high risk)" if entry.risk == "high" else "")
        yield Annotation(level, title, (_kind(entry), held, *entry.consequences), _place(entry))
    yield from _warnings(plan)


def of_drift(plan: PlanFile) -> Iterator[Annotation]:
    """Everything that differs, and how much is live that the files do not name."""
    for entry in sorted(for_people(plan).changes, key=lambda entry: (_RISK[entry.risk], _RANK[entry.action])):
        fields = [field.path for field in entry.fields] if entry.action in {"update", "replace"} else []
        shown = ", ".join(fields[:10]) + (f" and {len(fields) - 10:,} more" if len(fields) > 10 else "")
        said = f"differs in: {shown}" if shown else entry.reason
        yield Annotation("warning", f"{_DRIFT[entry.action]}: {entry.address}", (_kind(entry), said), _place(entry))
    yield from _warnings(plan)
    if plan.unmanaged:
        names = [f"{kind_noun(entry.kind)} {entry.address} {entry.name}".rstrip() for entry in plan.unmanaged]
        title = f"{count(len(names), 'live resource')} that the files do not name"
        yield Annotation("notice", title, tuple(names))


def of_report(report: ReportFile, plan: PlanFile | None = None) -> Iterator[Annotation]:
    """Every step that failed or may have, then what did not happen, and what is done and leaves a doubt.

    Args:
        report: how it went.
        plan: what was applied, which knows the places; None where it is not at hand.
    """
    places = {} if plan is None else {entry.address: _place(entry) for entry in plan.changes}
    levels: Mapping[str, Level] = {
        "failed": "error", "interrupted": "error", "skipped": "warning", "withheld": "warning", "done": "warning",
    }  # fmt: skip
    for status, level in levels.items():
        for result in report.changes:
            for outcome in result.outcomes:
                if outcome.status != status or (status == "done" and not outcome.message):
                    continue
                said = [outcome.message]
                if outcome.refusal is not None:
                    refusal = outcome.refusal
                    said = [f"HTTP {refusal.status}, Twilio error {refusal.code}: {refusal.message}"]
                    said += [f"request {refusal.request_id}"] if refusal.request_id else []
                    said += [refusal.more_info]
                elif outcome.because and not outcome.message:
                    said = [f"{' '.join(step_in_words(outcome.because))} failed"]
                elif status == "interrupted":
                    said.append("whether it took place is not known")
                title = f"{status.capitalize()}: {outcome.op} of {result.address}"
                yield Annotation(level, title, tuple(said), places.get(result.address))


def of_problems(problems: Iterable[Problem]) -> Iterator[Annotation]:
    """Every problem of the files at its line."""
    for problem in problems:
        related = [f"{place}: {words}" for place, words in problem.related]
        yield Annotation(
            problem.severity, f"reconciler: {problem.code}", (problem.message, problem.hint, *related), problem.place
        )


def of_error(error: BaseException) -> Iterator[Annotation]:
    """Why a command ended without a result."""
    match error:
        case ProblemsError():
            yield from of_problems(error.problems)
        case StalePlan():
            yield _alone("The approved plan no longer fits; nothing was sent", error.differences)
        case GuardRefusal():
            yield _alone("A guard refuses this apply; nothing was sent", error.reasons)
        case Refused():
            refusal = error.refusal
            said = [f"HTTP {refusal.status}, Twilio error {refusal.code}: {refusal.message}", refusal.more_info]
            said += [f"request {refusal.request_id}"] if refusal.request_id else []
            yield _alone(f"The API refused {refusal.method} {refusal.path}", said)
        case _:
            yield _alone("reconciler", str(error).split("\n"))


def _alone(title: str, sentences: Sequence[str]) -> Annotation:
    said = tuple(sentences)
    if len(said) > SENTENCES:
        said = (*said[: SENTENCES - 1], f"… {len(said) - SENTENCES + 1:,} more")
    return Annotation("error", title, said)


def _warnings(plan: PlanFile) -> Iterator[Annotation]:
    for warning in plan.warnings:
        title = f"reconciler: {warning.code}"
        yield Annotation(warning.severity, title, (warning.message, warning.hint, warning.address), warning.source)


def _kind(entry: ChangeEntry) -> str:
    name = f" {entry.name}" if entry.name else ""
    noun, container = kind_nouns(entry.kind)
    within = f" of {container} {entry.service}" if entry.service and container else ""
    return f"{noun.removeprefix(f'{container} ') if within else noun}{name}{within}"


def _place(entry: ChangeEntry) -> SourceEntry | None:
    """Where the files say so; of what has no place of its own, the first of its fields."""
    places = (entry.source, *(field.source for field in entry.fields))
    return next((place for place in places if place is not None), None)
