"""Text to paste: lines of YAML for a configuration, and options of a command.

Takes addresses, names, and values; returns text. Used by messages that say how to get out of a situation. Pure.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence

from reconciler.address import Address
from reconciler.config.interpolation_syntax import escape

_PLAIN = re.compile(
    r"(?!(?:true|false|null|yes|no|on|off|y|n)\Z)[A-Za-z][A-Za-z0-9 ._-]*[A-Za-z0-9_-]\Z", re.IGNORECASE
)


def yaml_key(text: str) -> str:
    """Return a text as a YAML scalar: plain where that is safe everywhere, otherwise quoted."""
    if _PLAIN.match(text):
        return text
    if '"' in text and "'" not in text and text.isprintable() and "\\" not in text:
        return f"'{text}'"
    return json.dumps(text, ensure_ascii=False)


def yaml_value(text: str) -> str:
    """Return a value as a YAML scalar; unlike in a key, ``${`` has to be escaped."""
    return yaml_key(escape(text))


def yaml_path(parts: tuple[str, ...], inner: str) -> str:
    """Return YAML that is nested below keys, in one line: ``new_message: {template: null}``."""
    *outer, last = parts
    text = f"{yaml_key(last)}: {inner}"
    for part in reversed(outer):
        text = f"{yaml_key(part)}: {{{text}}}"
    return text


def option(name: str, value: object) -> str:
    """Return an option of a command with its value, quoted for a shell."""
    return f"{name} {shlex.quote(str(value))}"


def absent_pin(handle: str, sid: str) -> str:
    """Return the declaration that deletes a live resource."""
    return f"{yaml_key(handle)}: {{sid: {sid}, absent: true}}"


def deletion(address: Address, name: str, sid: str) -> str:
    """Return YAML that deletes an unmanaged resource, whose address has its SID, by its SID."""
    is_handle = bool(name.strip()) and name.isprintable() and "${" not in name
    return yaml_path(address.collection.parts, f"{{{absent_pin(name if is_handle else 'unmanaged', sid)}}}")


def approval(address: object, action: str, at_most: Sequence[tuple[str, int]] = ()) -> str:
    """Return the setting that approves an action, up to these counts."""
    bounds = ", ".join(f"{name}: {number}" for name, number in at_most)
    bounded = f", at_most: {{{bounds}}}" if bounds else ""
    return f"approvals: [{{address: {yaml_key(str(address))}, action: {action}{bounded}}}]"


def forgotten(name: object) -> str:
    """Return the setting that stops managing a resource or a field without a change."""
    return f"removed: [{{address: {yaml_key(str(name))}, action: forget}}]"


def hidden(name: object) -> str:
    """Return the setting that hides an unmanaged resource or an undeclared setting."""
    # Always quoted, since a pattern may replace the name.
    quoted = str(name).replace("'", "''")
    return f"unmanaged: {{ignore: ['{quoted}']}}"
