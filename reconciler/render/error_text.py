"""Renders errors as text for a terminal: what is wrong, and how to fix it.

Takes the exceptions of `reconciler.errors`; returns escaped and wrapped text that ends in a newline. Does not decide
the exit code.
"""

from __future__ import annotations

from reconciler.errors import ApiError, GuardRefusal, ProblemsError, Refusal, Refused, StalePlan, cause_of
from reconciler.render.advice import ADVICE, advice
from reconciler.render.terminal import Paint, escape, wrap

PROBLEM_LIMIT = 50
"""The number of problems that are shown; the others are counted."""


def error_text(error: BaseException, *, colour: bool, width: int) -> str:
    """Render an error as text.

    Args:
        error: the error.
        colour: whether to use colors.
        width: the number of columns.
    """
    if isinstance(error, ProblemsError):
        from reconciler.render.problems import problems_text  # noqa: PLC0415 - most errors do without

        return (
            problems_text(error.problems, error.lines, colour=colour, limit=PROBLEM_LIMIT, width=width).rstrip("\n")
            + "\n"
        )
    title, details, hint, command = str(error) or type(error).__name__, list[str](), "", ""
    match error:
        case StalePlan():
            title = "the approved plan no longer matches the configuration or the account; nothing was sent:"
            details = list(error.differences)
            hint = "Make a new plan and have it reviewed:"
            command = error.plan_command or "reconciler plan --out PLAN"
        case GuardRefusal():
            title, details = "a guard refuses this apply; nothing was sent:", list(error.reasons)
        case Refused():
            title = f"the API rejected {error.refusal.method} {error.refusal.path}"
            details, hint = _details(error.refusal), _hint(error)
        case ApiError():
            hint = _hint(error)
        case _:
            pass
    paint = Paint(colour)
    # Our own messages may hold line breaks on purpose; what is hostile in them is escaped line by line. An indented
    # line is a command to be copied, which is never folded.
    first, *more = [
        piece
        for part in title.split("\n")
        for piece in ([escape(part)] if part.startswith("  ") else wrap(escape(part), max(width, 40) - 7))
    ]
    lines = [paint("Error:", "bold", "red") + " " + paint(first, "bold"), *(" " * 7 + piece for piece in more)]
    for detail in details:
        head, *rest = wrap(escape(detail), max(width, 40) - 4)
        lines += [f"  - {head}", *(" " * 4 + line for line in rest)]
    if hint:
        lines += wrap(hint, max(width, 40))
    # To be copied, so it is never folded.
    lines += [f"  {command}"] if command else []
    return "\n".join(lines) + "\n"


def _details(refusal: Refusal) -> list[str]:
    code = f", Twilio error {refusal.code}" if refusal.code != refusal.status else ""
    details = [f"HTTP {refusal.status}{code}: {refusal.message}"]
    details += [refusal.more_info] if refusal.more_info else []
    return details + ([f"request {refusal.request_id}"] if refusal.request_id else [])


def _hint(error: ApiError) -> str:
    cause = cause_of(error)
    code = error.refusal.code if isinstance(error, Refused) else None
    text = advice(cause, code)
    return "" if cause in {"validation", "conflict", "missing"} and text == ADVICE[cause] else text
