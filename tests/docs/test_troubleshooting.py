"""The troubleshooting page against the code: it lists every problem code, guard, cause, exit code, and Twilio code."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import get_args

import pytest

from reconciler.api import retry
from reconciler.cli import exit_codes
from reconciler.documents.problem_codes import PROBLEM_CODES
from reconciler.errors import Cause
from reconciler.render import advice
from tests.docs.modules import modules
from tests.docs.pages import REPOSITORY, read, table

PAGE = "reconciler/docs/troubleshooting.md"
PACKAGES = ("config", "kinds", "planning", "api", "workflow", "export", "execution", "ledger")
"""Where problems come from."""
GIT = {
    "cat-file",
    "for-each-ref",
    "ls-files",
    "ls-remote",
    "ls-tree",
    "merge-base",
    "rev-list",
    "rev-parse",
    "symbolic-ref",
}
NOT_CODES = {"create-first", "delete-first", *GIT}
"""Other words of the same form that are arguments of calls: orders of a replace's steps, and git's commands."""


def used_codes() -> set[str]:
    """Return every code that is an argument of a call, and the default code of a kind's fault."""
    used = {"inconsistent"}
    for module in modules(*PACKAGES):
        for call in module.calls:
            texts = itertools.chain(*call.arguments, *call.keywords)
            used.update(text for text in texts if re.fullmatch(r"[a-z]+(?:-[a-z*]+)+", text))
            if call.name == "Problem" and call.arguments:
                used.update(call.arguments[0])
    return used - NOT_CODES


def test_every_code_has_a_cause_and_a_fix() -> None:
    used = used_codes()
    patterns = {text.replace("*", "[a-z]+") for text in used}
    assert [code for code in patterns if not any(re.fullmatch(code, known) for known in PROBLEM_CODES)] == []


def test_no_code_is_listed_that_nothing_uses() -> None:
    text = "\n".join(
        path.read_text(encoding="utf-8")
        for package in PACKAGES
        for path in (REPOSITORY / "reconciler" / package).rglob("*.py")
    )
    patterns = [code.replace("*", "[a-z]+") for code in used_codes() if "*" in code]
    unused = [
        code
        for code in PROBLEM_CODES
        if f'"{code}"' not in text and not any(re.fullmatch(pattern, code) for pattern in patterns)
    ]
    assert unused == []


@pytest.mark.parametrize("code", PROBLEM_CODES)
def test_a_meaning_is_made_of_sentences(code: str) -> None:
    for text in PROBLEM_CODES[code]:
        assert re.match(r"[A-Z`]", text)
        assert text.endswith(".")
    assert f"| `{code}` | " in read(PAGE)


def test_every_guard_is_listed_with_its_verdict() -> None:
    guards = {
        (*call.arguments[0], *call.arguments[1])
        for module in modules(*PACKAGES)
        for call in module.calls
        if call.name == "Guard" and call.constants
    }
    assert len(guards) > 10
    assert {(name.strip("`"), verdict) for name, verdict, _, _ in table(PAGE, "guard")} == guards


def test_every_cause_is_listed() -> None:
    assert {row[0].strip("`") for row in table(PAGE, "cause")} == {*get_args(Cause)} - {""}


def test_every_code_of_twilio_that_is_handled_is_listed() -> None:
    retried = {*retry.TRANSIENT_CODES, *retry._TOO_MANY_WRITES, retry._TOO_MANY_REQUESTS}
    handled, _prevented = (rows for rows in code_tables() if any(re.match(r"\d{5}", row[0]) for row in rows))
    listed = {int(code) for row in handled for code in re.findall(r"\d+", row[0])}
    assert listed - {20429} == retried | advice._BY_CODE.keys()


def code_tables() -> Iterator[list[list[str]]]:
    for found in re.finditer(r"^\| code \|.*\n\|[-|]+\n((?:\|.*\n)+)", read(PAGE), re.MULTILINE):
        yield [[cell.strip() for cell in line.split("|")[1:-1]] for line in found[1].splitlines()]


def test_every_exit_code_is_listed() -> None:
    assert sorted(int(row[0]) for row in table(PAGE, "code")) == sorted(exit_codes.PRECEDENCE)
    first = re.findall(r"the first of ([\d, ]+) counts", read(PAGE))
    assert first == [", ".join(str(code) for code in exit_codes.PRECEDENCE if code)]


def test_codes_that_the_page_names_exist() -> None:
    named = {
        name for text in re.findall(r"Problems? (`[^;|]+)", read(PAGE)) for name in re.findall(r"`([a-z-]+)`", text)
    }
    assert named
    assert named <= PROBLEM_CODES.keys()


def test_advice_has_a_sentence_for_what_can_be_done() -> None:
    assert advice.ADVICE.keys() <= {row[0].strip("`") for row in table(PAGE, "cause")}
