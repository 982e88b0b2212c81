"""Values that are valid but probably not intended: placeholders, invisible characters, and respelled numbers.

Takes texts; returns `Remark`s without places. No message contains a value that the caller did not allow to be shown.
All of them are warnings: Twilio accepts these values, live resources may have them, and an export must be able to
declare them.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import urlsplit

from reconciler.config.findings import shown
from reconciler.config.remarks import Remark
from reconciler.config.resolved_text import Part
from reconciler.json_text import Json


def comment_remark(path: str) -> Remark:
    """Warn that a value ends where YAML begins a comment.

    Args:
        path: the field, for the message.
    """
    message = f'{path} ends before " #", where YAML begins a comment'
    return Remark("swallowed-text", message, "quote the value to keep the rest, or write a space after the #")


# --- names -----------------------------------------------------------------------------------------------------------

_LONGEST_CHECKED = 10_000
_JOINERS = frozenset("\u200c\u200d")
# Letters and symbols that display as nothing, though they are not format characters in Unicode.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_KEYCAP = "\u20e3"
_FLAG = "\U0001f3f4"
_CONTROL_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cn", "Zl", "Zp"})
_NAMES_OF_CONTROLS = {"\n": "a line break", "\r": "a carriage return", "\t": "a tab"}


def name_remark(path: str, text: str) -> Remark | None:
    """Check a name for characters that are invisible but must be typed: spaces at its ends, invisible characters.

    Args:
        path: The field, for the message.
        text: The name.

    Returns:
        A warning, or None.
    """
    ends = text_ends_remark(path, text)
    if ends is not None:
        return ends
    if text.isascii() and text.isprintable():
        return None
    invisible = invisible_remark(path, text, what="the name")
    if invisible is not None:
        return invisible
    if not unicodedata.is_normalized("NFC", text[:_LONGEST_CHECKED]):
        message = f"{path} is not in Unicode's composed form (NFC), so it differs from a name that looks the same"
        return Remark("unnormalized-name", message, "convert it to NFC, or type the name again")
    return None


def invisible_remark(path: str, text: str, parts: Sequence[Part] = (), *, what: str = "the value") -> Remark | None:
    """Check a text for invisible characters, and for those that replace a character lost in an encoding.

    Args:
        path: The field, for the message.
        text: Its text. Messages show only the character.
        parts: The text in parts, to name the source of the character.
        what: A noun for the text, for the hint.

    Returns:
        A warning, or None.
    """
    if text.isascii() and text.isprintable():
        return None
    checked = text[:_LONGEST_CHECKED]
    for index, char in enumerate(checked):
        is_lost = char == "\ufffd"
        if not is_lost and not is_invisible(checked, index):
            continue
        source = _source_at(parts, index)
        subject = f"{path}: {source}" if source else path
        if is_lost:
            message = f"{subject} contains U+FFFD, which replaces a character that was lost in an encoding"
            hint = f"type {what} again, and save the file as UTF-8"
        else:
            named = _NAMES_OF_CONTROLS.get(char) or f"the invisible character U+{ord(char):04X}{_named(char)}"
            message = f"{subject} contains {named}"
            hint = f"remove it, or type {what} again"
        return Remark("invisible-character", message, hint if not source else "remove it where the value is set")
    return None


def _source_at(parts: Sequence[Part], index: int) -> str:
    """Return the source of the part that contains a position; empty if that part is literal."""
    for part in parts:
        if index < len(part.text):
            return part.source
        index -= len(part.text)
    return ""


def text_ends_remark(path: str, text: str) -> Remark | None:
    """Check a text for spaces and line breaks at its ends."""
    if text == text.strip():
        return None
    if text.endswith(("\n", "\r")):
        hint = "use >- or |- in place of > or | to drop it, or remove it from where the value comes from"
        return Remark("blank-at-end", f"{path} ends with a line break", hint)
    side = "ends" if text != text.rstrip() else "begins"
    return Remark("blank-at-end", f"{path} {side} with whitespace", "remove it")


def is_invisible(text: str, index: int) -> bool:
    """Whether a character displays as nothing or as a space, and has no function where it is.

    A joiner between two non-ASCII characters has one (emoji sequences, Persian, Indic scripts), and so do a variation
    selector after an emoji or an ideograph, and a tag in a flag.
    """
    char = text[index]
    if " " <= char <= "~":
        return False
    before = text[index - 1] if index else ""
    after = text[index + 1 : index + 2]
    if char in _JOINERS:
        return not (before > "\x7f" and after > "\x7f" and not before.isspace() and not after.isspace())
    if "\ufe00" <= char <= "\ufe0f":
        return not (unicodedata.category(before or " ") in {"So", "Sm", "Po", "Lo"} and before not in "#*") and not (
            before in {*"0123456789#*"} and after == _KEYCAP
        )
    if "\U000e0100" <= char <= "\U000e01ef":
        return unicodedata.category(before or " ") != "Lo"
    if "\U000e0020" <= char <= "\U000e007f":
        return _FLAG not in text[max(0, index - 8) : index]
    if char in _BLANK:
        return True
    category = unicodedata.category(char)
    # The ideographic space is an ordinary one between Japanese names.
    return category in _CONTROL_CATEGORIES or (category == "Zs" and char != "\u3000")


def skeleton(name: str) -> str:
    """Return a form that is equal for names that look alike: case, Unicode form, spaces, invisible characters.

    Names with equal skeletons are different to Twilio, but the same to a reader.
    """
    if name.isascii() and name.isprintable():
        return " ".join(name.casefold().split())
    visible = "".join(char for index, char in enumerate(name) if char.isspace() or not is_invisible(name, index))
    return " ".join(unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", visible).casefold()).split())


def _named(char: str) -> str:
    name = unicodedata.name(char, "").lower()
    return f" ({name})" if name else ""


# --- placeholders ----------------------------------------------------------------------------------------------------

_PLACEHOLDERS = (
    ("{{NAME}}", re.compile(r"\{\{[^{}\n]{0,100}\}\}")),
    ("##NAME##", re.compile(r"##[A-Za-z_][\w.-]{0,100}##")),
    ("#{NAME}", re.compile(r"#\{[A-Za-z_][\w.-]{0,100}\}#?")),
    ("$(NAME)", re.compile(r"\$\([A-Za-z_][\w.-]{0,100}\)")),
    ("<NAME>", re.compile(r"<[A-Za-z_][\w .:-]{0,100}>")),
    ("{NAME}", re.compile(r"(?<![${])\{[A-Za-z_][\w.-]{0,100}\}(?!\})")),
    ("__NAME__", re.compile(r"(?<![A-Za-z0-9])__[A-Z][A-Z0-9_]{0,100}?__(?![A-Za-z0-9])")),
    ("[NAME]", re.compile(r"\[[A-Z_][A-Z0-9_]{2,100}\]")),
)
_ONLY_IN_URLS_OR_ALONE = (
    ("$NAME", re.compile(r"\$[A-Z_][A-Z0-9_]{1,100}(?![A-Za-z0-9_])")),
    ("%NAME%", re.compile(r"%(?:[A-Z_][A-Z0-9_]{2,100})%(?![0-9A-Fa-f]{2})")),
)
_PLACEHOLDER_BEGIN = re.compile(r"[{#$<\[%]|__")
"""Each of the forms begins with one of these, and most texts have none of them."""
_LONGEST_PLACEHOLDER_TEXT = 5000
_MOST_CERTAIN = 4
"""The number of forms, from the first, that never occur in text for people."""


def placeholder_remark(path: str, text: str, *, is_url: bool, is_hidden: bool, is_name: bool = False) -> Remark | None:
    """Check a URL, a secret, or a name for a placeholder of another tool that was not replaced.

    Args:
        path: The field, for the message.
        text: Its text.
        is_url: Whether it is a URL. Elsewhere `$NAME` and `%NAME%` count only as the whole text, since random passwords
            contain such characters.
        is_hidden: Whether no part of the text may be shown.
        is_name: Whether it is a name, which may contain brackets: only `{{NAME}}` and the like count.
    """
    if _PLACEHOLDER_BEGIN.search(text) is None:
        return None
    if len(text) > _LONGEST_PLACEHOLDER_TEXT or (not is_url and "-----BEGIN" in text):
        return None
    forms = _PLACEHOLDERS[:_MOST_CERTAIN] if is_name else _PLACEHOLDERS
    for form, pattern in (*forms, *_ONLY_IN_URLS_OR_ALONE):
        alone = not is_url and (form, pattern) in _ONLY_IN_URLS_OR_ALONE
        found = pattern.fullmatch(text.strip()) if alone else pattern.search(text)
        if found is not None:
            what = f"a placeholder such as {form}" if is_hidden else f"the placeholder {shown(found[0])}"
            message = f"{path} contains {what}, which is sent as it is written"
            return Remark("unfilled-placeholder", message, "write ${env:NAME}, ${var:NAME}, or ${secret:NAME}")
    return None


def secret_remark(path: str, text: str) -> Remark | None:
    """Check a secret for quotes and spaces that environment files leave around it, and for invisible characters.

    PEM text has its own checks. JSON and other text of several lines may have spaces around it.
    """
    stripped = text.strip()
    if "-----BEGIN" in text or stripped[:1] == "{" or "\n" in stripped:
        return None
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "\"'":
        hint = "remove the quotes where it is set: docker --env-file and some CI systems keep them"
        return Remark("quoted-value", f"{path} is in quotes, which are part of the value", hint)
    return text_ends_remark(path, text) or invisible_remark(path, text)


def blank_in_url(path: str, parts: Sequence[Part]) -> Remark | None:
    """Return the error for a URL with a space or line break in an interpolated part; names the source."""
    for part in parts:
        if part.source and _BLANK_OR_CONTROL.search(part.text):
            where = "at its end " if _BLANK_OR_CONTROL.search(part.text.rstrip()) is None else ""
            message = f"{path}: {part.source} contains a space or a line break {where}".rstrip()
            return Remark("malformed-url", message, "remove it where the value is set, or write a space as %20")
    return None


# --- URLs ------------------------------------------------------------------------------------------------------------

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What ends or splits each part of a URL (RFC 3986, section 3), and what forms read as a blank. A secret is random text,
# so a slash in its path is an accident; a variable may hold a path on purpose.
_ENDS = {"host": "#?@\\", "path": "#?\\", "query": "#&\\", "user": "#?/@\\"}
_ENDS_FOR_SECRETS = {"host": "/:[]", "path": "/;", "query": "+;", "user": ":[]"}
_NOT_IN_URLS = '"<>^`{|}'
_PARENT_SEGMENT = re.compile(r"(?:\A|/)\.\.(?:/|\Z)")
_HOST_SUFFIX = re.compile(r"[A-Za-z0-9.-]*\.[A-Za-z]{2,}")
_PORT = re.compile(r":[0-9]*")


def host_remark(path: str, url: str) -> Remark | None:
    """Warn about a host with letters that may look like others, and show what it is in ASCII.

    Args:
        path: The field, for the message.
        url: The URL; its host may be shown.
    """
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    if host.isascii():
        return None
    try:
        plain = host.encode("idna").decode()
    except UnicodeError:
        plain = host.encode("ascii", "backslashreplace").decode()
    message = f"{path} has a host with non-ASCII characters: {plain}"
    return Remark("non-ascii-host", message, "write the host in ASCII, so that reviewers see where requests go")


def url_remarks(path: str, parts: Sequence[Part]) -> list[Remark]:
    """Check each interpolated part of a URL for characters that end, split, or change its component of the URL.

    Args:
        path: The field, for the message.
        parts: The URL in parts. A part that is the whole URL, or all of it after `https://`, is not checked: it is
            meant to have structure.
    """
    remarks: list[Remark] = []
    before = ""
    if len(parts) == 1:
        return []
    for index, part in enumerate(parts):
        rest = "".join(item.text for item in parts[index + 1 :])
        is_all = not rest and _AUTHORITY.fullmatch(before) is not None
        if part.source and not is_all:
            where = _component(before, rest)
            remark = _characters_remark(path, part, where, before) or _structure_remark(path, part, where, rest)
            remarks += [] if remark is None else [remark]
        before += part.text
    return list(dict.fromkeys(remarks))


def _characters_remark(path: str, part: Part, where: str, before: str) -> Remark | None:
    """Return the warning for a part with a character that its component must percent-encode."""
    if not where and not part.is_secret:
        ends = "?#"
    elif where == "query" and not part.is_secret and before[-1:] in {"?", "&"} and "=" in part.text:
        ends = "#\\"  # parameters with their names: an & between them is meant
    else:
        ends = _ENDS.get(where, "#?")
    characters = ends if not part.is_secret else ends + _ENDS_FOR_SECRETS.get(where, "") + _NOT_IN_URLS
    if set(characters).isdisjoint(part.text) and (not part.is_secret or _BAD_ESCAPE.search(part.text) is None):
        return None
    name = {"user": "user or password", "": "base"}.get(where, where)
    # Name all of these characters, not only those in the value, which may be a secret.
    choice = " ".join(characters) + (" or %" if part.is_secret else "")
    message = f"{path}: {part.source} contains a character that ends or changes the URL's {name} ({choice})"
    if part.is_secret:
        message = f"{path}: {part.source} contains a character that must be encoded in the URL's {name} ({choice})"
    hint = "percent-encode the value where it is set, for instance # as %23, & as %26, and + as %2B"
    return Remark("url-structure", message, hint)


def _structure_remark(path: str, part: Part, where: str, rest: str) -> Remark | None:
    """Return the warning for a part that gives the URL an unexpected host or path."""
    if where == "path" and _PARENT_SEGMENT.search(part.text):
        message = f"{path}: {part.source} contains a .. segment, which leaves the path before it"
        return Remark("url-structure", message, "remove it where the value is set, or write the final path")
    if where not in {"host", ""} or not rest:
        return None
    scheme = _AUTHORITY.match(part.text) if not where else None
    if not where and scheme is None:
        return None
    text = part.text[scheme.end() :] if scheme is not None else part.text
    following = re.split(r"[/?#]", rest, maxsplit=1)[0]
    host, slash, _ = text.partition("/")
    if not slash:
        if "." in host and host[-1:].isalnum() and following[:1].isalnum():
            message = f"{path}: the text after {part.source} continues its host name"
            return Remark("url-structure", message, "write a / between the two, or a . if both are parts of the host")
        return None
    is_last = len(following) == len(rest)
    is_host = _HOST_SUFFIX.fullmatch(following) is not None and (not is_last or following.count(".") > 1)
    if is_host or _PORT.fullmatch(following) is not None:
        message = f"{path}: {part.source} contains a /, so the text after it is not part of the URL's host"
        return Remark("url-structure", message, "set it to the host only, without a /")
    return None


_BLANK_OR_CONTROL = re.compile(r"[\s\x00-\x20\x7f-\x9f]")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def _component(before: str, rest: str) -> str:
    """Return the component of a URL that a text starts in: host, user, path, or query; empty at the URL's start."""
    if "#" in before:
        return "fragment"
    if "?" in before:
        return "query"
    found = _AUTHORITY.match(before)
    if found is None:
        return ""
    authority = before[found.end() :]
    if "/" in authority:
        return "path"
    following = re.split(r"[/?#]", rest, maxsplit=1)[0]
    return "user" if "@" in following and "@" not in authority else "host"


# --- numbers in JSON -------------------------------------------------------------------------------------------------

_JSON_NUMBER = re.compile(r'"(?:[^"\\]|\\.)*"|(?P<number>-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?)')
_MOST_NUMBERS = 10
_OLD_WORDS = frozenset({"yes", "no", "on", "off"})
_OLD_NUMBER = re.compile(r"[-+]?(?:0b[01_]+|(?=[0-9_]*_)[0-9][0-9_]*(?:\.[0-9_]*)?|0x[0-9a-fA-F_]*_[0-9a-fA-F_]*)\Z")
_MOST_EXACT = 2**53


def _is_json_spelling(text: str, value: Json) -> bool:
    """Return whether JSON has a scalar as it is written, and every reader takes it alike."""
    if isinstance(value, str):
        return text.lower() not in _OLD_WORDS and not _OLD_NUMBER.match(text)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value) == text and abs(value) <= _MOST_EXACT  # as JSON has it, without the time for an encoder
    return json.dumps(value) == text


def number_remark(path: str, text: str, value: Json, *, is_hidden: bool) -> Remark | None:
    """Check an unquoted scalar in JSON: a warning if the JSON is sent in another spelling.

    Args:
        path: The field, for the message.
        text: The scalar as written.
        value: Its value in YAML 1.2's core schema.
        is_hidden: Whether it must not be shown.
    """
    if _is_json_spelling(text, value):
        return None
    named = f"{path}: {'a value' if is_hidden else shown(text) if text else 'an empty value'}"
    quoted = '"…"' if is_hidden else json.dumps(text, ensure_ascii=False)
    keep = f"quote it to send the text: {quoted}"
    if isinstance(value, str):
        if text.lower() in _OLD_WORDS:
            means = "true" if text.lower() in {"yes", "on"} else "false"
            hint = f"write {means}, or quote it to keep the text: {quoted}"
            return Remark("json-spelling", f"{named} is sent as text; some YAML tools read it as {means}", hint)
        if _OLD_NUMBER.match(text):
            hint = f"write the number in decimal digits, or quote it to keep the text: {quoted}"
            return Remark("json-spelling", f"{named} is sent as text; some YAML tools read it as a number", hint)
        return None
    spelled = json.dumps(value)
    if spelled != text:
        kind = "the number " if isinstance(value, (int, float)) and not isinstance(value, bool) else ""
        sent = f"{kind}{'in another spelling' if is_hidden else spelled}"
        hint = keep if kind else f"write {spelled}, or {keep}"
        return Remark("json-spelling", f"{named} is sent as {sent}", hint)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _MOST_EXACT:
        message = f"{named} is a number over 2^53, which JavaScript and other readers of JSON round"
        return Remark("json-spelling", message, keep)
    return None


def json_number_remarks(path: str, text: str, *, is_hidden: bool) -> list[Remark]:
    """Check the numbers of JSON text: warnings for those sent with another value or spelling.

    Args:
        path: The field, for the message.
        text: Valid JSON.
        is_hidden: Whether it must not be shown.

    Returns:
        At most ten warnings.
    """
    remarks: dict[Remark, None] = {}
    for found in _JSON_NUMBER.finditer(text):
        number = found["number"]
        if number is None:
            continue
        value = int(number) if number.lstrip("-").isdigit() else float(number)
        remark = number_remark(path, number, value, is_hidden=is_hidden)
        if remark is not None:
            remarks[remark] = None
            if len(remarks) == _MOST_NUMBERS:
                break
    return list(remarks)
