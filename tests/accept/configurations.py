"""Configurations in every formatting that people use: a document is given, and how it is written is drawn."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

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
            "filters": _words(EVENTS, 1),
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

    def comment(self) -> str:
        return str(self.pick(*COMMENTS))

    def above(self, pad: str) -> list[str]:
        return list(self.draw(st.lists(st.sampled_from(["", f"{pad}# above", *COMMENT_LINES]), max_size=1)))

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

    def block(self, value: dict[str, Any], column: int, *, quoted: bool) -> list[str]:
        pad = " " * column
        lines: list[str] = []
        for key, item in value.items():
            lines += self.above(pad)
            name = key if key.replace("_", "").isalpha() else json.dumps(key)
            is_json = quoted or key == "attributes"
            if key == "attributes" and self.pick(False, False, True):
                lines.append(
                    f"{pad}{name}: '{json.dumps(item, ensure_ascii=False)}'{self.comment()}".replace("\\u", "u")
                )
            elif isinstance(item, dict) and item and self.pick(True, True, False):
                lines.append(f"{pad}{name}:{self.comment()}")
                lines += self.block(item, column + self.pick(1, 2, 4), quoted=is_json)
            elif isinstance(item, list) and item and all(isinstance(one, str) for one in item):
                lines += self.words(f"{pad}{name}:", item, column, quoted=is_json)
            elif (
                isinstance(item, str)
                and self.pick(False, False, False, True)
                and "\n" not in item
                and item.isprintable()
                and item
                and not item.startswith(" ")
            ):
                style = self.pick("|-", ">-")
                lines += [f"{pad}{name}: {style}{self.comment()}", f"{pad}  {item}"]
            else:
                is_inline = isinstance(item, (dict, list))
                text = (
                    self.flow(item, quoted=is_json) if is_inline else self.scalar(item, in_flow=False, quoted=is_json)
                )
                lines.append(f"{pad}{name}: {text}{self.comment()}")
        return lines

    def words(self, head: str, item: list[str], column: int, *, quoted: bool) -> list[str]:
        known = self.lists.get(tuple(item))
        if known and not quoted and self.pick(True, True, False):
            return [f"{head} *{known}{self.comment()}"]
        anchor = ""
        if not quoted and self.pick(False, True):
            anchor = f"a{next(self.anchors)}"
            self.lists[tuple(item)] = anchor
        mark = f" &{anchor}" if anchor else ""
        if self.pick(True, False):
            return [f"{head}{mark} {self.flow(item, quoted=quoted)}{self.comment()}"]
        inner = " " * (column + self.pick(0, 2))
        lines = [f"{head}{mark}{self.comment()}"]
        for one in item:
            lines += self.draw(st.lists(st.sampled_from(["", f"{inner}# item"]), max_size=1))
            lines.append(f"{inner}- {self.scalar(one, in_flow=False, quoted=quoted)}{self.comment()}")
        return lines


@st.composite
def files(draw: st.DrawFn) -> str:
    """A configuration as text."""
    writer = _Writer(draw)
    document = draw(documents())
    lines = writer.block(document, 0, quoted=False)
    head = draw(st.sampled_from([(), ("---",), ("# license", ""), ("--- # start",)]))
    tail = draw(st.sampled_from([(), ("...",), ("", "# the end"), ("",)]))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    end = draw(st.sampled_from(["", newline]))
    return str(draw(st.sampled_from(["", "", "\ufeff"]))) + newline.join([*head, *lines, *tail]) + end
