"""The one kind of glob: what each pattern matches, in names and in paths of included files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.config import globs, load
from reconciler.errors import ConfigError
from tests.config.memory import MemorySources
from tests.world import read

TEXTS = st.text(alphabet="ab*?\\[]!-.\n", max_size=12)


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "a/b\nc", True),
        ("?", "", False),
        ("?", "\n", True),
        ("a", "A", False),
        ("a*c", "abbc", True),
        ("a*c", "abcd", False),
        ("*a*b", "xaxbxb", True),
        ("*ab?", "abab1", True),
        ("*?*", "", False),
        ("a**b", "ab", True),
        ("[ab]", "a", False),
        ("[ab]", "[ab]", True),
        ("[!a]", "b", False),
        ("[a-c]*", "[a-c] b", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"\?", "?", True),
        (r"\?", "a", False),
        (r"\\", "\\", True),
        (r"\\*", r"\anything", True),
        (r"\\\*", r"\*", True),
        (r"\a", r"\a", True),
        (r"\a", "a", False),
        (r"\[", r"\[", True),
        ("a\\", "a\\", True),
        ("a.b", "axb", False),
        ("a", "a\n", False),
    ],
)
def test_what_a_pattern_matches(pattern: str, text: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert globs.matches(pattern, text) is expected


@given(TEXTS)
def test_an_escaped_text_matches_itself_and_only_itself(text: str) -> None:
    assert not globs.is_glob(globs.escape(text))
    assert globs.literal(globs.escape(text)) == text
    assert globs.matches(globs.escape(text), text)
    assert not globs.matches(globs.escape(text), text + "a")


def _slowly(pattern: str, text: str) -> bool:
    """The definition, by recursion."""
    if not pattern:
        return not text
    if pattern[0] == "*":
        return any(_slowly(pattern[1:], text[start:]) for start in range(len(text) + 1))
    if pattern[0] == "\\" and pattern[1:2] in {"*", "?", "\\"}:
        return text[:1] == pattern[1] and _slowly(pattern[2:], text[1:])
    return bool(text) and pattern[0] in {"?", text[0]} and _slowly(pattern[1:], text[1:])


@given(TEXTS, st.text(alphabet="ab*?\\[]\n", max_size=8))
def test_matching_follows_the_definition(pattern: str, text: str) -> None:
    assert globs.matches(pattern, text) is _slowly(pattern, text)


def test_no_pattern_takes_exponential_time() -> None:
    assert not globs.matches("*a" * 200 + "b", "a" * 5000)


# --- include ---------------------------------------------------------------------------------------------------------


def included(pattern: str, *paths: str) -> list[str]:
    """The files that an include pattern selects, of some that each define one address."""
    files = {"reconciler.yaml": f"version: 1\ninclude: ['{pattern}']\n"}
    files |= {path: f"addresses: {{'{number}': {{type: sms}}}}" for number, path in enumerate(paths)}
    loaded = read(files)
    return [paths[int(address.parts[-1])] for address in loaded.resources]


def test_include_uses_the_same_globs() -> None:
    assert included("[a].yaml", "[a].yaml", "a.yaml") == ["[a].yaml"]
    assert included("[*.yaml", "[a].yaml", "a.yaml") == ["[a].yaml"]
    assert included(r"\**.yaml", "*a.yaml", "a.yaml") == ["*a.yaml"]
    assert included(r"\*.yaml", "*.yaml", "a.yaml") == ["*.yaml"]
    assert included(r"a\?.yaml", "a?.yaml", "ab.yaml") == ["a?.yaml"]
    assert included("s/*.yaml", "s/a.yaml", "s/t/b.yaml", "S/c.yaml") == ["s/a.yaml"]
    assert included("s/**/*.yaml", "s/a.yaml", "s/t/b.yaml", "u/c.yaml") == ["s/a.yaml", "s/t/b.yaml"]
    assert included("s**/*.yaml", "s1/a.yaml", "s1/t/b.yaml") == ["s1/a.yaml"]


def test_brackets_are_not_a_choice_of_characters() -> None:
    with pytest.raises(ConfigError) as error:
        included("[ab].yaml", "a.yaml")
    assert [problem.code for problem in error.value.problems] == ["unreadable-file"]


def test_a_folder_with_wildcards_in_its_name_can_include_files_beside_it() -> None:
    files = MemorySources({
        "reconciler.yaml": r"{version: 1, include: ['we\?rd\*/all.yaml']}",
        "we?rd*/all.yaml": "include: [parts/*.yaml, one.yaml]",
        "we?rd*/parts/a.yaml": "addresses: {'1': {type: sms}}",
        "we?rd*/one.yaml": "addresses: {'2': {type: sms}}",
        "weird1/parts/b.yaml": "addresses: {'3': {type: sms}}",
    })  # fmt: skip
    assert [address.parts[-1] for address in load(files).resources] == ["1", "2"]
