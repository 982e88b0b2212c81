"""Unified diffs of edited files, without the text of lines that contain secrets.

Edits are small and local, so the two texts are walked in step: the cost grows with the length of the files, not with
the product of the numbers of changed lines.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from difflib import SequenceMatcher

_CONTEXT = 3
_SYNC = 3
"""Equal lines that end a difference."""
_FURTHEST = 400
"""Lines in which the end of a difference is searched."""
_HIDDEN = "(hidden: this line contains a secret)"


def unified(path: str, before: bytes, after: bytes, concealed: Collection[int] = ()) -> list[str]:
    """Compare two texts of a file.

    Args:
        path: The path to show.
        before: The former bytes, in UTF-8.
        after: The new bytes.
        concealed: The former lines that contain a secret, from 1.

    Returns:
        The lines of a unified diff, without line breaks.
    """
    old, new = (data.decode("utf-8-sig").splitlines() for data in (before, after))
    changes = list(_changes(old, new))
    lines = [f"--- {path}", f"+++ {path}"] if changes else []
    for group in _grouped(changes):
        start, end = max(0, group[0][0] - _CONTEXT), min(len(old), group[-1][1] + _CONTEXT)
        new_start = group[0][2] - (group[0][0] - start)
        new_end = group[-1][3] + (end - group[-1][1])
        lines.append(f"@@ -{start + 1},{end - start} +{new_start + 1},{new_end - new_start} @@")
        at = start
        for old_start, old_end, first, last in group:
            lines += [f" {_shown(old[number], number, concealed)}" for number in range(at, old_start)]
            lines += [f"-{_shown(old[number], number, concealed)}" for number in range(old_start, old_end)]
            hides = any(number + 1 in concealed for number in range(old_start, old_end))
            lines += [f"+{_HIDDEN if hides else line}" for line in new[first:last]]
            at = old_end
        lines += [f" {_shown(old[number], number, concealed)}" for number in range(at, end)]
    return lines


def _shown(line: str, number: int, concealed: Collection[int]) -> str:
    return _HIDDEN if number + 1 in concealed else line


def _changes(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the differing ranges of lines: start and end in the former text, then in the new one."""
    one = other = 0
    while one < len(old) or other < len(new):
        if one < len(old) and other < len(new) and old[one] == new[other]:
            one, other = one + 1, other + 1
            continue
        end, new_end = _sync(old, new, one, other)
        matcher = SequenceMatcher(None, old[one:end], new[other:new_end], autojunk=False)
        for tag, start, stop, first, last in matcher.get_opcodes():
            if tag != "equal":
                yield one + start, one + stop, other + first, other + last
        one, other = end, new_end


def _sync(old: Sequence[str], new: Sequence[str], one: int, other: int) -> tuple[int, int]:
    """Return where both texts are equal again."""
    for distance in range(1, _FURTHEST):
        for step in range(distance + 1):
            end, new_end = one + step, other + distance - step
            if end <= len(old) and new_end <= len(new) and old[end : end + _SYNC] == new[new_end : new_end + _SYNC]:
                return end, new_end
    return len(old), len(new)


def _grouped(changes: Sequence[tuple[int, int, int, int]]) -> list[list[tuple[int, int, int, int]]]:
    groups: list[list[tuple[int, int, int, int]]] = []
    for change in changes:
        if groups and change[0] - groups[-1][-1][1] <= 2 * _CONTEXT:
            groups[-1].append(change)
        else:
            groups.append([change])
    return groups
