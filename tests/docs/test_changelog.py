"""The changelog: Keep a Changelog's sections, one short line per change, and the version of the package."""

from __future__ import annotations

import re
import tomllib

import reconciler
from tests.docs.pages import REPOSITORY, read

CHANGELOG = read("CHANGELOG.md")
SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
ENTRIES = re.findall(r"^- (.+)$", CHANGELOG, re.MULTILINE)


def test_the_newest_release_is_the_version_of_the_package() -> None:
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    releases = re.findall(r"^## (\d+\.\d+\.\d+) - \d{4}-\d{2}-\d{2}$", CHANGELOG, re.MULTILINE)
    assert releases[0] == project["version"] == reconciler.__version__


def test_every_release_has_known_sections_in_order() -> None:
    first, *others = re.split(r"^## (?:Unreleased|\d.*)$", CHANGELOG, flags=re.MULTILINE)
    assert "### " not in first
    for text in others:
        found = re.findall(r"^### (.+)$", text, re.MULTILINE)
        assert found == [name for name in SECTIONS if name in found]


def test_a_change_is_one_line_that_is_in_the_changelog_once() -> None:
    assert [line for line in CHANGELOG.splitlines() if line and not line.startswith(("- ", "#", "What users "))] == []
    assert sorted(set(ENTRIES)) == sorted(ENTRIES)
    assert [entry for entry in ENTRIES if len(entry.split()) > 25] == []
