"""Configurations in every formatting that people use: a document is given, and how it is written is drawn."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from hypothesis import strategies as st

from tests.accept.yaml_texts import COMMENT_LINES, COMMENTS

ROLES = ("addParticipant", "joinConversation", "editAnyUserInfo", "createConversation")
EVENTS = ("onMessageAdd", "onMessageAdded", "onMessageUpdated", "onUserAdded", "onConversationAdded")
NAMES = (
    "Ada",
    "it's",
    "12",
    "+14155550100",
    "a: b",
    "no",
    "Zoë 😀",
    "two words",
    "#1 desk",
    "x # y",
    "$${x}",
    "long " * 30 + "end",
)
JSON_VALUES = st.recursive(
    st.sampled_from(["blue", "+14155550100", "12", "a: b", 1, 2.5, True, None, "😀", ""]),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["a", "b c", "team", "1"]), inner, max_size=3)
    ),
    max_leaves=6,
)  # fmt: skip


def _some(draw: st.DrawFn, values: Mapping[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    return {key: draw(value) for key, value in values.items() if draw(st.booleans())}


def _words(words: tuple[str, ...], least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(words), min_size=least, max_size=4, unique=True)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A configuration of one service."""
    desk: dict[str, Any] = {"friendly_name": "Desk"}
    desk["configuration"] = _some(draw, {"reachability_enabled": st.booleans()})
    desk["webhooks"] = _some(
        draw,
        {
            "method": st.sampled_from(["GET", "POST"]),
            "filters": _words(EVENTS),
            "post_webhook_url": st.sampled_from(["https://a.example.com/x?y=1", None, "https://b.example.com/"]),
        },
    )
    desk["notifications"] = _some(
        draw,
        {
            "log_enabled": st.booleans(),
            "new_message": st.fixed_dictionaries(
                {"enabled": st.booleans(), "template": st.sampled_from(["${PARTICIPANT}: hi", "New: ${MESSAGE}", "x"])}
            ),
        },
    )
    shared = draw(_words(ROLES, 1))  # written once, with an anchor, or several times
    desk["roles"] = {
        name: {
            "type": "service",
            "permissions": list(shared) if draw(st.integers(0, 2)) else draw(_words(ROLES, 1)),
        }
        for name in draw(
            st.lists(st.sampled_from(["agent", "lead", "night shift"]), min_size=1, max_size=3, unique=True)
        )
    }
    desk["users"] = {
        name: _some(
            draw,
            {
                "friendly_name": st.sampled_from(NAMES),
                "attributes": st.dictionaries(st.sampled_from(["team", "level", "b c"]), JSON_VALUES, max_size=3),
            },
        )
        for name in draw(st.lists(st.sampled_from(["ada", "bob@example.com", "1"]), max_size=3, unique=True))
    }
    sections = {key: value for key, value in desk.items() if value != {}}
    return {"version": 1, "services": {"desk": sections}}


Path: TypeAlias = "list[Any] | None"


@dataclass
class _Writer:
    draw: st.DrawFn
    comments: Iterator[int] = field(default_factory=itertools.count)
    anchors: Iterator[int] = field(default_factory=itertools.count)
    lists: dict[tuple[str, ...], str] = field(default_factory=dict)

    def pick(self, *choices: Any) -> Any:
        return self.draw(st.sampled_from(choices))

    def scalar(self, value: Any, *, in_flow: bool, quoted: bool) -> str:
        if value is None or isinstance(value, (bool, int, float)):
            return json.dumps(value)
        forms = []
        is_plain = (
            not quoted
            and value
            and value[0].isalpha()
            and value != "no"
            and not any(mark in value for mark in (": ", " #", ", ", "[", "{", "}"))
        )
        if is_plain:
            forms.append(value)
        if "\n" not in value:
            forms.append("'" + value.replace("'", "''") + "'")
        forms.append(json.dumps(value, ensure_ascii=False))
        return str(self.pick(*forms)) if not in_flow or not is_plain else json.dumps(value, ensure_ascii=False)

    def label(self, path: Path) -> list[str]:
        """A comment that names the value that it is about; none below items of lists."""
        if path is None:
            return []
        return [f"# @{next(self.comments)} {json.dumps(path)}"] * 2

    def comment(self, path: Path = None) -> str:
        return str(self.pick(*COMMENTS, *("  " + label for label in self.label(path))))

    def above(self, pad: str, path: Path = None) -> list[str]:
        forms = ["", f"{pad}# above", *COMMENT_LINES, *(pad + label for label in self.label(path))]
        return list(self.draw(st.lists(st.sampled_from(forms), max_size=1)))

    def flow_lines(self, head: str, value: Any, column: int, path: Path, *, quoted: bool) -> list[str]:
        """A list or mapping in brackets, over several lines."""
        pad = " " * (column + self.pick(2, 4))
        members = [(key, f"{json.dumps(key)}: ", item) for key, item in value.items()] if isinstance(value, dict) else [
            (_item(value, number), "", item) for number, item in enumerate(value)
        ]  # fmt: skip
        trailing = self.pick("", ",")
        lines = [f"{head} {'{' if isinstance(value, dict) else '['}{self.comment(path)}"]
        is_list = isinstance(value, list)
        for number, (key, name, item) in enumerate(members):
            own = None if path is None else [*path, key]
            # The only comment above the first item of a list is about the list.
            lines += self.above(pad, None if is_list and number == 0 else own)
            comma = "," if number < len(members) - 1 else trailing
            lines.append(f"{pad}{name}{self.flow(item, quoted=quoted)}{comma}{self.comment(own)}")
        lines += [] if members else self.above(pad, path)
        return [*lines, f"{' ' * (column + 1)}{'}' if isinstance(value, dict) else ']'}{self.comment(path)}"]

    def flow(self, value: Any, *, quoted: bool) -> str:
        space = str(self.pick("", " "))
        if isinstance(value, dict):
            inner = [
                f"{self.scalar(key, in_flow=True, quoted=True)}: {self.flow(item, quoted=quoted)}"
                for key, item in value.items()
            ]
            return "{" + space + ", ".join(inner) + space + "}"
        if isinstance(value, list):
            return "[" + space + ", ".join(self.flow(item, quoted=quoted) for item in value) + space + "]"
        return self.scalar(value, in_flow=True, quoted=quoted)

    def block(self, value: dict[str, Any], column: int, path: Path, *, quoted: bool) -> list[str]:
        pad = " " * column
        lines: list[str] = []
        for key, item in value.items():
            own = None if path is None else [*path, key]
            lines += self.above(pad, own)
            name = key if key.replace("_", "").isalpha() else json.dumps(key)
            is_json = quoted or key == "attributes"
            begin = len(lines)
            if key == "attributes" and self.pick(False, False, True):
                lines.append(
                    f"{pad}{name}: '{json.dumps(item, ensure_ascii=False)}'{self.comment()}".replace("\\u", "u")
                )
            elif isinstance(item, dict) and item and self.pick(True, True, False):
                lines.append(f"{pad}{name}:{self.comment(own)}")
                lines += self.block(item, column + self.pick(1, 2, 4), own, quoted=is_json)
            elif isinstance(item, (dict, list)) and self.pick(True, False):
                lines += self.flow_lines(f"{pad}{name}:", item, column, own, quoted=is_json)
            elif isinstance(item, list) and item and (is_json or all(isinstance(one, str) for one in item)):
                lines += self.words(f"{pad}{name}:", item, column, own, quoted=is_json)
            elif (
                isinstance(item, str)
                and self.pick(False, False, False, True)
                and "\n" not in item
                and item.isprintable()
                and item
                and not item.startswith(" ")
            ):
                style = self.pick("|-", ">-")
                lines += [f"{pad}{name}: {self.tag()}{style}{self.comment(own)}", f"{pad}  {item}"]
            else:
                is_inline = isinstance(item, (dict, list))
                text = (
                    self.flow(item, quoted=is_json) if is_inline else self.scalar(item, in_flow=False, quoted=is_json)
                )
                tag = self.tag() if isinstance(item, str) else ""
                lines.append(f"{pad}{name}: {tag}{text}{self.comment(own)}")
            if not any(line.startswith(f"{pad}-") for line in lines[begin:]) and not self.draw(st.integers(0, 15)):
                # A tab may not follow the colon of such a key.
                lines[begin] = lines[begin].replace(f"{pad}{name}:", f"{pad}:", 1).replace(f"{pad}:\t", f"{pad}: ", 1)
                lines.insert(begin, f"{pad}? {name}{self.comment(own)}")
        ends = [pad + label for label in self.label(path or None)]  # a comment at the end is about the whole mapping
        return [*lines, *self.draw(st.lists(st.sampled_from(ends), max_size=1))] if ends else lines

    def tag(self) -> str:
        return str(self.pick("", "", "", "!!str ", "! "))

    def item(self, value: Any, pad: str, *, quoted: bool) -> tuple[str, list[str]]:
        """An item of a list in block form: what follows its hyphen, and the lines below."""
        if isinstance(value, dict) and value and self.pick(True, False):
            lines = self.block(value, len(pad) + 2, None, quoted=quoted)
            first = next(number for number, line in enumerate(lines) if line.strip() and line.lstrip()[0] != "#")
            return lines[first].lstrip(), lines[first + 1 :]
        if isinstance(value, (dict, list)):
            return self.flow(value, quoted=quoted), []
        return self.scalar(value, in_flow=False, quoted=quoted), []

    def words(self, head: str, item: list[Any], column: int, path: Path, *, quoted: bool) -> list[str]:
        known = None if quoted else self.lists.get(tuple(item))
        if known and not quoted and self.pick(True, True, False):
            return [f"{head} *{known}{self.comment()}"]
        anchor = ""
        if not quoted and self.pick(False, True):
            anchor = f"a{next(self.anchors)}"
            self.lists[tuple(item)] = anchor
        mark = f" &{anchor}" if anchor else ""
        if self.pick(True, False):
            return [f"{head}{mark} {self.flow(item, quoted=quoted)}{self.comment(path)}"]
        inner = " " * (column + self.pick(0, 2))
        lines = [f"{head}{mark}{self.comment(path)}"]
        for number, one in enumerate(item):
            own = None if path is None else [*path, _item(item, number)]
            forms = ["", f"{inner}# item", *(inner + label for label in self.label(own if number else None))]
            lines += self.draw(st.lists(st.sampled_from(forms), max_size=1))
            text, below = self.item(one, inner, quoted=quoted)
            has_comment = "#" in text or below
            if self.pick(False, False, False, True):
                lines += [f"{inner}-{self.pick('', '  # next')}", f"{inner}  # {self.pick('a', 'a - b')}"]
                lines += [f"{inner}  {text}", *below]
                continue
            lines += [f"{inner}- {text}{'' if has_comment else self.comment(own)}", *below]
        return lines


def _item(items: list[Any], number: int) -> list[Any]:
    """How a label names an item of a list: the item, and how many equal ones the list has."""
    return [items[number], sum(json.dumps(one) == json.dumps(items[number]) for one in items)]


def labels(text: str) -> dict[str, list[Any]]:
    """The labels of a text with the values that they name."""
    return {number: json.loads(path) for number, path in re.findall(r"# @(\d+) (\[.*\])", text)}


@st.composite
def files(draw: st.DrawFn) -> str:
    """A configuration as text."""
    writer = _Writer(draw)
    document = draw(documents())
    lines = writer.block(document, 0, [], quoted=False)
    head = draw(st.sampled_from([(), ("---",), ("# license", ""), ("--- # start",)]))
    tail = draw(st.sampled_from([(), ("...",), ("", "# the end"), ("",)]))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    end = draw(st.sampled_from(["", newline]))
    return str(draw(st.sampled_from(["", "", "\ufeff"]))) + newline.join([*head, *lines, *tail]) + end
