from __future__ import annotations

import pytest

from reconciler.errors import Place, Problem
from reconciler.render.problems import problems_text


def text_of(*problems: Problem, lines: dict[str, tuple[str, ...]] | None = None, limit: int | None = None) -> str:
    return problems_text(problems, lines or {}, colour=False, limit=limit)


def test_no_problems_are_no_text() -> None:
    assert text_of() == ""


def test_a_problem_shows_message_place_line_caret_hint_and_related_places() -> None:
    lines = {"services/support.yaml": (*["# a comment"] * 11, "    rols: {}")}
    problem = Problem(
        "unknown-key",
        'a service has no key "rols"',
        Place("services/support.yaml", 12, 5, "overlay prod.yaml"),
        "did you mean roles?",
        related=((Place("reconciler.yaml", 3, 1), "it stands here first"),),
    )
    assert (
        text_of(problem, lines=lines)
        == """\
error: a service has no key "rols"
   --> services/support.yaml:12:5 (overlay prod.yaml)
   |
12 |     rols: {}
   |     ^
   = did you mean roles?
   = reconciler.yaml:3:1: it stands here first

1 error
"""
    )


def test_errors_and_warnings_are_counted() -> None:
    problems = [Problem("a", "one", severity="warning"), Problem("b", "two"), Problem("c", "three")]
    assert text_of(*problems) == "warning[a]: one\n\nerror: two\n\nerror: three\n\n2 errors, 1 warning\n"


def test_a_limit_shows_errors_before_warnings_and_says_what_is_left_out() -> None:
    problems = [Problem("a", "one", severity="warning"), Problem("b", "two"), Problem("c", "three")]
    assert text_of(*problems, limit=2) == "error: two\n\nerror: three\n\n2 errors, 1 warning; 1 not shown\n"


def test_a_line_that_holds_a_secret_is_not_shown() -> None:
    problem = Problem("x", "wrong", Place("a.yaml", 1, 3), conceals=True)
    assert text_of(problem, lines={"a.yaml": ("k: hunter2",)}) == "error: wrong\n  --> a.yaml:1:3\n\n1 error\n"


def test_a_place_without_a_line_is_shown_alone() -> None:
    assert text_of(Problem("x", "wrong", Place("a.yaml"))) == "error: wrong\n  --> a.yaml\n\n1 error\n"


def test_a_place_beyond_the_file_is_shown_alone() -> None:
    problem = Problem("x", "wrong", Place("a.yaml", 9, 1))
    assert text_of(problem, lines={"a.yaml": ("a",)}) == "error: wrong\n  --> a.yaml:9:1\n\n1 error\n"


@pytest.mark.parametrize(
    ("line", "column", "expected", "caret"),
    [
        ("key: value", 6, "key: value", 5),
        ("\tkey: value", 2, "    key: value", 4),
        ("名前: value", 5, "名前: value", 6),
        ("e\u0301te\u0301: x", 7, "e\u0301te\u0301: x", 4),
        ("a: \x1b[31mred", 4, "a: \\u001b[31mred", 3),
        ("a: \u202eabc", 5, "a: \\u202eabc", 9),
        ("short", 99, "short", 5),
    ],
    ids=["plain", "tab", "wide", "combining", "escape sequence", "text turned around", "column beyond the line"],
)
def test_the_caret_stands_under_the_column(line: str, column: int, expected: str, caret: int) -> None:
    shown = text_of(Problem("x", "wrong", Place("a.yaml", 1, column)), lines={"a.yaml": (line,)})
    assert shown.splitlines()[2:5] == ["  |", f"1 | {expected}", f"  | {' ' * caret}^"]


def test_a_long_line_is_shown_around_the_column() -> None:
    line = "a" * 500 + "HERE" + "b" * 500
    shown = text_of(Problem("x", "wrong", Place("a.yaml", 1, 501)), lines={"a.yaml": (line,)}).splitlines()
    assert shown[3] == "1 | …" + "a" * 66 + "HERE" + "b" * 30 + "…"
    assert shown[4] == "  | " + " " * 67 + "^"


def test_of_a_line_as_long_as_a_file_only_a_part_is_shown() -> None:
    line = "\x1b" * 5_000_000
    shown = text_of(*[Problem("x", "wrong", Place("a.yaml", 1, 2_000_000))] * 20, lines={"a.yaml": (line,)})
    assert max(len(row) for row in shown.splitlines()) < 200


def test_hostile_messages_cannot_move_the_cursor() -> None:
    problem = Problem("x", "wrong\x1b[2J\n", Place("a\n.yaml", 1, 1), "do\rthis", related=((Place("b\x07"), "c\x1b"),))
    assert (
        text_of(problem)
        == """\
error: wrong\\u001b[2J\\n
  --> a\\n.yaml:1:1
  = do\\rthis
  = b\\u0007: c\\u001b

1 error
"""
    )


def test_colours_are_laid_on_and_change_nothing_else() -> None:
    problem = Problem("x", "wrong", Place("a.yaml", 1, 1), "do this", severity="warning")
    coloured = problems_text([problem], {"a.yaml": ("a",)}, colour=True)
    assert coloured == (
        "\x1b[1;33mwarning[x]:\x1b[0m \x1b[1mwrong\x1b[0m\n"
        "  \x1b[36m-->\x1b[0m a.yaml:1:1\n"
        "  \x1b[36m|\x1b[0m\n"
        "\x1b[36m1\x1b[0m \x1b[36m|\x1b[0m a\n"
        "  \x1b[36m|\x1b[0m \x1b[1;31m^\x1b[0m\n"
        "  \x1b[36m=\x1b[0m do this\n"
        "\n"
        "\x1b[1m1 warning\x1b[0m\n"
    )


def test_on_a_narrow_terminal_nothing_is_wider_and_the_caret_stays_under_its_column() -> None:
    line = '    webhooks: {post_webhook_url: "https://x.example.com?t=${secret:HOOK}", method: PUT, filters: [on]}'
    problem = Problem(
        "unknown-choice", "a message that is too long for a line of forty or of fifty columns",
        Place("a.yaml", 4, 84), "write GET or POST, or leave it out so that it stays as it is",
        related=((Place("b.yaml", 1, 1), "it stands here first, long before it stands there"),),
    )  # fmt: skip
    shown = problems_text([problem], {"a.yaml": ("", "", "", line)}, colour=False, width=50)
    assert (
        shown
        == """\
error: a message that is too long for a line of
       forty or of fifty columns
  --> a.yaml:4:84
  |
4 | …m?t=${secret:HOOK}", method: PUT, filters: […
  |                               ^
  = write GET or POST, or leave it out so that it
    stays as it is
  = b.yaml:1:1: it stands here first, long before
    it stands there

1 error
"""
    )
