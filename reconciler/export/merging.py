"""Live values merged with the interpolations of existing files. Pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator

from reconciler.config.model import Outside, Value, Written
from reconciler.export.yaml_writer import Data, Literal, Writable, lookup
from reconciler.json_text import Json
from reconciler.kinds.fields import Content, Field, Shape

_FILE = re.compile(r"(?<!\$)\$\{file:(?P<path>[^{}]*?)(?=:-|\})")


def texts(written: Written) -> Iterator[str]:
    """Yield every interpolated text of a value."""
    match written:
        case Outside():
            yield written.text
        case dict():
            for inner in written.values():
                yield from texts(inner)
        case list():
            for inner in written:
                yield from texts(inner)
        case _:
            return


def merged(item: Field, value: Value, live: Content, folder: str) -> str | Literal | tuple[str | Literal, ...] | Data:
    """Merge a field: interpolated parts from the existing files, everything else from the live value.

    Args:
        item: The field.
        value: Its value in the existing files.
        live: Its live value.
        folder: The folder of the file that it is written into, relative to the root file.
    """
    written = value.written
    match written:
        case Outside():
            return _literal(written, folder)
        case list() if item.shape is Shape.SET:
            words = {word for word in live if isinstance(word, str)} if isinstance(live, tuple | list) else set()
            # The word that an interpolation produces is not written a second time.
            taken = set(value.content) if isinstance(value.content, tuple) else set()
            literal = {word for word in written if isinstance(word, str)}
            lookups = [_literal(word, folder) for word in written if isinstance(word, Outside)]
            return (*sorted(words - (taken - literal)), *lookups)
        case _:
            return Data(_overlaid(live, written, folder))


def _overlaid(live: Json, written: Written, folder: str) -> Writable:
    match written:
        case Outside():
            return _literal(written, folder)
        case dict() if isinstance(live, dict):
            both = {key: _overlaid(inner, written.get(key), folder) for key, inner in live.items()}
            missing = {key: inner for key, inner in written.items() if key not in live and any(texts(inner))}
            return both | {key: _overlaid(None, inner, folder) for key, inner in missing.items()}
        case list() if isinstance(live, list) and len(live) == len(written):
            return [_overlaid(one, other, folder) for one, other in zip(live, written, strict=True)]
        case dict() if any(texts(written)):
            return {
                key: _overlaid(None, inner, folder) if any(texts(inner)) else inner for key, inner in written.items()
            }
        case list() if any(texts(written)):
            return [_overlaid(None, inner, folder) if any(texts(inner)) else inner for inner in written]
        case _:
            return live


def _literal(written: Outside, folder: str) -> Literal:
    def seen_from_there(found: re.Match[str]) -> str:
        return f"${{file:{posixpath.relpath(found['path'], folder or '.')}"

    return lookup(_FILE.sub(seen_from_there, written.text))
