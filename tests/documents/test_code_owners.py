"""Owners of files by the patterns of GitHub's documentation on CODEOWNERS."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.documents.code_owners import CodeOwners
from reconciler.sources.code_owners_file import read_code_owners

GITHUB = """\
# Each line is a file pattern followed by one or more owners.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
"""


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        ("reconciler.yaml", ("@global-owner1", "@global-owner2")),
        ("src/deep/file.js", ("@js-owner",)),
        ("a.txt", ("@octo-org/octocats",)),
        ("build/logs/today/x", ("@octocat",)),
        ("build/logs", ("@octocat",)),
        ("docs/build-app/x.md", ("@doctocat",)),
        ("x/apps/y", ("@octocat",)),
        ("x/apps", ("@global-owner1", "@global-owner2")),
        ("scripts/run", ("@doctocat", "@octocat")),
        ("apps/other/x", ("@octocat",)),
        ("apps/github/x", ()),
    ],
)
def test_the_last_matching_line_names_the_owners(path: str, owners: tuple[str, ...]) -> None:
    assert CodeOwners(GITHUB).of(path) == owners


def test_a_star_after_a_slash_matches_one_level() -> None:
    owners = CodeOwners("docs/* docs@example.com\n")
    assert owners.of("docs/getting-started.md") == ("docs@example.com",)
    assert owners.of("docs/build-app/troubleshooting.md") == ()
    assert owners.of("x/docs/getting-started.md") == ()


def test_escapes_and_unsupported_patterns() -> None:
    text = "my\\ file.yaml @space\n\\#x @hash\n!* @not\n[a-z].yaml @range\n^[Section] @gitlab\n/a/**/b @deep\n"
    owners = CodeOwners(text)
    assert owners.of("conf/my file.yaml") == ("@space",)
    assert owners.of("a.yaml") == ()
    assert owners.of("a/b") == ("@deep",)
    assert owners.of("a/x/y/b/c") == ("@deep",)


@pytest.mark.parametrize("place", [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"])
def test_the_file_is_read_from_the_top_of_the_repository(tmp_path: Path, place: str) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/reconciler.yaml").write_text("version: 1\n")
    assert read_code_owners(str(tmp_path / "conf")) is None
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text("* @acme/messaging\n")
    for path in (tmp_path / "conf", tmp_path / "conf/reconciler.yaml"):
        assert read_code_owners(str(path)) == (tmp_path.resolve(), "* @acme/messaging\n")


def test_the_first_place_wins_and_without_a_repository_there_are_no_owners(tmp_path: Path) -> None:
    (tmp_path / "CODEOWNERS").write_text("* @second\n")
    assert read_code_owners(str(tmp_path)) is None
    (tmp_path / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/CODEOWNERS").write_text("* @first\n")
    found = read_code_owners(str(tmp_path))
    assert found is not None
    assert found.text == "* @first\n"
