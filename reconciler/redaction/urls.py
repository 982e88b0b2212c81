"""URLs with only their secret parts masked, so that a reviewer sees where traffic goes.

Takes URLs; returns texts that may be shown, or "" if nothing of a URL may be shown. Pure; knows nothing of kinds and
files. The result is not escaped for any medium.

| part                     | of a declared URL                         | of a live URL                       |
|--------------------------|-------------------------------------------|-------------------------------------|
| scheme, host, port       | shown, except for parts from a secret     | shown                               |
| user and password        | masked                                    | masked                              |
| path                     | shown, except for parts from a secret     | a segment that may be a token: mask |
| parameter named a secret | its name is shown, its value masked       | its name is shown, its value masked |
| other query, fragment    | shown, except for parts from a secret     | masked                              |

Parts that a live URL has in common with the declared one are shown, too: the configuration has them in plain text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import unquote_plus

from reconciler.redaction import FRAGMENT, is_secret_parameter
from reconciler.redaction.tokens import holds_token, is_plain_segment, is_random

MASK = "(sensitive)"
"""Replaces each secret part of a URL."""
LONGEST = 1_000
"""The number of characters of a masked URL that are shown."""

_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<authority>[^/?#]*)(?P<rest>.*)\Z", re.IGNORECASE | re.DOTALL)
_HOST_AND_PORT = re.compile(r"(?:\[[^\]]*\]|[^:]*)(?P<port>:.*)?\Z", re.DOTALL)
_PORT = re.compile(r":\d*\Z")
_PIECE = re.compile(r"[/?#&]|[^/?#&]+")
_LOGIN = re.compile(r":[^@]*@")
_LOOKUP = re.compile(r"\$\{(?:secret|env|var|file):[^{}]*\}")
_NAME_LOOKUP = re.compile(r"\$\{(?:secret|env|var):[A-Za-z0-9_.-]+\}")
_NO_HOST = frozenset("\\{}")
"""In no valid host; programs disagree on how to read a URL that has one of them."""
_SECTION_BREAK = re.compile(r"[?#&]")
_PARAMETER = re.compile(r"[?#&]([^?#&=]*=?)\Z")
_STAND_INS = 0xE000
"""The first private character that replaces a `${…}` expression, so that a colon in its name is not a delimiter."""
_MOST_LOOKUPS = 1_000

_IsShown = Callable[[str, bool], bool]


def declared_url(parts: Iterable[tuple[str, bool]]) -> str:
    """Mask a URL of the configuration.

    Args:
        parts: the parts of the URL, each with whether it comes from a secret.
    """
    pieces = list(parts)
    text = "".join(part for part, _ in pieces)
    return _masked(text, [is_secret for part, is_secret in pieces for _ in part], lambda _token, _in_path: True)


def written_url(written: str) -> str:
    """Mask a URL of the configuration whose secrets are not set: each `${…}` expression is secret."""
    literals = _LOOKUP.split(written)
    parts = [(literals[0], False)]
    for literal in literals[1:]:
        parts += [(chr(_STAND_INS), True), (literal, False)]
    return declared_url(parts)


def named_url(written: str) -> str:
    """Mask a URL of a configuration that is read without its environment: `${…}` expressions are shown."""
    lookups = _NAME_LOOKUP.findall(written)
    if len(lookups) > _MOST_LOOKUPS or any(_STAND_INS <= ord(character) <= 0xF8FF for character in written):
        return ""
    numbers = iter(range(len(lookups)))
    shown = declared_url([(_NAME_LOOKUP.sub(lambda _: chr(_STAND_INS + next(numbers)), written), False)])
    return "".join(
        lookups[ord(character) - _STAND_INS] if _STAND_INS <= ord(character) <= 0xF8FF else character
        for character in shown
    )


def live_url(url: str, declared: str = "") -> str:
    """Mask a URL that the API returned.

    Args:
        url: the live URL.
        declared: the URL of the configuration as `declared_url` masks it; empty for none.
    """
    common = _tokens(declared)
    return _masked(
        url, [False] * len(url), lambda token, in_path: token in common or (in_path and is_plain_segment(token))
    )


def hidden_parts(url: str, shown: str) -> tuple[str, ...]:
    """Return the parts of a URL that its masked form hides: only they are secret if they occur elsewhere.

    A short value of a parameter without a secret's name comes with the name: alone, it is most likely a word.

    Args:
        url: the URL, or any other text.
        shown: the URL as `declared_url` or `live_url` masks it; empty if nothing of it may be shown.
    """
    first, *others = shown.split(MASK)
    if len(shown) > LONGEST and shown.endswith("…"):
        # It was cut off: what follows counts as masked.
        others = [*others[:-1], others[-1].removesuffix("…"), ""] if others else [""]
        first = first.removesuffix("…")
    if not shown or not url.startswith(first):
        return (url,)
    parts: list[str] = []
    end = len(first)
    for number, literal in enumerate(others, 1):
        start = end
        # A masked part extends to the next part that is shown; the last one, up to the end of the URL.
        end = url.rfind(literal, start) if number == len(others) else url.find(literal, start)
        if end < 0:
            return (url,)
        parts.append(_with_name(url[:start], url[start:end]))
        if literal.startswith("@"):
            # A password is secret without its user, too.
            parts.append(parts[-1].partition(":")[2])
        end += len(literal)
    return tuple(filter(None, parts)) if end == len(url) else (url,)


def _with_name(before: str, part: str) -> str:
    found = _PARAMETER.search(before)
    if len(part) >= FRAGMENT or found is None or is_secret_parameter(unquote_plus(found[1].removesuffix("="))):
        return part
    return (found[1] or found[0]) + part


def shows_host(masked: str) -> bool:
    """Return whether a masked URL shows its whole host."""
    found = _URL.match(masked)
    return found is not None and MASK not in found["authority"].rpartition("@")[2]


def holds_random_part(url: str, declared: str = "") -> bool:
    """Return whether a live URL has a long random part, perhaps a token, that the configuration lacks.

    That is a segment of its path, the value of a parameter, or its fragment.
    """
    found = _URL.match(url)
    if found is None:
        return False
    tokens = {*_PIECE.findall(found["rest"])} - _tokens(declared)
    parts = (token.partition("=")[2] if "=" in token else token for token in tokens)
    return any(map(is_random, parts)) or any(map(holds_token, _sections(url) - _sections(declared)))


def _sections(url: str) -> frozenset[str]:
    """Return the segments of a path, the parameters, and the fragment, which may have a / within."""
    found = _URL.match(url)
    if found is None:
        return frozenset()
    path, *others = _SECTION_BREAK.split(found["rest"])
    return frozenset((*path.split("/"), *others))


def _tokens(shown: str) -> frozenset[str]:
    """Return the segments and parameters that a masked URL shows."""
    found = _URL.match(shown)
    if found is None:
        return frozenset()
    return frozenset(token for token in _PIECE.findall(found["rest"]) if MASK not in token)


def _masked(text: str, secret: Sequence[bool], is_shown: _IsShown) -> str:
    found = _URL.match(text)
    if found is None or any(secret[: found.end("scheme")]):
        return ""
    user, at, host = found["authority"].rpartition("@")
    start = found.end("scheme") + len(user) + len(at)
    if not _is_host(host, secret[start : start + len(host)]):
        return ""
    shown = [found["scheme"]]
    if at:
        # The sign is shown even if it comes from a secret: the host follows.
        shown += [MASK, at]
    shown.append(_without_secrets(host, secret[start : start + len(host)]))
    rest, flags = found["rest"], secret[start + len(host) :]
    if rest:
        # Likewise the character that ends the host.
        shown.append(rest[0])
        shown.append(_rest(rest, flags, is_shown))
    masked = "".join(shown)
    return masked if len(masked) <= LONGEST else f"{masked[:LONGEST]}…"


def _is_host(host: str, secret: Sequence[bool]) -> bool:
    """Return whether a host is unambiguous; a password that contains / is neither host nor port."""
    if not host or not _NO_HOST.isdisjoint(host):
        return False
    found = _HOST_AND_PORT.match(host)
    if found is None:
        return False
    port = found["port"] or ""
    return _PORT.match(port) is not None if port and not any(secret[found.start("port") :]) else True


def _rest(rest: str, secret: Sequence[bool], is_shown: _IsShown) -> str:
    """Mask everything after the host and the first delimiter."""
    shown: list[str] = []
    in_path, in_secret = rest[0] == "/", False
    for found in _PIECE.finditer(rest, 1):
        piece, flags = found[0], secret[found.start() : found.end()]
        if piece in "/?#&":
            in_path = in_path and piece == "/"
            in_secret = in_secret and (piece != "&" or flags[0])
            shown.append(MASK if in_secret or flags[0] else piece)
            continue
        if in_secret:
            shown.append(MASK)
            continue
        name, equals, value = piece.partition("=")
        sign = MASK if equals and flags[len(name)] else equals
        is_hidden = bool(equals) and not is_shown(piece, in_path)
        # A value that is not encoded may contain every delimiter but &.
        in_secret = bool(equals) and (is_secret_parameter(unquote_plus(name)) or any(flags[: len(name)]))
        in_secret = in_secret or (is_hidden and not in_path)
        if in_secret or is_hidden:
            shown += [_shown_token(name, flags, is_shown, in_path=True), sign, MASK if value else ""]
        else:
            shown.append(_shown_token(piece, flags, is_shown, in_path=in_path))
    return _merged(shown)


def _shown_token(token: str, secret: Sequence[bool], is_shown: _IsShown, *, in_path: bool) -> str:
    if _LOGIN.search(token) or not is_shown(token, in_path):
        return MASK
    return _without_secrets(token, secret[: len(token)])


def _without_secrets(text: str, secret: Sequence[bool]) -> str:
    return _merged([MASK if is_secret else character for character, is_secret in zip(text, secret, strict=True)])


def _merged(pieces: Iterable[str]) -> str:
    """Join pieces, with one mask for several consecutive ones."""
    shown = ""
    for piece in pieces:
        shown += piece.removeprefix(MASK) if shown.endswith(MASK) else piece
    return shown
