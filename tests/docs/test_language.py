"""The language of everything that people read: messages, help, docstrings, comments, and pages use no banned phrase."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.modules import comments, module
from tests.docs.pages import PAGES, REPOSITORY

BANNED = {
    r"nothing but GET": "read-only",
    r"(?<!there )\bis no (?!longer\b|more\b|fewer\b|larger\b|higher\b|different\b)": "is not a, invalid",
    r"(?<!there )\b(?:is|are) (?-i:none)\b": "is not one, does not exist",
    r"\bstands? (?:there|twice|here|where|first|in(?! for\b)|inside|within|outside|at|by)\b": "is",
    r"\bstands? (?:before|after|above|below|beside|between)\b": "is",
    r"\b(?:is|are|was|were|be|been|being) told\b": "is reported, is shown",
    r"\btells\b": "shows, reports, describes",
    r"\btold apart\b|\btells? (?:it|them) apart\b": "identifies",
    r"\bwhat needs what\b": "dependency graph",
    r"\bthe files say\b": "matches the configuration",
    r"\bheed(?:s|ed|ing)?\b": "uses",
    r"\bwhoever\b": "anyone who, the user",
    r"\bnobody\b": "no one is not a noun of the field: name it",
    r"\b(?:how|so)-manieth\b": "index",
    r"\bsuch as are\b": "that are",
    r"(?<!regardless )(?<!because )(?<!instead )\bof what\b": "name it",
    r"\bwho is who\b": "matching",
    r"\bput(?:s|ting)? right\b": "fix",
    r"\bin vain\b": "without effect",
    r"\bkept back\b|\bheld back\b": "withheld",
    r"\bfor good\b": "permanently",
    r"\bin the way\b": "already exists",
    r"\bsomebody\b(?! there)": "another user, someone",
    r"\bmeanwhile\b": "in the meantime, while it runs",
    r"\bif need be\b": "if necessary",
    r"\bworking days?\b": "weekdays",
    r"\bbeyond ASCII\b": "non-ASCII",
    r"\bthese ones\b": "these, the following",
    r"\banother (?:\w+ ){1,3}than\b": "a different … from",
}
"""Phrases by their pattern, with what to write instead."""

PACKAGES = REPOSITORY / "reconciler"


PATTERNS = {
    # A phrase may be broken into two lines.
    re.compile(pattern.replace(" ", r"\s"), re.IGNORECASE): instead
    for pattern, instead in BANNED.items()
}


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield every comment, and every text with a blank in it, with its line."""
    yield from module(path).texts
    yield from comments(path.read_text(encoding="utf-8"))


def without_indents(text: str) -> str:
    return re.sub(r"[ \t]*\n[ \t]*", "\n", text)


def banned(text: str) -> Iterator[tuple[int, str]]:
    """Yield the banned phrases of a text, with the line within it."""
    unindented = without_indents(text)
    for pattern, instead in PATTERNS.items():
        for found in pattern.finditer(unindented):
            yield unindented.count("\n", 0, found.start()), f"{' '.join(found[0].split())!r} → {instead}"


def offences(path: Path) -> list[str]:
    """Return every banned phrase of a file with its place and what to write instead."""
    name = path.relative_to(REPOSITORY)
    is_text = path.suffix in {".md", ".yml", ".yaml"}
    found = [(1, path.read_text(encoding="utf-8"))] if is_text else list(texts(path))
    # Most files have none of the phrases. One search in all texts is faster than one in each of them.
    whole = "\0".join(without_indents(text) for _, text in found)
    if not any(pattern.search(whole) for pattern in PATTERNS):
        return []
    return [f"{name}:{line + below}: {phrase}" for line, text in found for below, phrase in banned(text)]


def test_a_phrase_is_found_wherever_it_is() -> None:
    assert [*banned("Sends\n   nothing but\n   GET, as it tells.")] == [
        (1, "'nothing but GET' → read-only"),
        (2, "'tells' → shows, reports, describes"),
    ]


UNITS = sorted({path.relative_to(PACKAGES).parts[0] for path in PACKAGES.rglob("*.py")})


@pytest.mark.parametrize("unit", UNITS)
def test_a_package_uses_no_banned_phrase(unit: str) -> None:
    path = PACKAGES / unit
    files = [path] if path.is_file() else sorted(path.rglob("*.py"))
    assert [offence for file in files for offence in offences(file)] == []


@pytest.mark.parametrize("page", [*PAGES, ".github/CONTRIBUTING.md", ".github/SECURITY.md"])
def test_a_page_uses_no_banned_phrase(page: str) -> None:
    assert offences(REPOSITORY / page) == []


@pytest.mark.parametrize(
    "path",
    [
        str(path.relative_to(REPOSITORY))
        for pattern in ("examples/**/*.y*ml", ".github/actions/**/*.py", ".github/**/*.yml")
        for path in sorted(REPOSITORY.glob(pattern))
    ],
)
def test_an_example_or_workflow_uses_no_banned_phrase(path: str) -> None:
    assert offences(REPOSITORY / path) == []
