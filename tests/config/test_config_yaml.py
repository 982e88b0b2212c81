"""Text that is no configuration: broken YAML, limits, tags, keys; and what YAML itself offers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import yaml

from reconciler.config import yaml_errors, yaml_events
from tests.config.told import content, problems_of, read, told

LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{below}'] * 9)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"", "1:1 missing-version: reconciler.yaml has no version (start the file with version: 1)"),
        (
            b"- a\n",
            ("1:1 wrong-type: reconciler.yaml must contain a mapping with keys such as services and account "
            "(start the file with version: 1)"),
        ),
        (b"version: 2\n", '1:10 unknown-version: unsupported version "2" (write version: 1)'),
        (b"version: [1]\n", "1:1 wrong-type: version must be 1 (write version: 1)"),
        (
            "version: 1".encode("utf-16"),
            "reconciler.yaml not-text: reconciler.yaml is UTF-16, not UTF-8 (save it as UTF-8 text)",
        ),
        (b"version: 1\nx: \xff", "2 not-text: reconciler.yaml is not UTF-8 text (save it as UTF-8 text)"),
        (
            b"version: 1\nx: a\x00",
            "2:5 not-text: reconciler.yaml is not text: it contains the character U+0000 (save it as UTF-8 text)",
        ),
        (
            b"a: 1\n---\nb: 1\n",
            ("2:1 several-documents: the file has more than one YAML document "
            "(remove the line ---, or split the file in two)"),
        ),
        (
            b"a: *b\n",
            ("1:4 unknown-alias: *b refers to an anchor that is not defined before it in this file "
            "(anchor something with &b before this line)"),
        ),
        (
            b"a: &a {b: [*a]}\n",
            "1:12 alias-in-itself: *a is part of the value it refers to (write out the value)",
        ),
        (
            b"a: " + b"[" * 100_000,
            "1:63 too-deep: lists and mappings are nested more than 60 deep (reduce its nesting)",
        ),
        (
            LAUGHS.encode(),
            "6:26 too-large: aliases make this file more than 500000 nodes large (use fewer aliases of aliases)",
        ),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_problem(text: bytes, expected: str) -> None:
    assert told(text) == [expected]


# --- what the parser refuses -----------------------------------------------------------------------------------------


MALFORMED = {
    b"version: 1\nservices:\n\ta: {}\n": 3,
    b"version: 1\nx: @a\n": 2,
    b"services: a: b\n": 1,
    b"services:\n  - a\n  b: c\n": 3,
    b'a:\n b: "c\n': 2,
    b"a: {b: !unset}\n": 1,
}


@pytest.mark.parametrize("text", MALFORMED)
def test_malformed_yaml_is_one_problem_at_its_line(text: bytes) -> None:
    (problem,) = problems_of(text)
    assert (problem.code, problem.place and problem.place.line) == ("yaml-syntax", MALFORMED[text])


def refuse(monkeypatch: pytest.MonkeyPatch, problem: str, context: str | None = None) -> None:
    """Makes the parser refuse any file at line 2, column 4."""

    def events(_text: str, _parser: object) -> Iterator[object]:
        begin, end = yaml.Mark("", 0, 0, 0, "", 0), yaml.Mark("", 9, 1, 3, "", 0)
        yield yaml.StreamStartEvent(begin, begin)
        raise yaml.MarkedYAMLError(context, begin if context else None, problem, end)

    monkeypatch.setattr(yaml_events, "_events", events)


@pytest.mark.parametrize(("theirs", "ours", "hint"), yaml_errors.EXPLAINED)
def test_what_the_parser_says_is_explained(monkeypatch: pytest.MonkeyPatch, theirs: str, ours: str, hint: str) -> None:
    refuse(monkeypatch, f"{theirs} here")
    assert told(b"a: 1\nb: 2\n") == [f"2:4 yaml-syntax: the YAML is malformed: {ours} ({hint})"]


def test_what_the_parser_says_in_other_words_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "one \x1b[31mbanana too many")
    (line,) = told(b"a: 1\nb: 2\n")
    assert line.startswith("2:4 yaml-syntax: the YAML is malformed: one ")
    assert "banana too many" in line


def test_a_tab_is_named_whatever_the_parser_says(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch, "banana")
    message = "the YAML is malformed: a tab cannot indent (indent with spaces)"
    assert told(b"a:\n   \tb: 2\n") == [f"2:4 yaml-syntax: {message}"]


LOADERS = ("CBaseLoader", "BaseLoader")


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: " + "[" * 2000, "1:63"),
        ("[" * 2000, "1:61"),
        ("{" * 2000, "1:61"),
        ("a: " + "{[" * 1000, "1:63"),
        ("&a " + "[" * 2000, "1:64"),
        ("\n# [[[\n\n" + "[" * 1500, "4:61"),
        ("a:\n  b:\n    " + "[" * 1500, "3:63"),
        ("[a, 'it''s [', \"\\\"[\", it's " + ", [" * 300, "1:207"),
        ("{a: " * 2000, "1:241"),
        ("[x, " * 2000, "1:241"),
        ("- " * 2000, "1:121"),
        ("".join(" " * depth + "a:\n" for depth in range(1500)), "61:61"),
        ("[\n" * 2000, "61:1"),
        ("[" * 60 + "]" * 60, ""),
        ("x: '" + "[" * 1500 + "'", ""),
        ('x: {y: "' + "[" * 1000 + '"}', ""),
        ("x: a" + "[" * 1500, ""),
        ("x: |\n  " + "[" * 1500, ""),
        ("x: 1 # " + "[" * 1500, ""),
    ],
)
def test_the_limit_of_nesting_is_ours(monkeypatch: pytest.MonkeyPatch, loader: str, text: str, place: str) -> None:
    monkeypatch.setattr(yaml, "CBaseLoader", getattr(yaml, loader))
    found = [line for line in told(text.encode()) if "too-deep" in line or "yaml-syntax" in line]
    expected = f"{place} too-deep: lists and mappings are nested more than 60 deep (reduce its nesting)"
    assert found == ([expected] if place else [])


@pytest.mark.parametrize(
    "error", [yaml.YAMLError("banana"), RecursionError("banana"), yaml.MarkedYAMLError(None, None, "b")]
)
def test_the_limit_of_nesting_comes_before_the_parsers(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def events(_text: str, _parser: object) -> Iterator[object]:
        begin = yaml.Mark("", 0, 0, 0, "", 0)
        yield yaml.StreamStartEvent(begin, begin)
        raise error

    monkeypatch.setattr(yaml_events, "_events", events)
    assert told(b"a:\n " + b"[" * 100) == [
        "2:62 too-deep: lists and mappings are nested more than 60 deep (reduce its nesting)"
    ]
    assert [line.partition(":")[0] for line in told(b"a:\n " + b"[" * 9)] == ["reconciler.yaml yaml-syntax"]


def test_a_merge_key_counts_what_it_merges() -> None:
    rows = "".join(f"a{n}: &a{n} {{<<: *a{n - 1}, k{n}: [*a{n - 1}, *a{n - 1}]}}\n" for n in range(1, 30))
    assert [line.split(":")[2] for line in told(f"a0: &a0 {{x: y}}\n{rows}")] == [" aliases make this file more than 500000 nodes large (use fewer aliases of aliases)"]  # fmt: skip # noqa: E501 - a literal


def test_what_is_nested_by_aliases_counts_as_deep() -> None:
    rows = "".join(f"x-{n}: &a{n} [[[[[[[[[[*a{n - 1}]]]]]]]]]]\n" for n in range(1, 7))
    assert told(f"x-0: &a0 []\n{rows}") == [
        "8:20 too-deep: lists and mappings are nested more than 60 deep (reduce its nesting)"
    ]


def test_duplicate_keys_name_both_places() -> None:
    (problem,) = problems_of("services:\n  a: {}\n  a: {}\n")
    assert (str(problem.place), problem.message) == ("reconciler.yaml:4:3", 'the key "a" occurs twice in one mapping')
    assert [(str(place), words) for place, words in problem.related] == [("reconciler.yaml:3:3", "first occurrence")]


@pytest.mark.parametrize(
    "value",
    ["*Hunter2Hunter2", "!Hunter2 abc", "!Hunter2 {a: 1}", "!Hunter2 [a]", "[x, *Hunter2Hunter2]", "[!Hunter2 x]"],
)
def test_a_secret_that_looks_like_an_alias_or_a_tag_is_not_shown(value: str) -> None:
    problem, *others = problems_of(f"x-a:\n  secret: {value}\nversion: 1\nservices: {{}}\n".encode())
    assert "Hunter2" not in "".join(other.message + other.hint for other in others)
    assert problem.code in {"unknown-alias", "unknown-tag"}
    assert "Hunter2" not in problem.message + problem.hint
    assert "put the value in quotes if it begins with" in problem.hint


def test_the_name_of_an_alias_is_shortened() -> None:
    (problem,) = problems_of(b"a: *" + b"b" * 100_000)
    assert len(problem.message + problem.hint) < 500


def test_unknown_tags_are_refused_and_make_nothing() -> None:
    assert told("services: {a: {friendly_name: !!python/object/apply:os.getcwd x}}\nx-1: !thing y") == [
        (
            '2:31 unknown-tag: the tag "tag:yaml.org,2002:python/object/apply:os.getcwd" is not known '
            "(remove the tag; the only tag of this tool is !unset, in overlays)"
        ),
        (
            '3:6 unknown-tag: the tag "!thing" is not known '
            "(remove the tag; the only tag of this tool is !unset, in overlays)"
        ),
    ]


def test_keys_are_text() -> None:
    assert told("? [a]\n: 1\n") == [
        "2:3 key-not-text: a key must be text (put it in quotes when it begins with [ or {)"
    ]


def test_a_tag_of_yaml_itself_makes_text_of_a_null() -> None:
    assert content("services: {a: {friendly_name: !!str null}}", "services.a", "friendly_name") == "null"


def test_anchors_aliases_and_merge_keys() -> None:
    text = """
x-role: &role {type: service, permissions: [joinConversation]}
services:
  a:
    roles:
      one: *role
      two: {<<: *role, permissions: [createConversation]}
      three: {<<: [{type: conversation, permissions: [sendMessage]}, *role]}
"""
    config = read(text)
    assert {
        str(item.address): [value.content for value in item.values.values()]
        for item in config.resources.values()
        if item.kind.name == "role"
    } == {
        "services.a.roles.one": ["one", "service", ("joinConversation",)],
        "services.a.roles.three": ["three", "conversation", ("sendMessage",)],
        "services.a.roles.two": ["two", "service", ("createConversation",)],
    }


def test_a_merge_key_that_merges_no_mapping() -> None:
    assert told("x-1: &a [b]\nservices: {<<: *a}") == [
        "2:10 merge-key: << merges mappings, and this is not a mapping (refer to an anchored mapping: << : *name)"
    ]


def test_a_byte_order_mark_is_no_text() -> None:
    assert read(b"\xef\xbb\xbfversion: 1\nservices: {a: {}}").resources


def test_places_count_characters_and_every_kind_of_line_break() -> None:
    assert told(b"version: 1\r\nx-1: '\xe6\xbc\xa2'\rservces: {}\n") == [
        '3:1 unknown-key: a configuration has no key "servces" (did you mean services?)'
    ]
    assert told("services: {漢字: {rols: {}}}") == [
        '2:17 unknown-key: a service has no key "rols" (did you mean roles?)'
    ]


def test_a_broken_file_does_not_make_problems_of_what_it_would_have_said() -> None:
    files = {
        "reconciler.yaml": "version: 1\ninclude: [a.yaml]\nservices: {s: {template: t}}\nprune: [addresses]\n"
        "account: {configuration: {default_service: other, default_inactive_timer: PT1S}}",
        "a.yaml": "a: [",
    }
    assert [line.split(" ")[1] for line in told(files)] == ["yaml-syntax:", "out-of-range:"]


def test_problems_are_counted_up_to_a_limit() -> None:
    problems = problems_of("\n".join(f"key{number}: 1" for number in range(12_000)))
    assert len(problems) == 10_001
    assert problems[0].message == "there are more than 10000 problems; the others are not shown"


@pytest.mark.parametrize("line", ["private_key: abcdef", "x: -----BEGIN", "apiToken: abcdef", "x: " + "A" * 50])
def test_lines_of_a_broken_file_that_may_hold_secrets_are_not_kept(line: str) -> None:
    (problem,) = problems_of(f"credentials:\n  {line}: z\n")
    assert problem.conceals


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("include: [*.yaml]", "* begins an alias and & an anchor, but no name follows"),
        ("services: {s: {friendly_name: * }}", "* begins an alias and & an anchor, but no name follows"),
        ("services: {s: {friendly_name: & }}", "* begins an alias and & an anchor, but no name follows"),
        ("services:\n  s:\n    friendly_name: ? x", "? begins a key of several lines"),
    ],
)
def test_characters_that_yaml_takes_for_its_own_are_explained(text: str, message: str) -> None:
    (problem,) = problems_of(text)
    assert problem.message == f"the YAML is malformed: {message}"
    assert "in quotes" in problem.hint


def test_conflict_markers_are_named() -> None:
    text = "services:\n<<<<<<< HEAD\n  a: {}\n=======\n  b: {}\n>>>>>>> other\n"
    assert told(text) == [
        ("3:1 yaml-syntax: this file contains git conflict markers (resolve the conflict, and remove the markers)")
    ]
