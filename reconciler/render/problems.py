"""Renders problems as text for a terminal: what is wrong, where, the line with a caret, and how to fix it.

Takes problems and the lines of the files; returns text. Files and messages are hostile input: control characters are
made visible, long lines are shortened, and a line with a secret is not shown.

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
"""The columns of a line that are shown."""
_AROUND = 6
"""The columns around a line: its number, a bar and spaces, and an ellipsis on each side."""
_TAB = "    "


def problems_text(
    problems: Sequence[Problem],
    lines: Mapping[str, tuple[str, ...]],
    *,
    colour: bool,
    limit: int | None = None,
    width: int = WIDTH + _AROUND,
) -> str:
    """Render problems as text.

    Args:
        problems: the problems, in order.
        lines: the lines of the files, by file; files may be missing.
        colour: whether to use colors.
        limit: the number of problems to show, errors before warnings; None for all.
        width: the number of columns. A wider line of a file is shortened, so that the caret is below its column.
            Messages are wrapped only on a narrow terminal; in a log, each stays on its line.

    Returns:
        Text that ends in a count and a newline; empty if there are no problems.
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
    # The code of a warning is what `acknowledge` takes.
    head = f"warning[{problem.code}]" if problem.severity == "warning" else problem.severity
    word = paint(f"{head}:", "bold", "red" if problem.severity == "error" else "yellow")
    indent = len(problem.severity) + 2
    first, *more = _folded(escape(problem.message), width, len(head) + 2)
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
        if note is notes[0]:
            # Not wrapped, so that it can be copied.
            block += [f"{margin}     {escape(line)}" for line in problem.fix.splitlines()]
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
    """Return the part of a line around a column that fits, and the number of terminal columns before that column."""
    # Looks at little more than fits: a line may be as long as a file.
    first = max(0, column - 1 - room)
    marks = [_TAB if char == "\t" else escape(char) for char in line[first : first + 3 * room]]
    widths = [cells(mark) for mark in marks]
    target = min(max(column - 1 - first, 0), len(marks))
    start, end = 0, len(marks)
    # At most two thirds of the room are before the caret.
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
