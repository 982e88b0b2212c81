"""Annotations of GitHub Actions: workflow commands that put messages next to lines of the configuration.

Takes documents and errors; returns lines such as ``::error file=a.yaml,line=3,title=…::…``, each ending in a newline,
and never more than GitHub shows. The runner parses commands in everything that a step prints, in two spellings, one of
them (``##[name]``) anywhere in a line: other output with foreign text must not be printed before commands are stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from posixpath import normpath
from typing import Literal

from reconciler.change import Action
from reconciler.documents.comparison import ComparisonFile
from reconciler.documents.drift import DriftFile
from reconciler.documents.plan import PlanFile
from reconciler.documents.report import ReportFile, step_in_words
from reconciler.errors import GuardRefusal, Place, Problem, ProblemsError, Refused, StalePlan
from reconciler.kinds import kind_noun, kind_nouns
from reconciler.lazy_dataclass import dataclass
from reconciler.render.markdown_text import shortened
from reconciler.render.rows import ChangeRow, ChangesView, SourceRow
from reconciler.render.standing import change_standing, pending_text
from reconciler.render.values import both_texts, side_text
from reconciler.render.view import comparison_view, drift_view, plan_view
from reconciler.render.wording import count, undeclared, undeclared_advice

Level = Literal["error", "warning", "notice"]

LEVELS: tuple[Level, ...] = ("error", "warning", "notice")
SHOWN = 10
"""The annotations of each level that GitHub shows for one step."""
TITLE_LIMIT = 120
SENTENCE_LIMIT = 600
SENTENCES = 6
VALUE_LIMIT = 120

_DONE: Mapping[Action, str] = {"create": "Creates", "update": "Changes", "replace": "Replaces", "delete": "Deletes"}
_DRIFT: Mapping[Action, str] = {
    "create": "Missing in the account", "update": "Differs", "replace": "Differs", "delete": "To be deleted",
}  # fmt: skip
_RANK: Mapping[Action, int] = {"delete": 0, "replace": 1, "update": 2, "create": 3}
_RISK = {"high": 0, "medium": 1, "low": 2}


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation, with unescaped texts.

    Attributes:
        level: its level.
        title: its title.
        sentences: its message, one sentence per line.
        place: the place in the configuration; None for none.
    """

    level: Level
    title: str
    sentences: tuple[str, ...]
    place: Place | SourceRow | None = None


def commands(found: Iterable[Annotation], folder: str = "") -> str:
    """Render the first annotations of each level as workflow commands; the last one counts the others.

    Args:
        found: the annotations, the most important first.
        folder: the folder in the workspace that file names are relative to; empty for its root.
    """
    every = list(found)
    lines: list[str] = []
    for level in LEVELS:
        of_level = [annotation for annotation in every if annotation.level == level]
        shown = of_level if len(of_level) <= SHOWN else of_level[: SHOWN - 1]
        lines += [_command(annotation, folder) for annotation in shown]
        if len(shown) < len(of_level):
            more = f"{len(of_level) - len(shown):,} more {level}s"
            lines.append(_command(Annotation(level, more, ("See the log and the job summary.",)), folder))
    return "".join(f"{line}\n" for line in lines)


def _command(annotation: Annotation, folder: str) -> str:
    properties = _properties(annotation.place, folder)
    properties.append(("title", shortened(annotation.title, TITLE_LIMIT)))
    attributes = ",".join(f"{name}={_property(value)}" for name, value in properties)
    sentences = [shortened(sentence, SENTENCE_LIMIT) for sentence in annotation.sentences[:SENTENCES] if sentence]
    # GitHub does not show an annotation without a message.
    return f"::{annotation.level} {attributes}::{_data(chr(10).join(sentences) or '-')}"


def _properties(place: Place | SourceRow | None, folder: str) -> list[tuple[str, str]]:
    if place is None or not place.file or place.file.startswith("/"):
        return []
    path = normpath(f"{folder}/{place.file}" if folder else place.file)
    if path.startswith(("../", "/")) or path in {".", ".."}:
        return []  # outside of the checkout, where GitHub has no file to show
    found = [("file", path)]
    found += [("line", str(place.line))] if place.line else []
    return found + ([("col", str(place.column))] if place.line and place.column else [])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(shortened(text, SENTENCE_LIMIT)).replace(":", "%3A").replace(",", "%2C")


# --- documents -------------------------------------------------------------------------------------------------------


def of_plan(plan: PlanFile) -> Iterator[Annotation]:
    """Annotate the important parts of a plan: refusals, deletes, replaces, and high risks."""
    return _of_changes(plan_view(plan))


def of_comparison(comparison: ComparisonFile) -> Iterator[Annotation]:
    """Annotate the important parts of a comparison; see `of_plan`."""
    return _of_changes(comparison_view(comparison))


def _of_changes(rows: ChangesView) -> Iterator[Annotation]:
    for reason in rows.refusals:
        yield Annotation("error", "An apply would refuse this plan", (reason,))
    for change in sorted(rows.changes, key=lambda change: (_RANK[change.action], _RISK[change.risk])):
        guard = change.guard
        refused = guard is not None and guard.verdict == "refused"
        if not (refused or change.is_withheld or change.action in {"delete", "replace"} or change.risk == "high"):
            continue
        level: Level = "error" if refused else "notice" if change.is_withheld else "warning"
        verdict = "" if guard is None else "the old resource is kept" if guard.only_delete else guard.verdict
        held = "" if guard is None else f"{verdict}: {guard.message}"
        title = f"{_DONE[change.action]} {change.address}" + (" (high risk)" if change.risk == "high" else "")
        said = (_kind(change), held, *_steps(change), change_standing(change))
        sentences = (*said, *change.consequences, *_inner_differences(change))
        yield Annotation(level, title, sentences, _place(change))
    yield from _warnings(rows)


def of_drift(drift: DriftFile) -> Iterator[Annotation]:
    """Annotate every resource that differs, undeclared settings, and unmanaged resources."""
    rows = drift_view(drift)
    for change in sorted(rows.changes, key=lambda change: (_RISK[change.risk], _RANK[change.action])):
        paths = [row.path for row in change.fields] if change.action in {"update", "replace"} else []
        shown = ", ".join(paths[:10]) + (f" and {len(paths) - 10:,} more" if len(paths) > 10 else "")
        reason = f"differs in: {shown}" if shown else change.reason
        inner = _inner_differences(change) if paths else ()
        title = f"{_DRIFT[change.action]}: {change.address}"
        said = (_kind(change), reason, change_standing(change), *_steps(change), *inner)
        yield Annotation("warning", title, said, _place(change))
    if rows.pending:
        yield Annotation("notice", pending_text(rows), tuple(change.address for change in rows.pending))
    for setting in rows.settings:
        if setting.risk == "high":
            value = side_text(setting.value, limit=VALUE_LIMIT)
            title = f"Not declared: {setting.name} (high risk)"
            yield Annotation("warning", title, (f"live: {value}", setting.meaning, undeclared_advice([setting])))
    yield from _warnings(rows)
    others = [setting.name for setting in rows.settings if setting.risk != "high"]
    if others:
        yield Annotation("notice", undeclared(len(others)).capitalize(), tuple(others))
    if rows.unmanaged:
        names = [
            f"{kind_noun(group.kind)} {row.address} {row.name}".rstrip()
            for group in rows.unmanaged
            for row in group.rows
        ]
        title = f"{count(len(names), 'live resource')} that the configuration does not declare"
        yield Annotation("notice", title, tuple(names))


def _steps(change: ChangeRow) -> Iterator[str]:
    """Return the ways out of a change, one sentence each. One that would be cut is left out: it could not be copied."""
    for name, text in change.next_steps:
        if len(sentence := f"{name}: {text}") <= SENTENCE_LIMIT:
            yield sentence


def _inner_differences(change: ChangeRow) -> Iterator[str]:
    """Return the differences inside `attributes`, one sentence each."""
    for row in change.fields:
        if row.path.startswith(("attributes.", "attributes[")) and row.items is None and not row.lines:
            before, after = both_texts(row.before, row.after, limit=VALUE_LIMIT)
            yield f"{row.path}: {before} → {after}"


def of_report(report: ReportFile, plan: PlanFile | None = None) -> Iterator[Annotation]:
    """Annotate failed steps, steps with an unknown outcome, steps that were not done, and warnings.

    Args:
        report: the report.
        plan: the plan that was applied, which has the places; None if it is not known.
    """
    places = {} if plan is None else {change.address: _place(change) for change in plan_view(plan).changes}
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
                    said.append("outcome unknown")
                title = f"{status.capitalize()}: {outcome.op} of {result.address}"
                yield Annotation(level, title, tuple(said), places.get(result.address))


def of_problems(problems: Iterable[Problem]) -> Iterator[Annotation]:
    """Annotate every problem of the configuration at its line."""
    for problem in problems:
        related = [f"{place}: {words}" for place, words in problem.related]
        yield Annotation(
            problem.severity,
            f"reconciler: {problem.code}",
            (problem.message, problem.hint, problem.fix, *related),
            problem.place,
        )


def of_error(error: BaseException) -> Iterator[Annotation]:
    """Annotate the error that ended a command."""
    match error:
        case ProblemsError():
            yield from of_problems(error.problems)
        case StalePlan():
            yield _alone("The approved plan no longer matches; nothing was sent", error.differences)
        case GuardRefusal():
            yield _alone("A guard refuses this apply; nothing was sent", error.reasons)
        case Refused():
            refusal = error.refusal
            said = [f"HTTP {refusal.status}, Twilio error {refusal.code}: {refusal.message}", refusal.more_info]
            said += [f"request {refusal.request_id}"] if refusal.request_id else []
            yield _alone(f"The API rejected {refusal.method} {refusal.path}", said)
        case _:
            yield _alone("reconciler", str(error).split("\n"))


def _alone(title: str, sentences: Sequence[str]) -> Annotation:
    said = tuple(sentences)
    if len(said) > SENTENCES:
        said = (*said[: SENTENCES - 1], f"… {len(said) - SENTENCES + 1:,} more")
    return Annotation("error", title, said)


def _warnings(rows: ChangesView) -> Iterator[Annotation]:
    for warning in rows.warnings:
        if warning.code in {"acknowledged", "unreadable"}:
            continue  # a count, and errors of the command
        title = f"reconciler: {warning.code}"
        yield Annotation(
            warning.severity, title, (warning.message, warning.hint, warning.fix, warning.address), warning.source
        )


def _kind(change: ChangeRow) -> str:
    noun, container = kind_nouns(change.kind)
    named = f" {change.name}" if change.name else ""
    if change.service and container:
        return f"{noun.removeprefix(f'{container} ')}{named} of {container} {change.service}"
    return noun + named


def _place(change: ChangeRow) -> SourceRow | None:
    """Return the place that declares the resource, or otherwise that of its first field."""
    places = (change.source, *(row.source for row in change.fields))
    return next((place for place in places if place is not None), None)
