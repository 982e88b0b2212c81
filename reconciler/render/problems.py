"""Problems as text for a terminal: what is wrong, where, the line itself with a caret, and what to do.

Takes problems and the lines of the files; gives text. Files and messages are hostile input: control characters are made
visible, long lines are shown in part, and a line that holds a secret is not shown at all.

    error: a service has no key "rols"
      --> services/support.yaml:12:5
       |
    12 |     rols:
       |     ^
       = did you mean roles?
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.errors import Place, Problem
from reconciler.render.terminal import Paint, cells, escape, wrap

WIDTH = 100
"""How many columns of a line are shown at most."""
_AROUND = 6
"""How many columns stand around a line: its number's own, a bar and spaces, an ellipsis on each side."""
_TAB = "    "


def problems_text(
    problems: Sequence[Problem],
    lines: Mapping[str, tuple[str, ...]],
    *,
    colour: bool,
    limit: int | None = None,
    width: int = WIDTH + _AROUND,
) -> str:
    """Lay out problems.

    Args:
        problems: in the order in which they are to be told.
        lines: the lines of the files by file; may lack any of them.
        colour: whether to use colours.
        limit: how many problems to show at most, errors before warnings; None for all.
        width: how many columns there are; a line of a file is shown in part where it would be wider, so that the caret
            stands under what it means. Words go on below where there are few; in a log each stays on its line.

    Returns:
        Text that ends in a count and a line break; nothing when there are no problems.
    """
    if not problems:
        return ""
    paint = Paint(colour)
    chosen = _chosen(problems, limit)
    blocks = ["\n".join(_block(problem, lines, paint, max(width, 40))) for problem in chosen]
    count = _count(problems, paint)
    if len(chosen) < len(problems):
        count += f"; {len(problems) - len(chosen)} not shown"
    return "\n\n".join([*blocks, count]) + "\n"


def _chosen(problems: Sequence[Problem], limit: int | None) -> list[Problem]:
    if limit is None or len(problems) <= limit:
        return list(problems)
    ranked = sorted(range(len(problems)), key=lambda index: problems[index].severity != "error")
    return [problems[index] for index in sorted(ranked[:limit])]


def _block(problem: Problem, lines: Mapping[str, tuple[str, ...]], paint: Paint, width: int) -> list[str]:
    word = paint(f"{problem.severity}:", "bold", "red" if problem.severity == "error" else "yellow")
    indent = len(problem.severity) + 2
    first, *more = _folded(escape(problem.message), width, indent)
    block = [f"{word} {paint(first, 'bold')}", *(" " * indent + paint(piece, "bold") for piece in more)]
    place = problem.place
    line = _line_at(place, lines) if place is not None and not problem.conceals else ""
    number = str(place.line) if place is not None and line else ""
    margin = " " * max(len(number), 1)
    if place is not None:
        block.append(f"{margin} {paint('-->', 'cyan')} {_place(place)}")
        if line:
            shown, offset = _excerpt(line, place.column, min(WIDTH, width - len(margin) - _AROUND + 1))
            bar = paint("|", "cyan")
            block += [f"{margin} {bar}", f"{paint(number, 'cyan')} {bar} {shown}".rstrip()]
            if place.column:
                block.append(f"{margin} {bar} {' ' * offset}{paint('^', 'bold', 'red')}")
    notes = [escape(problem.hint)] if problem.hint else []
    notes += [f"{_place(other)}: {escape(words)}" for other, words in problem.related]
    for note in notes:
        head, *rest = _folded(note, width, len(margin) + 3)
        block += [f"{margin} {paint('=', 'cyan')} {head}", *(f"{margin}   {piece}" for piece in rest)]
    return block


def _folded(text: str, width: int, indent: int) -> list[str]:
    return wrap(text, width - indent) if width < WIDTH else [text]


def _place(place: Place) -> str:
    text = escape(str(place))
    return f"{text} ({escape(place.via)})" if place.via else text


def _line_at(place: Place, lines: Mapping[str, tuple[str, ...]]) -> str:
    text = lines.get(place.file, ())
    return text[place.line - 1] if 0 < place.line <= len(text) else ""


def _excerpt(line: str, column: int, room: int) -> tuple[str, int]:
    """The part of a line around a column that has room, and how many columns of the terminal stand before it."""
    # Far more than fits is not even looked at: a line may be as long as a file.
    first = max(0, column - 1 - room)
    marks = [_TAB if char == "\t" else escape(char) for char in line[first : first + 3 * room]]
    widths = [cells(mark) for mark in marks]
    target = min(max(column - 1 - first, 0), len(marks))
    start, end = 0, len(marks)
    # Keep two thirds of the room before the caret at most, and what is left for what follows it.
    while sum(widths[start:target]) > room * 2 // 3 and sum(widths[start:]) > room:
        start += 1
    while end > target + 1 and sum(widths[start:end]) > room:
        end -= 1
    before = "…" if start or first else ""
    after = "…" if end < len(marks) or first + 3 * room < len(line) else ""
    return before + "".join(marks[start:end]) + after, len(before) + sum(widths[start:target])


def _count(problems: Sequence[Problem], paint: Paint) -> str:
    errors = sum(problem.severity == "error" for problem in problems)
    warnings = len(problems) - errors
    words = [
        paint(f"{number} {word}" + ("s" if number != 1 else ""), "bold")
        for number, word in ((errors, "error"), (warnings, "warning"))
        if number
    ]
    return ", ".join(words)
