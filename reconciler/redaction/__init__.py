"""Secrets in texts: names and URLs that indicate a secret, and the removal of known secrets from foreign texts.

Takes texts; returns texts. The product's own values are redacted by type when a document is built
(`reconciler.documents`). This module is for foreign texts, such as an error message of the API that repeats what it was
sent, whole or in part and in any encoding. Knows nothing of kinds and files.
"""

from __future__ import annotations

import base64
import json
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from html import escape
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, quote_plus, unquote, unquote_plus, urlsplit

HIDDEN = "(sensitive value)"
"""Replaces a secret."""

FRAGMENT = 8
"""The number of consecutive characters of a secret that reveal it."""

MOST_DECODINGS = 2
"""How often a text may be percent-encoded, one encoding around the other."""

# Names whose value is considered secret, wherever they occur: a misspelled key, or a file that cannot be parsed, must
# not show a key or a password on the terminal.
_SECRET_NAME = re.compile(r"secret|token|passw|private|certificate|credential|api_?key", re.IGNORECASE)
_SECRET_PARAMETER = re.compile(
    r"secret|token|passw|pwd|credential|api[_-]?key|auth(?!or)|jwt|signature|\A(?:sig|key)\Z", re.IGNORECASE
)
_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{40}")
_URL = re.compile(r"[a-z]+://[^\s\"'<>]+", re.IGNORECASE)
_LOOKUP = re.compile(r"\$\{[a-z]{1,20}:[\w.-]{0,200}\}")
_SPLIT_URL = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*://)(?P<netloc>[^/?#]*)(?P<path>[^?#]*)(?P<query>\?[^#]*)?(?P<fragment>#.*)?\Z",
    re.IGNORECASE | re.DOTALL,
)
_SCHEME = re.compile(r"\Ahttps?://", re.IGNORECASE)
_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SHORTEST_PART = 4
"""A shorter secret is hidden only if it is a whole word: a text without any `a` would reveal the secret, and be
unreadable."""
_UNESCAPED = ("", "/", "!'()*", "!$&'()*+,;=:@", "!$&'()*+,;=:@/?", "!$&'()*+,;=:@/?#")
"""What programs leave as it is in a URL: nothing, the slash, what encodeURIComponent leaves, and all that is allowed in
a segment of a path, in a query, and in a whole URL."""
_LONGEST = 100_000
"""The number of characters of a secret that are searched for."""


def may_be_secret(name: str) -> bool:
    """Return whether the name of a key or environment variable indicates a secret."""
    return _SECRET_NAME.search(name) is not None


def is_secret_parameter(name: str) -> bool:
    """Return whether the name of a URL parameter indicates a secret."""
    return _SECRET_PARAMETER.search(name) is not None


_TOOL = re.compile(
    r"RECONCILER_.*|TWILIO_(?:AUTH_TOKEN|API_KEY|API_SECRET)|(?:GITHUB|GH|CI_JOB|GITLAB)_TOKEN|ACTIONS_.*TOKEN"
    # GitLab, Azure Pipelines, Bitbucket, CircleCI.
    r"|INPUT_(?:.*[_-])?TOKEN|CI_(?:REGISTRY|DEPLOY|DEPENDENCY_PROXY)_PASSWORD|CI_JOB_JWT(?:_V[12])?|SYSTEM_ACCESSTOKEN"
    r"|BITBUCKET_.*TOKEN|CIRCLE_(?:OIDC_TOKEN(?:_V2)?|TOKEN)"
)


TOOL_SECRETS = ("RECONCILER_PLAN_KEY", "TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET")
"""The environment variables with this tool's own credentials."""


def is_of_the_tool(name: str) -> bool:
    """Return whether an environment variable is a credential or setting of this tool or of the CI service.

    A pull request's configuration must not read one: its value would appear in the plan's comment, or be sent.
    """
    return _TOOL.fullmatch(name.upper()) is not None


def url_holds_secret(url: str) -> bool:
    """Return whether a URL contains a secret: a user or password before its host, or a parameter with a secret's name.

    A text that is not a URL and contains an @ counts as secret, to be safe.
    """
    if "@" not in url and "=" not in url:
        return False
    try:
        parts = urlsplit(url)
        if "@" in (parts.netloc or url):
            return True
        _ = parts.port  # a password that contains # would be read as port and fragment
        parameters = [*parse_qsl(parts.query), *parse_qsl(parts.fragment)]
    except ValueError:
        return True
    return any(_SECRET_PARAMETER.search(name) for name, _value in parameters)


class UrlPart(NamedTuple):
    """A part of a URL.

    Attributes:
        text: its characters.
        secret: the kind of secret that it is: ``user``, ``password``, or the parameter's name; empty for none.
    """

    text: str
    secret: str = ""


def url_parts(url: str) -> tuple[UrlPart, ...]:
    """Split a URL into secret and other parts, which together are the URL; empty if that is not possible."""
    found = _SPLIT_URL.match(url)
    if found is None or not url_holds_secret(url):
        return ()
    parts = [UrlPart(found["scheme"])]
    user, at, host = found["netloc"].rpartition("@")
    if at:
        name, colon, password = user.partition(":")
        parts += [UrlPart(name, "user"), UrlPart(colon), UrlPart(password, "password"), UrlPart(at)]
    parts.append(UrlPart(host + found["path"]))
    for section in (found["query"] or "", found["fragment"] or ""):
        for number, pair in enumerate(section.split("&")):
            name, equals, value = pair.partition("=")
            parts.append(UrlPart(("&" if number else "") + name + equals))
            word = unquote_plus(name.lstrip("?#"))
            parts.append(UrlPart(value, word if _SECRET_PARAMETER.search(word) else ""))
    shown = tuple(part for part in parts if part.text)
    return shown if any(part.secret for part in shown) else ()


def line_holds_secret(line: str) -> bool:
    """Return whether a line of a file that cannot be parsed seems to contain a secret.

    That is a name that indicates one, a part of PEM text or base64, or a URL with a password; not a `${…}` expression.
    """
    literal = _LOOKUP.sub("", line)
    return (
        may_be_secret(literal)
        or "-----" in literal
        or _LONG_WORD.search(literal) is not None
        or ("://" in literal and any(url_holds_secret(url) for url in _URL.findall(literal)))
    )


def literal_holds_secret(text: str) -> bool:
    """Return whether a text of a file is a URL that contains a secret literally, not as a `${…}` expression."""
    return "://" in text and url_holds_secret(_LOOKUP.sub("", text))


def spelled_out(text: str) -> str:
    """Escape DEL in ASCII JSON, the only control character that JSON allows unescaped."""
    return text.replace("\x7f", "\\u007f")


def texts_of(content: object) -> Iterator[str]:
    """Yield every text in a value at any depth, including keys and longer numbers."""
    match content:
        case str():
            if content:
                yield content
        case bool() | None:
            return
        case int() | float():
            if len(text := repr(content)) >= FRAGMENT // 2:
                yield text
        case Mapping():
            for key, inner in content.items():
                yield from texts_of(key)
                yield from texts_of(inner)
        case list() | tuple() | set() | frozenset():
            for inner in content:
                yield from texts_of(inner)
        case _:
            return


class Redaction:
    """Removes secrets from texts: in any case, encoded for JSON, HTML, base64, or a URL, decoded, and parts of them.

    Args:
        secrets: the texts that may not be shown.
    """

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets = frozenset(secret for secret in secrets if secret)

    def __repr__(self) -> str:
        """Show only the number of secrets."""
        return f"Redaction(of {len(self._secrets)})"

    def __call__(self, text: str) -> str:
        """Replace every secret in a text, and every longer part of one, by `HIDDEN`."""
        if not self._secrets or not text:
            return text
        folded = text.translate(_ASCII_LOWER)
        hidden = bytearray(len(text))
        fragments = self._fragments
        for start in range(len(folded) - FRAGMENT + 1):
            if folded[start : start + FRAGMENT] in fragments:
                hidden[start : start + FRAGMENT] = b"\1" * FRAGMENT
        for short in self._short:
            start = folded.find(short)
            while start >= 0:
                end = start + len(short)
                if len(short) >= _SHORTEST_PART or not _is_part(folded, start, end):
                    hidden[start:end] = b"\1" * len(short)
                start = folded.find(short, start + 1)
        parts: list[str] = []
        for position, character in enumerate(text):
            if not hidden[position]:
                parts.append(character)
            elif position == 0 or not hidden[position - 1]:
                parts.append(HIDDEN)
        return "".join(parts)

    def joined(self, secrets: Iterable[str]) -> Redaction:
        """Return a redaction that removes further secrets as well."""
        return Redaction((*self._secrets, *secrets))

    @cached_property
    def _encoded(self) -> tuple[str, ...]:
        found: set[str] = set()
        for secret in self._secrets:
            text = _SCHEME.sub("", secret)[:_LONGEST]
            for form in (text, *_decodings(text)):
                found.update(spelling.translate(_ASCII_LOWER) for spelling in _encodings(form))
        return tuple(sorted(found))

    @cached_property
    def _fragments(self) -> frozenset[str]:
        return frozenset(
            spelling[start : start + FRAGMENT]
            for spelling in self._encoded
            for start in range(len(spelling) - FRAGMENT + 1)
        )

    @cached_property
    def _short(self) -> tuple[str, ...]:
        return tuple(spelling for spelling in self._encoded if 0 < len(spelling) < FRAGMENT)


def _is_part(text: str, start: int, end: int) -> bool:
    """Return whether a range of a text is part of a longer word."""
    return text[start - 1 : start].isalnum() or text[end : end + 1].isalnum()


def _decodings(text: str) -> frozenset[str]:
    """Return what a text that is already encoded for a URL or form stands for; nothing too short to be hidden.

    A secret within a URL is set encoded, and an error message that repeats the URL may decode it.
    """
    found: set[str] = set()
    forms = {text}
    for _ in range(MOST_DECODINGS):
        forms = {decode(form) for form in forms for decode in (unquote, unquote_plus)}
        found |= forms
    return frozenset(form for form in found - {text} if len(form.strip()) >= _SHORTEST_PART)


def _encodings(text: str) -> Iterator[str]:
    yield text
    for safe in _UNESCAPED:
        yield quote(text, safe=safe, errors="replace")
    yield quote_plus(text, errors="replace")
    yield json.dumps(text)[1:-1]
    yield json.dumps(text, ensure_ascii=False)[1:-1]
    yield escape(text)
    if len(text) < FRAGMENT // 2:
        return
    data = text.encode("utf-8", "replace")
    for before in range(3):
        # Within a longer text, base64 may begin at any of three positions; the characters at both ends depend on the
        # neighboring text.
        whole = base64.b64encode(b"\0" * before + data).decode()
        inner = whole[4 if before else 0 : -4 if whole.endswith("=") else None]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")
