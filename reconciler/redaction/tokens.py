"""Which texts look like a token, and which are words, paths, hosts, files, or numbers.

Takes parts of URLs. Pure; knows nothing of URLs as a whole, kinds, and files.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from reconciler.redaction import MOST_DECODINGS

_SID = re.compile(r"[A-Z]{2}[0-9a-f]{32}\Z")
_RANDOM = re.compile(r"(?=[^/]*[0-9])(?=[^/]*[A-Za-z])[A-Za-z0-9_~=-]{16,}\Z")
_RUN = re.compile(r"[A-Za-z0-9+/_~.-]{16,}")
_RUN_BREAK = re.compile(r"[-_.~+/]")
_NAME = re.compile(r"[0-9]{0,4}([A-Za-z]*)[0-9]{0,4}\Z|[0-9]+\Z")
_SHORTEST_TOKEN = 16
_WORD_BREAK = re.compile(r"[-_.~+,:]")
_LETTERS = re.compile(r"[A-Za-z]{1,15}\Z")
_HUMP = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_SHORT = re.compile(r"[A-Za-z0-9]{0,4}\Z")
_NO_VOWEL = re.compile(r"[bcdfghjklmnpqrstvwxz]{5}", re.IGNORECASE)
_MOST_WORDS = 8
_SHORTEST_HUMP = 3


def is_random(part: str) -> bool:
    """Return whether a part of a URL as it is written is long, with letters and digits, and not a SID."""
    return _RANDOM.match(part) is not None and not _SID.match(part)


def holds_token(text: str) -> bool:
    """Return whether a text holds a token in base64, base64url, or parts with dots between them, such as a JWT."""
    for _ in range(MOST_DECODINGS):
        text = unquote(text)
    return any(map(_is_token, _RUN.findall(text)))


def _is_token(run: str) -> bool:
    """Return whether characters that a token may consist of are one, and not a path, host, file, or version."""
    # The name of a host or file may contain a short random part.
    least = _SHORTEST_TOKEN if "." in run else 0
    return any(
        len(part) >= _SHORTEST_TOKEN and _random_length(part) >= max(least, len(part) / 2)
        for part in (run, *run.split("."), *re.split(r"[./]", run))
    )


def _random_length(text: str) -> int:
    """Return the number of characters of a text that are in no word, number, or SID."""
    return sum(len(word) for word in _RUN_BREAK.split(text) if not _is_name(word))


def _is_name(text: str) -> bool:
    """Return whether a text is a word, perhaps with a number, of any length; in doubt, it is one."""
    if _SHORT.match(text) or _SID.match(text):
        return True
    found = _NAME.match(text)
    return found is not None and _has_syllables(found[1] or "")


def is_plain_segment(token: str) -> bool:
    """Return whether a segment of a live URL's path consists of words, so it is not a token; in doubt, it is one."""
    if _SID.match(token):
        return True
    words = _WORD_BREAK.split(token)
    return len(words) <= _MOST_WORDS and all(map(_is_word, words))


def _is_word(text: str) -> bool:
    if _SHORT.match(text):
        return True
    return _LETTERS.match(text) is not None and _has_syllables(text)


def _has_syllables(text: str) -> bool:
    """Return whether letters may be words: vowels between the consonants, and few changes of case."""
    return _NO_VOWEL.search(text) is None and len(text) >= _SHORTEST_HUMP * len(_HUMP.findall(text))
