"""Documents to JSON, without pydantic's models: they take longer to import than most documents take to write.

Takes parts of documents; returns values and texts. Does no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any, NamedTuple

from reconciler.documents.base import Part

_SCALARS = frozenset({str, int, bool, float, type(None)})


class _Layout(NamedTuple):
    """The fields of a class of parts.

    Attributes:
        keys: The key of each field in JSON.
        tests: For each field, whether it is left out with a value; None for one that never is.
        values: Returns the values of all fields.
    """

    keys: Mapping[str, str]
    tests: Sequence[Callable[[Any], bool] | None]
    values: Callable[[Part], tuple[Any, ...]]


_layouts: dict[type[Part], _Layout] = {}


def to_content(part: Part, *, exclude: Collection[str] = ()) -> dict[str, Any]:
    """Return a part as the values of JSON.

    Args:
        part: The part.
        exclude: The names of fields to leave out.
    """
    layout = _layouts.get(type(part)) or _read_layout(type(part))
    content = {
        key: value if type(value) in _SCALARS else _plain(value)
        for key, is_left_out, value in zip(layout.keys.values(), layout.tests, layout.values(part), strict=True)
        if is_left_out is None or not is_left_out(value)
    }
    for name in exclude:
        content.pop(layout.keys[name], None)
    return content


def to_text(part: Part, *, indent: int | None = None, exclude: Collection[str] = ()) -> str:
    """Return a part as ASCII JSON.

    Args:
        part: The part, without lone surrogates.
        indent: The spaces of each level; None for one line.
        exclude: The names of fields to leave out.
    """
    # Several times as fast as the standard library, which indents in Python.
    from pydantic_core import to_json  # noqa: PLC0415 - most commands write nothing

    content = to_content(part, exclude=exclude)
    return to_json(content, indent=indent, ensure_ascii=True, inf_nan_mode="null").decode()


def _read_layout(kind: type[Part]) -> _Layout:
    found = fields(kind)
    names = [field.name for field in found]
    layout = _layouts[kind] = _Layout(
        {field.name: field.metadata.get("alias", field.name) for field in found},
        [field.metadata.get("exclude_if") for field in found],
        attrgetter(*names) if len(names) > 1 else lambda part: (getattr(part, names[0]),),
    )
    return layout


def _plain(value: Any) -> Any:
    """Return the value of a field; opaque JSON, which may be large, as it is."""
    if isinstance(value, Part):
        return to_content(value)
    if isinstance(value, (tuple, list)):
        return [to_content(item) for item in value] if value and isinstance(value[0], Part) else list(value)
    if not isinstance(value, Mapping):
        return value
    key, first = next(iter(value.items()), ("", None))
    if isinstance(first, Part):
        return {name: to_content(item) for name, item in value.items()}
    return dict(value) if isinstance(key, str) else {str(number): item for number, item in value.items()}
