"""YAML texts in every formatting that people use, each with the value that it stands for.

A text is drawn together with its value, so no parser is needed to know what it means.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

COMMENTS = ("", "", "", "  # why", " #", "  # a: b, [c] {d}", "\t# tab", " # 😀 \u00e9", "  # '\"")
COMMENT_LINES = ("# alone", "#", "# k: v", "#\ttab", "# - item")
KEYS = ("a", "b", "c", "friendly_name", "roles", '"quoted key"', "'single'", "x-y", "1", "k.z")
PLAIN = (
    "word",
    "two words",
    "https://hooks.example.com/in?a=b",
    "é😀",
    "a: b"[:1] + "b",
    "v1.2",
    "x#y",
    "it's",
    "-dash"[1:],
)
NUMBERS = {"1": 1, "true": True, "null": None, "~": None, "2.5": 2.5, "-7": -7}


@dataclass(frozen=True)
class Written:
    """A YAML value as lines.

    Attributes:
        head: What follows the key or the hyphen in its line.
        lines: The lines below it, with their indent.
        value: The value.
    """

    head: str
    lines: tuple[str, ...]
    value: Any


@st.composite
def scalars(draw: st.DrawFn, column: int) -> Written:
    form = draw(
        st.sampled_from(["plain", "number", "single", "double", "literal", "folded", "empty", "multi", "tagged"])
    )
    comment = draw(st.sampled_from(COMMENTS))
    pad = " " * (column + draw(st.integers(1, 3)))
    match form:
        case "plain":
            text = draw(st.sampled_from(PLAIN))
            return Written(f" {text}{comment}", (), text)
        case "number":
            text = draw(st.sampled_from(sorted(NUMBERS)))
            return Written(f"{draw(st.sampled_from([' ', '   ']))}{text}{comment}", (), NUMBERS[text])
        case "single":
            text = draw(st.sampled_from(["it's", "+14155550100", "", "a # b", '{"k": 1}', "null"]))
            return Written(" '" + text.replace("'", "''") + "'" + comment, (), text)
        case "double":
            text = draw(st.sampled_from(["", 'say "hi"', "tab\there", "+14155550100", "\u2028", "two\nlines", "😀"]))
            shown = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("\n", "\\n")
            return Written(f' "{shown}"'.replace("\u2028", "\\u2028") + comment, (), text)
        case "literal":
            header = draw(st.sampled_from(["|", "|-", "|+"]))
            lines = draw(st.sampled_from([["one"], ["one", "", "  two"], ["# no comment", "k: v"]]))
            blank = draw(st.integers(0, 2))
            body = "\n".join(lines)
            ending = {"|": "\n", "|-": "", "|+": "\n" * (1 + blank)}[header]
            below = [pad + line if line else "" for line in lines] + [""] * blank
            # Further empty lines would count as well.
            below += ["# kept"] if header == "|+" else []
            return Written(f" {header}{comment}", tuple(below), body + ending)
        case "folded":
            header = draw(st.sampled_from([">", ">-"]))
            return Written(
                f" {header}{comment}", (f"{pad}one", f"{pad}two", "", f"{pad}three"),
                "one two\nthree" + ("\n" if header == ">" else ""),
            )  # fmt: skip
        case "multi":
            return Written(" first", (f"{pad}second", f"{pad}third{comment}"), "first second third")
        case "tagged":
            return Written(f" !!str 5{comment}", (), "5")
        case _:
            return Written(comment, (), None)


def flow_scalar(draw: st.DrawFn) -> tuple[str, Any]:
    text = draw(st.sampled_from(['"q, ]"', "'s}'", "word", "7", "null", "two words"]))
    values = {'"q, ]"': "q, ]", "'s}'": "s}", "7": 7, "null": None}
    return text, values.get(text, text)


@st.composite
def flows(draw: st.DrawFn, column: int) -> Written:
    comment = draw(st.sampled_from(COMMENTS))
    is_list = draw(st.booleans())
    members = [flow_scalar(draw) for _ in range(draw(st.integers(0, 3)))]
    keys = draw(
        st.lists(st.sampled_from(["a", "b", '"c"', "d e"]), min_size=len(members), max_size=len(members), unique=True)
    )
    texts = [text if is_list else f"{key}: {text}" for key, (text, _) in zip(keys, members, strict=True)]
    value: Any = [value for _, value in members]
    if not is_list:
        value = {key.strip('"'): one for key, (_, one) in zip(keys, members, strict=True)}
    opened, closed = "[]" if is_list else "{}"
    trailing = draw(st.sampled_from(["", ","])) if members else ""
    if not members and draw(st.booleans()):
        inner = draw(st.lists(st.sampled_from(["", f"{' ' * (column + 3)}# empty", *COMMENT_LINES]), max_size=2))
        return Written(
            f" {opened}{draw(st.sampled_from(COMMENTS))}", (*inner, f"{' ' * (column + 2)}{closed}{comment}"), value
        )
    if draw(st.booleans()) or not members:
        space = draw(st.sampled_from(["", " "]))
        return Written(f" {opened}{space}{', '.join(texts)}{trailing}{space}{closed}{comment}", (), value)
    pad = " " * (column + 4)
    inner = [f"{pad}{text}," for text in texts[:-1]] + [f"{pad}{texts[-1]}{trailing}"]
    inner = [line + draw(st.sampled_from(COMMENTS)) for line in inner]
    return Written(f" {opened}", (*inner, f"{' ' * (column + 2)}{closed}{comment}"), value)


@st.composite
def mappings(draw: st.DrawFn, column: int, depth: int) -> tuple[tuple[str, ...], dict[Any, Any]]:
    """The lines of a block mapping, and its value."""
    lines: list[str] = []
    found: dict[Any, Any] = {}
    pad = " " * column
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True)):
        lines += draw(st.lists(st.sampled_from(["", f"{pad}# above", *COMMENT_LINES]), max_size=2))
        written = draw(values(column, depth))
        if draw(st.integers(0, 7)) == 0 and not any(line.startswith(f"{pad}-") for line in written.lines):
            lines += [f"{pad}? {key}{draw(st.sampled_from(COMMENTS))}"]
            is_left_out = written.value is None and not written.lines and draw(st.booleans())
            # Some parsers refuse a tab after such a colon.
            head = f" {written.head.lstrip()}" if written.head.startswith("\t") else written.head
            lines += [] if is_left_out else [f"{pad}:{head}", *written.lines]
        else:
            lines += [f"{pad}{key}:{written.head}", *written.lines]
        name = key.strip("\"'")
        found[1 if name == "1" else name] = written.value
    return tuple(lines), found


@st.composite
def sequences(draw: st.DrawFn, column: int, depth: int) -> tuple[tuple[str, ...], list[Any]]:
    """The lines of a block sequence, and its value."""
    lines: list[str] = []
    found: list[Any] = []
    pad = " " * column
    for _ in range(draw(st.integers(1, 4))):
        lines += draw(st.lists(st.sampled_from(["", f"{pad}# above"]), max_size=1))
        if depth and draw(st.integers(0, 3)) == 0:
            inner, value = draw(mappings(column + 2, 0))
            first = next(
                number for number, line in enumerate(inner) if line.strip() and not line.lstrip().startswith("#")
            )
            inner = inner[first:]
            lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
            found.append(value)
            continue
        written = draw(scalars(column))
        # Some parsers refuse a tab after a hyphen.
        head = f" {written.head.lstrip()}" if written.head.startswith("\t") else written.head
        lines += [f"{pad}-{head}", *written.lines]
        found.append(written.value)
    return tuple(lines), found


@st.composite
def values(draw: st.DrawFn, column: int, depth: int) -> Written:
    form = draw(st.sampled_from(["scalar", "scalar", "flow", "mapping", "sequence"] if depth else ["scalar", "flow"]))
    if form == "scalar":
        return draw(scalars(column))
    if form == "flow":
        return draw(flows(column))
    comment = draw(st.sampled_from(COMMENTS))
    anchor = draw(st.sampled_from(["", "", " &anchor"]))
    if form == "mapping":
        lines, value = draw(mappings(column + draw(st.sampled_from([1, 2, 4])), depth - 1))
        return Written(anchor + comment, lines, value)
    items, found = draw(sequences(column + draw(st.sampled_from([0, 2])), depth - 1))
    return Written(anchor + comment, items, found)


@st.composite
def texts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A whole file, and its value."""
    lines, value = draw(mappings(0, 3))
    head = draw(st.sampled_from([(), ("---",), ("# license", ""), ("%YAML 1.1", "---"), ("--- # start",)]))
    tail = draw(st.sampled_from([(), ("...",), ("", "# the end"), ("",)]))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    end = "" if tail and tail[-1] and draw(st.booleans()) else newline  # a block scalar needs its last line break
    numbers = itertools.count()
    text = re.sub("&anchor", lambda _: f"&anchor{next(numbers)}", newline.join([*head, *lines, *tail]) + end)
    return draw(st.sampled_from(["", "", "\ufeff"])) + text, value
