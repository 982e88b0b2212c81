"""A value changes, and nothing else does, however the file is written."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.accept.lines import SpliceError
from reconciler.accept.positions import Document, Mapping, Node, Scalar, Sequence, parse
from reconciler.accept.splice import Drop, Edit, Fill, Items, Put, Set, splice
from tests.accept.yaml_texts import texts

NEW = st.sampled_from(
    [
        "new",
        "+14155550100",
        "a: b",
        "null",
        "",
        "two\nlines\n",
        "it's",
        'say "hi"',
        3,
        True,
        None,
        "# x",
        "é😀",
        "x" * 150,
    ]
)


def load(text: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return yaml.load(text.removeprefix("\ufeff"), loader)


def nodes(node: Node, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Node]]:
    """Every value with its path; keys as the loader gives them."""
    yield path, node
    if isinstance(node, Mapping):
        for key, value in node.pairs:
            assert isinstance(key, Scalar)
            yield from nodes(value, (*path, 1 if key.text == "1" and not key.style else key.text))
    elif isinstance(node, Sequence):
        for number, item in enumerate(node.items):
            yield from nodes(item, (*path, number))


def inside(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def assign(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    inside(value, path[:-1])[path[-1]] = new
    return value


def spliced(text: str, document: Document, edit: Edit) -> str:
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    return mark + splice(document, [edit])


def changed_lines(before: str, after: str) -> tuple[list[str], list[str]]:
    """The lines that are gone, and those that are new."""
    pattern = re.compile("(?<=\n)")
    found = list(difflib.ndiff(pattern.split(before), pattern.split(after)))
    return [line[2:] for line in found if line[:2] == "- "], [line[2:] for line in found if line[:2] == "+ "]


ORDINARY, MANY = 24, 1_000


# Over files in every formatting: the value is what was asked for, and lines outside of it are untouched.


def the_generator_and_the_loader_agree(drawn: tuple[str, Any], _data: st.DataObject) -> None:
    text, value = drawn
    assert load(text) == value


def a_scalar_is_replaced(drawn: tuple[str, Any], data: st.DataObject) -> None:
    text, value = drawn
    document = parse(text)
    assert document.root is not None
    scalars = [(p, n) for p, n in nodes(document.root) if isinstance(n, Scalar)]
    if not scalars:
        return
    path, node = data.draw(st.sampled_from(scalars))
    new = data.draw(NEW)
    found = spliced(text, document, Set(node, new))
    assert load(found) == assign(copy.deepcopy(value), path, new)
    gone, _ = changed_lines(text, found)
    first = document.text.count("\n", 0, node.start)
    last = document.text.count("\n", 0, node.end)
    assert len(gone) <= last - first + 1
    again = parse(found)
    assert again.root is not None
    same = dict(nodes(again.root))[path]
    assert spliced(found, again, Set(same, new)) == found


def a_key_is_added(drawn: tuple[str, Any], data: st.DataObject) -> None:
    text, value = drawn
    document = parse(text)
    assert document.root is not None
    path, node = data.draw(st.sampled_from([(p, n) for p, n in nodes(document.root) if isinstance(n, Mapping)]))
    assert isinstance(node, Mapping)
    new: Any = data.draw(st.one_of(NEW, st.just({"in": {"deep": ["x", "y"]}}), st.just([]), st.just({})))
    try:
        found = spliced(text, document, Put(node, "brand_new", new))
    except SpliceError:
        return
    expected = copy.deepcopy(value)
    inside(expected, path)["brand_new"] = new
    assert load(found) == expected
    gone, _ = changed_lines(text, found)
    assert len(gone) <= (1 if node.is_flow or not text.endswith("\n") else 0)


def a_key_is_removed(drawn: tuple[str, Any], data: st.DataObject) -> None:
    text, value = drawn
    document = parse(text)
    assert document.root is not None
    path, node = data.draw(
        st.sampled_from([(p, n) for p, n in nodes(document.root) if isinstance(n, Mapping) and n.pairs])
    )
    assert isinstance(node, Mapping)
    key = data.draw(st.sampled_from([name for name, _ in node.pairs]))
    assert isinstance(key, Scalar)
    try:
        found = spliced(text, document, Drop(node, key.text))
    except SpliceError:
        return
    expected = copy.deepcopy(value)
    del inside(expected, path)[1 if key.text == "1" and not key.style else key.text]
    assert load(found) == expected


def items_are_removed_and_added(drawn: tuple[str, Any], data: st.DataObject) -> None:
    text, value = drawn
    document = parse(text)
    assert document.root is not None
    lists = [(p, n) for p, n in nodes(document.root) if isinstance(n, Sequence)]
    if not lists:
        return
    path, node = data.draw(st.sampled_from(lists))
    assert isinstance(node, Sequence)
    removed = data.draw(st.frozensets(st.sampled_from(range(len(node.items))))) if node.items else frozenset()
    places = st.integers(0, len(node.items))
    items: st.SearchStrategy[Any] = st.sampled_from(["new", "a, b", "null", "+1", {"x": "y", "z": ["1"]}, ["in"]])
    added = sorted(data.draw(st.lists(st.tuples(places, items), max_size=3)), key=lambda one: one[0])
    try:
        found = spliced(text, document, Items(node, removed, tuple(added)))
    except SpliceError:
        return
    expected = copy.deepcopy(value)
    expected_items: list[Any] = []
    for number, item in enumerate([*inside(expected, path), None]):
        expected_items += [new for place, new in added if place == number]
        expected_items += [item] if number < len(node.items) and number not in removed else []
    assert load(found) == assign(expected, path, expected_items)
    if not removed and not added:
        assert found == text


PROPERTIES = [
    the_generator_and_the_loader_agree,
    a_scalar_is_replaced,
    a_key_is_added,
    a_key_is_removed,
    items_are_removed_and_added,
]


@pytest.mark.parametrize("holds", PROPERTIES)
@settings(max_examples=ORDINARY)
@given(drawn=texts(), data=st.data())
def test_in_any_formatting(
    holds: Callable[[tuple[str, Any], st.DataObject], None], drawn: tuple[str, Any], data: st.DataObject
) -> None:
    holds(drawn, data)


@pytest.mark.slow
@pytest.mark.parametrize("holds", PROPERTIES)
@settings(max_examples=MANY)
@given(drawn=texts(), data=st.data())
def test_in_any_formatting_often(
    holds: Callable[[tuple[str, Any], st.DataObject], None], drawn: tuple[str, Any], data: st.DataObject
) -> None:
    holds(drawn, data)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "a:\n  b: 1\n"),
        ("# c", "# c\na:\n  b: 1"),
        ("# c\r\n", "# c\r\na:\r\n  b: 1\r\n"),
        ("---\n# c\n...\n# end\n", "---\n# c\na:\n  b: 1\n...\n# end\n"),
        ("--- # c\n", "--- # c\na:\n  b: 1\n"),
        ("\n~   # c\n", "\n   # c\na:\n  b: 1\n"),
    ],
)
def test_the_first_keys_of_a_file_come_below_its_comments(before: str, after: str) -> None:
    assert splice(parse(before), [Fill({"a": {"b": 1}})]) == after
    assert load(after) == {"a": {"b": 1}}


@pytest.mark.parametrize("value", [None, "x", [1, 2], [{"a": 1}], {"b": {"c": 1}}, {}])
@pytest.mark.parametrize("properties", ["!!map", "&a", "&a !!map", "!!map &a"])
@pytest.mark.parametrize(
    "text", ["k: {}\n  # c\n  a: 1\nz: 1\n", "k: {} # behind\n  a: 1\nz: 1\n", "k:   {}\n    a: 1 # x\n"]
)
def test_a_tag_of_a_block_goes_if_the_new_value_is_of_another_type(text: str, properties: str, value: Any) -> None:
    document = parse(text.replace("{}", properties))
    assert isinstance(document.root, Mapping)
    written = splice(document, [Set(document.root.pairs[0][1], value)])
    assert load(written) == {**load(text.replace("{}", properties)), "k": value}
    assert ("&a" in written, "!!map" in written) == (
        "&a" in properties,
        "!!map" in properties and isinstance(value, dict),
    )


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("k:\n  # x\n\n  # y\n# z\nz: 1\n", "k:\n  # x\n\n  # y\n  a:\n    b: 1\n# z\nz: 1\n"),
        ("k: # behind\n  # x\n", "k: # behind\n  # x\n  a:\n    b: 1\n"),
        ("k: ~\n  # x\n", "k:\n  # x\n  a:\n    b: 1\n"),
        ("k:\n# x\nz: 1\n", "k:\n  a:\n    b: 1\n# x\nz: 1\n"),
        ("k: null", "k:\n  a:\n    b: 1"),
    ],
)
def test_the_keys_of_a_section_without_any_go_below_its_comments(text: str, written: str) -> None:
    document = parse(text)
    assert isinstance(document.root, Mapping)
    assert splice(document, [Set(document.root.pairs[0][1], {"a": {"b": 1}})]) == written


@pytest.mark.parametrize(
    ("text", "value", "written"),
    [
        ("k: [  # x\n]\n", ["a", 1], "k: [  # x\n  a,\n  1\n]\n"),
        ("k: [\n     # x\n\n  ] # y\n", ["a"], "k: [\n     # x\n\n     a\n  ] # y\n"),
        ("k: !!seq [  # x\r\n# y\r\n  ]\r\n", {"a": {"b": 1}}, "k: {  # x\r\n# y\r\n  a: {b: 1}\r\n  }\r\n"),
        ("l:\n  - k: { # x\n    }", {"a": 1, "b": 2}, "l:\n  - k: { # x\n      a: 1,\n      b: 2\n    }"),
        ("k: [\n\n]\n", ["a"], "k: [\n\n  a\n]\n"),
        ("k: [ ]\n", ["a"], "k: [a]\n"),
    ],
)
def test_the_first_members_in_brackets_go_below_their_comments(text: str, value: Any, written: str) -> None:
    document = parse(text)
    assert document.root is not None
    [*_, (_, node)] = [(path, node) for path, node in nodes(document.root) if path[-1:] == ("k",)]
    assert splice(document, [Set(node, value)]) == written
    if isinstance(node, Sequence) and isinstance(value, list):
        assert splice(document, [Items(node, added=tuple((0, item) for item in value))]) == written
    elif isinstance(node, Mapping):
        assert splice(document, [Put(node, key, item) for key, item in value.items()]) == written


EXPLICIT = """\
? a   # about a
? b
: ? c   # about c
  : d: 1
  # about e
  e: {x: 1}
f:
  - ? g
    ? h   # about h
    :
"""


@pytest.mark.parametrize(
    ("path", "edit", "written"),
    [
        (("a",), lambda node: Set(node, {"x": {"z": 1}}), {"? a   # about a\n": "a:   # about a\n  x:\n    z: 1\n"}),
        (("a",), lambda node: Set(node, "x"), {"? a ": "a: x "}),
        ((), lambda node: Drop(node, "a"), {"? a   # about a\n": ""}),
        ((), lambda node: Drop(node, "b"), {EXPLICIT[EXPLICIT.index("? b") : EXPLICIT.index("f:")]: ""}),
        (("b",), lambda node: Drop(node, "c"), {": ? c   # about c\n  : d: 1\n": ":\n"}),
        (("b",), lambda node: Put(node, "m", 1), {"  e: {x: 1}\n": "  e: {x: 1}\n  m: 1\n"}),
        (("f", 0, "g"), lambda node: Set(node, [1]), {"? g\n": "g: [1]\n"}),
        (("f", 0), lambda node: Drop(node, "g"), {"? g\n    ? h": "? h"}),
        (("f", 0, "h"), lambda node: Set(node, 1), {"    :\n": "    : 1\n"}),
        (("f", 0), lambda node: Put(node, "m", 1), {"    :\n": "    :\n    m: 1\n"}),
    ],
)
def test_keys_with_a_question_mark_are_edited(
    path: tuple[Any, ...], edit: Callable[[Any], Edit], written: dict[str, str]
) -> None:
    document = parse(EXPLICIT)
    assert document.root is not None
    found = splice(document, [edit(dict(nodes(document.root))[path])])
    [(before, after)] = written.items()
    assert found == EXPLICIT.replace(before, after)
    load(found)


@pytest.mark.parametrize("text", ["{a, b: 1}", "{? a, b: 1}", "{a , b: 1}"])
def test_a_key_without_a_colon_gets_one(text: str) -> None:
    document = parse(text)
    assert isinstance(document.root, Mapping)
    found = splice(document, [Set(document.root.pairs[0][1], "x")])
    assert load(found) == {"a": "x", "b": 1}


def test_a_question_mark_in_another_line_is_refused() -> None:
    document = parse("?\n  a\nb: 1\n")
    assert isinstance(document.root, Mapping)
    with pytest.raises(SpliceError, match="the key is not written in the line of its question mark"):
        splice(document, [Drop(document.root, "a")])
