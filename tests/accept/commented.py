"""Lists and mappings whose comments name the members that they are about, in every form that people use."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml
from hypothesis import strategies as st


@dataclass(frozen=True)
class Collection:
    """A document with a list or mapping below ``top``.

    Attributes:
        text: The document.
        is_list: Whether it is a list.
        members: The words of the members.
        above: The members that each comment above a line is about.
        behind: The members that each comment behind a line is about.
        others: The comments that are about no member.
    """

    text: str
    is_list: bool
    members: tuple[str, ...]
    above: dict[str, tuple[str, ...]]
    behind: dict[str, tuple[str, ...]]
    others: tuple[str, ...]

    def check(self, text: str, expected: list[str]) -> None:
        """Check a text that has other members: what they are, and that each has its comments and no other's."""
        top = yaml.safe_load(text)["top"]
        assert list(top) == expected, text
        lines = text.splitlines()
        owners = {**self.above, **self.behind}
        assert sorted(re.findall(r"#\S+", text)) == sorted(
            [label for label, members in owners.items() if set(members) & set(expected)]
            + (list(self.others) if expected else [label for label in self.others if label in text])
        ), text
        assert not [line for line in lines if line != line.rstrip()], text
        for label, members in owners.items():
            kept = [member for member in members if member in expected]
            at = next((number for number, line in enumerate(lines) if label in line), 0)
            if kept and label in self.above:
                at = next(number for number in range(at, len(lines)) if not lines[number].lstrip().startswith("#"))
            if kept and not label.startswith("#more"):
                assert set(kept) & set(re.findall(r"m\d", lines[at].partition("#")[0])), text
        assert re.search(r"\nother: \d  #other\r?\n\Z", text), text


@st.composite
def collections(draw: st.DrawFn) -> Collection:
    """A list or mapping with comments, in block form or in brackets."""
    is_list, is_flow = draw(st.booleans()), draw(st.booleans())
    members = [f"m{number}" for number in range(draw(st.integers(0 if is_flow else 1, 5)))]
    rows = _rows(draw, members) if is_flow else [[member] for member in members]
    leading = is_flow and draw(st.integers(0, 4)) == 0
    trailing = is_flow and not leading and draw(st.booleans())
    column = draw(st.sampled_from([2, 4])) if is_flow or not is_list else draw(st.sampled_from([0, 2, 4]))
    above: dict[str, tuple[str, ...]] = {}
    behind: dict[str, tuple[str, ...]] = {}
    others = ["#other"]
    lines: list[str] = []
    pad = " " * column
    has_later = False
    for number, row in enumerate(rows):
        if number and draw(st.integers(0, 4)) == 0:
            others.append(f"#section{number}")
            lines += [f"{pad}#section{number}", ""]
        is_first_of_list = is_list and number == 0
        if draw(st.booleans()) and not is_first_of_list:
            above[f"#above{number}"] = tuple(row)
            wide = leading and (not number or draw(st.booleans()))
            lines += [f"{pad}{'  ' if wide else ''}#above{number}"]
            has_later = True
        texts = [member if is_list else f"{member}: {draw(st.sampled_from(['1', '[1, 2]']))}" for member in row]
        text = ("- " if is_list and not is_flow else "") + ", ".join(texts)
        if leading:
            text = (", " if number else "  ") + text
        elif is_flow and (trailing or number < len(rows) - 1):
            text += ","
        lines += _with_comment(draw, number, pad + text)
        behind |= {label: tuple(row) for label in (f"#behind{number}", f"#more{number}") if label in "\n".join(lines)}
    if (is_list or not members) and draw(st.booleans()):
        lines.insert(0, ("  " if leading else "") + f"{pad}#above0")
        if has_later:
            above["#above0"] = tuple(rows[0])
        else:
            others.append("#above0")
    opened, closed = ("[", "]") if is_list else ("{", "}")
    if is_flow:
        head = draw(st.sampled_from(["", "  #head"]))
        others += [head.strip()] if head else []
        lines = [f"top: {opened}{head}", *lines, f"  {closed}"]
    else:
        lines.insert(0, "top:")
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = newline.join(["before: 1", *lines, "other: 1  #other", ""])
    return Collection(text, is_list, tuple(members), above, behind, tuple(others))


def _with_comment(draw: st.DrawFn, number: int, text: str) -> list[str]:
    """Write a line with a comment of one or two lines behind it, or without."""
    if draw(st.booleans()):
        return [text]
    column = len(text) + 2
    lines = [f"{text}  #behind{number}"]
    return [*lines, " " * column + f"#more{number}"] if draw(st.integers(0, 3)) == 0 else lines


def _rows(draw: st.DrawFn, members: list[str]) -> list[list[str]]:
    """Split members into the lines that they are written in."""
    rows = [[member] for member in members[:1]]
    for member in members[1:]:
        if draw(st.integers(0, 3)) == 0:
            rows[-1].append(member)
        else:
            rows.append([member])
    return rows
