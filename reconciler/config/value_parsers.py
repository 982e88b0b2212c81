"""Text -> the content of a field, typed by the field and never by YAML.

Takes a field and its text; returns the content, with a remark if there is one, or raises `InvalidValueError`. Knows no
places. The caller decides how messages show the value, so that they contain no secret.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from json import JSONDecodeError
from urllib.parse import urlsplit

from reconciler import json_text
from reconciler.config.findings import listed
from reconciler.config.lookalike import did_you_mean
from reconciler.config.remarks import Remark
from reconciler.json_text import Json
from reconciler.kinds.comparable import duration
from reconciler.kinds.fields import Content, Field, Shape
from reconciler.kinds.markers import Choice, Length, Range, Sid, Timer, Url, Vocabulary
from reconciler.kinds.sids import prefix_noun, sid_noun
from reconciler.kinds.vocabulary import misplaced_event

_TRUE = frozenset({"true", "yes", "on"})
_FALSE = frozenset({"false", "no", "off"})
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}\Z")
_MONTH = 30 * 24 * 3600
_LONGEST_DURATION = 64
_BLANK_OR_CONTROL = re.compile(r"[\s\x00-\x20\x7f-\x9f]")

Suggest = Callable[[str, Collection[str]], str]
"""Finds the word that was probably meant; see `Findings.closest`."""
Show = Callable[[str], str]
"""Returns a text as messages may show it. A function, since few texts are part of a message."""


class InvalidValueError(Exception):
    """A text is not a valid value of its field.

    Args:
        code: The problem's code.
        message: What is wrong.
        hint: How to fix it.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        self.remark = Remark(code, message, hint)
        super().__init__(message)


def parse_value(field: Field, text: str, shown: Show, suggest: Suggest) -> tuple[Content, Remark | None]:
    """Parse the content of a field with a single value; not for sets, references, and JSON.

    Args:
        field: The field.
        text: The text; not empty.
        shown: Returns the text as messages may show it.
        suggest: Finds the word that was probably meant.

    Raises:
        InvalidValueError: The text is not a valid value of the field.
    """
    match field.shape:
        case Shape.TEXT:
            return _length(field, text)
        case Shape.ENUM:
            return _choice(field, text, shown, suggest)
        case Shape.BOOL:
            return _boolean(field, text, shown), None
        case Shape.INT:
            return _integer(field, text, shown), None
        case Shape.TIMER:
            return _timer(field, text, shown), None
        case Shape.SID:
            return _sid(field, text, shown), None
        case Shape.URL:
            return _url(field, text, shown)
        case _:
            return _length(field, text)


def parse_boolean(text: str) -> bool | None:
    """Parse a word for true or false, in any case; None for anything else."""
    word = text.lower()
    return True if word in _TRUE else False if word in _FALSE else None


def _boolean(field: Field, text: str, shown: Show) -> bool:
    found = parse_boolean(text)
    if found is None:
        raise InvalidValueError(
            "wrong-type", f"{field.path} must be true or false, not {shown(text)}", "write true or false"
        )
    return found


def _integer(field: Field, text: str, shown: Show) -> int:
    if _INTEGER.match(text) is None:
        raise InvalidValueError(
            "wrong-type", f"{field.path} must be a whole number, not {shown(text)}", "write digits only"
        )
    number = int(text)
    limits = field.marker(Range)
    if limits is not None and not limits.least <= number <= limits.most:
        message = f"{field.path} must be between {limits.least} and {limits.most}, not {shown(text)}"
        raise InvalidValueError("out-of-range", message, f"write a number from {limits.least} to {limits.most}")
    return number


def _choice(field: Field, text: str, shown: Show, suggest: Suggest) -> tuple[str, Remark | None]:
    choice = field.marker(Choice)
    assert choice is not None
    if text in choice.words:
        return text, None
    word = next((word for word in choice.words if word.lower() == text.lower()), None)
    if word is not None:
        return word, None
    meant = suggest(text, choice.words)
    hint = did_you_mean(text, meant) if meant else f"write {listed(choice.words).replace(' and ', ' or ')}"
    if choice.extended_by_twilio:
        return text, Remark("unknown-word", f"{field.path} {shown(text)} is not known to this release", hint)
    raise InvalidValueError("unknown-choice", f"{field.path} cannot be {shown(text)}", hint)


def _timer(field: Field, text: str, shown: Show) -> str:
    timer = field.marker(Timer)
    assert timer is not None
    length = duration(text) if len(text) <= _LONGEST_DURATION else None
    if length is None:
        message = f"{field.path} must be an ISO 8601 duration, not {shown(text)}"
        raise InvalidValueError("wrong-type", message, "write, for example, PT15M, PT1H or P30D")
    if length[0] * _MONTH + length[1] < timer.minimum:
        message = f"{field.path} is {shown(text)}, below its minimum of {timer.written}"
        raise InvalidValueError("out-of-range", message, f"write {timer.written} or more")
    return text.strip().upper()


def sid_error(name: str, prefix: str, text: str, shown: str) -> InvalidValueError:
    """Return the error for a text that is not a SID with the expected prefix."""
    wanted = f"the SID of {prefix_noun(prefix)}, {prefix} and 32 hexadecimal digits"
    found = sid_noun(text)
    if found:
        return InvalidValueError("wrong-sid", f"{name} is {shown}, the SID of {found}", f"write {wanted}")
    return InvalidValueError(
        "wrong-sid", f"{name} must be {wanted}, not {shown}", f"copy it from Twilio's console: {prefix}…"
    )


def is_sid(text: str, prefix: str) -> bool:
    """Whether a text is a SID with a prefix."""
    return text[:2] == prefix and bool(sid_noun(text))


def _sid(field: Field, text: str, shown: Show) -> str:
    marker = field.marker(Sid)
    assert marker is not None
    if not is_sid(text, marker.prefix):
        raise sid_error(field.path, marker.prefix, text, shown(text))
    return text


def _url(field: Field, text: str, shown: Show) -> tuple[str, Remark | None]:
    if _BLANK_OR_CONTROL.search(text):
        message = f"{field.path} contains a space or a control character: {shown(text)}"
        raise InvalidValueError("malformed-url", message, "write a space as %20")
    try:
        parts = urlsplit(text)
        host, scheme, _port = parts.hostname, parts.scheme, parts.port
    except ValueError:
        raise InvalidValueError(
            "malformed-url", f"{field.path} is not a valid URL: {shown(text)}", "write https://host/path"
        ) from None
    if scheme not in {"http", "https"} or not host:
        message = f"{field.path} must be an absolute http or https URL, not {shown(text)}"
        raise InvalidValueError("malformed-url", message, "write https://host/path")
    most = (field.marker(Url) or Url()).max_length
    if most and len(text) > most:
        raise InvalidValueError(
            "too-long", f"{field.path} is {len(text)} characters long, over its limit of {most}", "shorten it"
        )
    return _length(field, text)


def _length(field: Field, text: str) -> tuple[str, Remark | None]:
    limit = field.marker(Length)
    if limit is None:
        return text, None
    if len(text) > limit.most:
        message = f"{field.path} is {len(text)} characters long, over its limit of {limit.most}"
        raise InvalidValueError("too-long", message, f"shorten it to {limit.most} characters")
    if limit.doubtful and len(text) > limit.doubtful:
        message = f"{field.path} is {len(text)} characters long; the documentation allows {limit.doubtful}"
        return text, Remark("doubtful-length", message, f"shorten it to {limit.doubtful} characters to be safe")
    units = len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
    if units > limit.most:
        message = f"{field.path} is {len(text)} characters long, and {units} if each emoji counts as two"
        hint = f"shorten it to {limit.most} to be safe: the documentation does not say how Twilio counts"
        return text, Remark("doubtful-length", message, hint)
    return text, None


def check_word(field: Field, word: str, shown: str, of_type: str, suggest: Suggest) -> Remark | None:
    """Return the remark for a word of a set; None if the word is known.

    Args:
        field: The set.
        word: The word.
        shown: The word as messages may show it.
        of_type: The resource's declared type; empty if unknown.
        suggest: Finds the word that was probably meant.
    """
    vocabulary = field.marker(Vocabulary)
    if vocabulary is None:
        return None
    words = vocabulary.by_type.get(of_type, vocabulary.words)
    if word in words:
        return None
    others = [name for name, known in vocabulary.by_type.items() if name != of_type and word in known]
    if others:
        message = f"{field.path}: {shown} belongs to type {listed(others)}, but the type here is {of_type}"
        return Remark("word-of-other-type", message, "remove it, or change the type")
    misplaced = misplaced_event(word, words)
    if misplaced is not None:
        why, hint = misplaced
        return Remark("misplaced-event", f"{field.path}: {shown} {why}", hint)
    meant = suggest(word, words)
    hint = did_you_mean(word, meant) if meant else f"Twilio may have added it; known values: {listed(words, 30)}"
    return Remark("unknown-word", f"{field.path}: {shown} is not known to this release", hint)


# --- JSON, by YAML 1.2's core schema ---------------------------------------------------------------------------------

_JSON_WORDS = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_JSON_INTEGER = re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_JSON_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_A_NUMBER = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_MOST_DIGITS = 300


def parse_json_scalar(text: str, tag: str, *, bare: bool) -> Json:
    """Parse a scalar inside of JSON.

    Args:
        text: The text.
        tag: Its core tag; empty without one.
        bare: Whether it is unquoted.

    Raises:
        InvalidValueError: It is a number that JSON does not have, or does not match its tag.
    """
    if tag == "str" or (not bare and not tag):
        return text
    if tag in {"", "null", "bool"} and text in _JSON_WORDS:
        return _JSON_WORDS[text]
    if tag in {"", "int", "float"}:
        if _JSON_INTEGER.match(text) and len(text) <= _MOST_DIGITS:
            number = int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
            return float(number) if tag == "float" else number
        if tag != "int" and _JSON_FLOAT.match(text) and math.isfinite(float(text)):
            return float(text)
        if _NOT_A_NUMBER.match(text) or _JSON_INTEGER.match(text) or _JSON_FLOAT.match(text):
            raise InvalidValueError("wrong-type", "JSON has no such number", "put it in quotes to make it text")
    if tag:
        raise InvalidValueError("wrong-type", f"the value does not match its tag !!{tag}", "remove the tag")
    return text


def parse_json(text: str) -> Json:
    """Parse JSON text, such as that of a file.

    Raises:
        InvalidValueError: It is not valid JSON.
    """
    try:
        return json_text.parse_document(text)
    except JSONDecodeError:
        why = ""
    except RecursionError:
        raise InvalidValueError("too-deep", "this JSON is nested too deep", "reduce its nesting") from None
    except ValueError as error:
        why = f": {error}"
        if "half of a surrogate pair" in why:
            hint = "write both escapes of the pair, for instance \\ud83d\\ude00, or the character itself"
            raise InvalidValueError("wrong-type", f"this text is not valid JSON{why}", hint) from None
    raise InvalidValueError("wrong-type", f"this text is not valid JSON{why}", "write a mapping, or JSON text")
