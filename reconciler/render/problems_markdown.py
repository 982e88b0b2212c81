"""Renders problems and errors as Markdown for a job summary or a comment, never longer than one comment may be.

Takes problems, or the exception that ended a command; returns one string that ends in a newline. As in
`reconciler.render.markdown`, only our own text forms blocks. Lines of the files are not shown: they may hold secrets.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.errors import GuardRefusal, Place, Problem, ProblemsError, Refused, StalePlan
from reconciler.render.markdown import BUDGET
from reconciler.render.markdown_text import Repository, Room, code, prose, size
from reconciler.render.wording import count


def problems_markdown(
    problems: Sequence[Problem], repository: Repository | None = None, *, headline: str = "", resources: int = 0
) -> str:
    """Render problems as Markdown, errors first.

    Args:
        problems: the problems; may be empty.
        repository: where the configuration is on the web; None for no links.
        headline: the name of the configuration; empty if it did not load.
        resources: the number of declared resources, if it did.
    """
    errors = [problem for problem in problems if problem.severity == "error"]
    warnings = [problem for problem in problems if problem.severity == "warning"]
    counted = ", ".join(count(len(found), noun) for found, noun in ((errors, "error"), (warnings, "warning")) if found)
    if headline and not errors:
        verdict = f"✅ {prose(headline)} is valid: {count(resources, 'resource')}{f', {counted}' if counted else ''}"
    else:
        verdict = f"❌ {counted}"
    return _page("reconciler:problems", verdict, "", (_problem(it, repository) for it in [*errors, *warnings]),
                 len(problems))  # fmt: skip


def error_markdown(error: BaseException, repository: Repository | None = None) -> str:
    """Render an error as Markdown.

    Args:
        error: the error that ended a command.
        repository: where the configuration is on the web; None for no links.
    """
    match error:
        case ProblemsError():
            return problems_markdown(error.problems, repository)
        case StalePlan():
            verdict, said = "⛔ The approved plan no longer matches; nothing was sent", list(error.differences)
            after = "Make a new plan and have it reviewed."
        case GuardRefusal():
            verdict, said = "⛔ A guard refuses this apply; nothing was sent", list(error.reasons)
            after = ""
        case Refused():
            refusal = error.refusal
            verdict, after = "❌ The API rejected a request", ""
            said = [f"HTTP {refusal.status}, Twilio error {refusal.code}: {refusal.message}"]
            said += [f"request {refusal.request_id}"] if refusal.request_id else []
            said += [f"{refusal.method} {refusal.path}"]
        case _:
            verdict, said, after = "❌ Failed", str(error).split("\n"), ""
    return _page("reconciler:error", verdict, after, (f"- Because: {prose(line)}" for line in said), len(said))


def _page(marker: str, verdict: str, after: str, items: Iterable[str], number: int) -> str:
    room = Room(BUDGET)
    blocks = [f"<!-- {marker} -->", f"### {verdict}"]
    room.left -= sum(size(block) + 2 for block in [*blocks, after])
    taken = room.take(items, at_most=BUDGET)
    if len(taken) < number:
        taken.append(f"- … {number - len(taken):,} more")
    blocks += ["\n".join(taken)] if taken else []
    return "\n\n".join([*blocks, *([after] if after else [])]) + "\n"


def _problem(problem: Problem, repository: Repository | None) -> str:
    where = f" {_place(problem.place, repository)}" if problem.place is not None else ""
    hint = f". Hint: {prose(problem.hint)}" if problem.hint else ""
    hint += "".join(f" {code(line)}" for line in problem.fix.splitlines())
    related = "".join(f" See {_place(place, repository)}: {prose(words)}." for place, words in problem.related[:3])
    return f"- **{problem.severity.capitalize()}**{where}: {prose(problem.message)}{hint}{related}"


def _place(place: Place, repository: Repository | None) -> str:
    link = repository.link(place.file, place.line) if repository is not None else ""
    shown = code(str(place))
    return f"[{shown}]({link})" if link else shown
