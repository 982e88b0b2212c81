"""Texts that look the same: how they differ, for suggestions. Takes and returns text; pure.

``did you mean café?`` does not help if the file already says café, in another Unicode form or with an invisible
character.
"""

from __future__ import annotations

import unicodedata
from difflib import SequenceMatcher

_LONGEST = 200
_MOST_CHARACTERS = 4
_UNSEEN = frozenset({"Cf", "Cc", "Co", "Cn"})


def did_you_mean(wrong: str, meant: str) -> str:
    """Return a suggestion to replace a text, with the difference if the two look the same."""
    return f"did you mean {meant}?{difference(wrong, meant)}"


def difference(wrong: str, meant: str) -> str:
    """Describe how two texts that look the same differ; empty if they look different. Starts with a space."""
    if wrong == meant or (wrong.isascii() and meant.isascii()) or max(len(wrong), len(meant)) > _LONGEST:
        return ""
    for operation, i, j, k, m in SequenceMatcher(None, wrong, meant, autojunk=False).get_opcodes():
        if operation == "equal":
            continue
        there, here = wrong[i:j], meant[k:m]
        if not _look_alike(wrong, meant, there, here):
            return ""
        if not here:
            return f" It has no {_spelled(there)}."
        if not there:
            return f" It also has {_spelled(here)}."
        return f" It has {_spelled(here)} in place of {_spelled(there)}."
    return ""


def _look_alike(wrong: str, meant: str, there: str, here: str) -> bool:
    if _visible(wrong) == _visible(meant):
        return True
    # Letters of two alphabets: Latin a and Cyrillic а.
    return len(there) == len(here) and {_script(char) for char in there}.isdisjoint({_script(char) for char in here})


def _visible(text: str) -> str:
    """Return a text as displayed: composed, without invisible characters."""
    composed = unicodedata.normalize("NFKC", text)
    shown = "".join(char for char in composed if char.isspace() or unicodedata.category(char) not in _UNSEEN)
    return " ".join(shown.split())


def _script(char: str) -> str:
    return unicodedata.name(char, "").split(" ")[0]


def _spelled(text: str) -> str:
    return " ".join(f"U+{ord(char):04X}" for char in text[:_MOST_CHARACTERS])
