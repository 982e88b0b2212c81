"""Values that are valid but probably not meant: placeholders, invisible characters, numbers that lose their spelling.

Takes texts; returns `Remark`s without places. No message contains a value that the caller did not allow to be shown.
Every remark here is a warning: Twilio accepts these values, live resources may have them, and an export must be able to
declare what is live.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence

from reconciler.config.findings import shown
from reconciler.config.interpolate import Part
from reconciler.config.remarks import Remark
from reconciler.json_text import Json

# --- names -----------------------------------------------------------------------------------------------------------

_LONGEST_CHECKED = 10_000
_JOINERS = frozenset("\u200c\u200d")
# Letters and symbols that display as nothing, though Unicode does not class them as format characters.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_KEYCAP = "\u20e3"
_FLAG = "\U0001f3f4"
_CONTROL_CATEGORIES = frozenset({"Cc", "Cf", "Co", "Cn", "Zl", "Zp"})
_NAMES_OF_CONTROLS = {"\n": "a line break", "\r": "a carriage return", "\t": "a tab"}


def name_remark(path: str, text: str) -> Remark | None:
    """Check a name for what nobody sees and everybody has to type: blanks at its ends, invisible characters.

    Args:
        path: the field, for the message.
        text: the name.

    Returns:
        A warning, or None.
    """
    ends = text_ends_remark(path, text)
    if ends is not None:
        return ends
    if text.isascii() and text.isprintable():
        return None
    checked = text[:_LONGEST_CHECKED]
    for index, char in enumerate(checked):
        if is_invisible(checked, index):
            what = _NAMES_OF_CONTROLS.get(char) or f"the invisible character U+{ord(char):04X}{_named(char)}"
            return Remark("invisible-character", f"{path} contains {what}", "remove it, or type the name again")
        if char == "\ufffd":
            message = f"{path} contains U+FFFD, which replaces a character that was lost in an encoding"
            return Remark("invisible-character", message, "type the name again, and save the file as UTF-8")
    if not unicodedata.is_normalized("NFC", checked):
        message = f"{path} is not in Unicode's composed form (NFC), so a name that looks the same is another one"
        return Remark("unnormalized-name", message, "convert it to NFC, or type the name again")
    return None


def text_ends_remark(path: str, text: str) -> Remark | None:
    """Check a text for blanks and line breaks at its ends."""
    if text == text.strip():
        return None
    if text.endswith(("\n", "\r")):
        hint = "use >- or |- in place of > or | to drop it, or remove it from where the value comes from"
        return Remark("blank-at-end", f"{path} ends with a line break", hint)
    side = "ends" if text != text.rstrip() else "begins"
    return Remark("blank-at-end", f"{path} {side} with a blank", "remove it")


def is_invisible(text: str, index: int) -> bool:
    """Whether a character of a text displays as nothing, or as an ordinary blank, and does no work there.

    A joiner between two characters beyond ASCII does work (emoji sequences, Persian, Indic scripts), and so does a
    variation selector after an emoji or an ideograph, and a tag in a flag.
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
    """A form of a name that is equal for names that look alike: case, Unicode form, blanks, and invisible characters.

    Names with equal skeletons are other names for Twilio, and one for a person.
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
_LONGEST_PLACEHOLDER_TEXT = 5000
_MOST_CERTAIN = 4
"""How many of the forms, from the first, no text for people has."""


def placeholder_remark(path: str, text: str, *, is_url: bool, is_hidden: bool, is_name: bool = False) -> Remark | None:
    """Check a URL, a secret, or a name for a placeholder of another tool that nothing filled in.

    Args:
        path: the field, for the message.
        text: its text.
        is_url: whether it is a URL. Elsewhere, `$NAME` and `%NAME%` count only if they are all of it, since random
            passwords contain such characters.
        is_hidden: whether no part of the text may be shown.
        is_name: whether it is text for people, which may have brackets: only `{{NAME}}` and the like count.
    """
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
    """Check a secret for what files of environment variables leave around it: quotes, and blanks at its ends.

    PEM text has its own checks, and JSON and other text of several lines may have blanks around it.
    """
    stripped = text.strip()
    if "-----BEGIN" in text or stripped[:1] == "{" or "\n" in stripped:
        return None
    if len(stripped) > 1 and stripped[0] == stripped[-1] and stripped[0] in "\"'":
        hint = "remove the quotes where it is set: docker --env-file and some CI systems keep them"
        return Remark("quoted-value", f"{path} is in quotes, which are part of the value", hint)
    return text_ends_remark(path, text)


def blank_in_url(path: str, parts: Sequence[Part]) -> Remark | None:
    """The error for a URL whose interpolated part contains a blank or a line break; names the source."""
    for part in parts:
        if part.source and _BLANK_OR_CONTROL.search(part.text):
            where = "at its end " if _BLANK_OR_CONTROL.search(part.text.rstrip()) is None else ""
            message = f"{path}: {part.source} contains a blank or a line break {where}".rstrip()
            return Remark("malformed-url", message, "remove it where the value is set, or write a blank as %20")
    return None


# --- URLs ------------------------------------------------------------------------------------------------------------

_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
# What ends or splits each part of a URL (RFC 3986, section 3), and what forms read as a blank. A secret is random text,
# so a slash in its path is an accident; a variable may hold a path on purpose.
_ENDS = {"host": "#?@\\", "path": "#?\\", "query": "#&\\", "user": "#?/@\\"}
_ENDS_FOR_SECRETS = {"host": "/:[]", "path": "/;", "query": "+;", "user": ":[]"}
_NOT_IN_URLS = '"<>^`{|}'
_SHOWN_CLASSES = {
    "host": "/ ? # @ : \\ [ ]", "path": "/ ? # ; \\", "query": "# & + ; \\", "user": "/ ? # @ : \\ [ ]",
}  # fmt: skip


def url_remarks(path: str, parts: Sequence[Part]) -> list[Remark]:
    """Check each interpolated part of a URL for characters that end or split the part of the URL that holds it.

    Args:
        path: the field, for the message.
        parts: the URL in parts. A part that is the whole URL, or all of it after `https://`, is not checked: it is
            meant to have structure.
    """
    remarks = []
    before = ""
    if len(parts) == 1:
        return []
    for index, part in enumerate(parts):
        rest = "".join(item.text for item in parts[index + 1 :])
        where = _component(before, rest)
        is_all = not rest and _AUTHORITY.fullmatch(before) is not None
        before += part.text
        if is_all:
            continue
        if not part.source or (not where and not part.is_secret and not _BASE_ENDS.search(part.text)):
            continue
        ends = _ENDS.get(where, "#?")
        bad = set(ends if not part.is_secret else ends + _ENDS_FOR_SECRETS.get(where, "") + _NOT_IN_URLS)
        if bad.isdisjoint(part.text) and (not part.is_secret or _BAD_ESCAPE.search(part.text) is None):
            continue
        classes = _SHOWN_CLASSES.get(where, "? #")
        name = {"user": "user or password", "": "base"}.get(where, where)
        message = f"{path}: {part.source} contains a character that ends or changes the URL's {name} ({classes} or %)"
        hint = "percent-encode the value where it is set, for instance # as %23, & as %26, and + as %2B"
        remarks.append(Remark("url-structure", message, hint))
    return list(dict.fromkeys(remarks))


_BLANK_OR_CONTROL = re.compile(r"[\s\x00-\x20\x7f-\x9f]")
_BASE_ENDS = re.compile(r"[?#]")
_AUTHORITY = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")


def _component(before: str, rest: str) -> str:
    """The part of a URL in which a text begins: host, user, path, or query; empty at the URL's beginning."""
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

_OLD_WORDS = frozenset({"yes", "no", "on", "off"})
_OLD_NUMBER = re.compile(r"[-+]?(?:0b[01_]+|(?=[0-9_]*_)[0-9][0-9_]*(?:\.[0-9_]*)?|0x[0-9a-fA-F_]*_[0-9a-fA-F_]*)\Z")
_MOST_EXACT = 2**53


def number_remark(path: str, text: str, value: Json, *, is_hidden: bool) -> Remark | None:
    """Check a scalar without quotes in JSON: a warning if the JSON that is sent is spelled in another way.

    Args:
        path: the field, for the message.
        text: the scalar as it is written.
        value: what it means in YAML 1.2's core schema.
        is_hidden: whether it may not be shown.
    """
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
