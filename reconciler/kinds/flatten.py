"""From a kind's declaration to its fields: rows with dotted paths in the configuration's vocabulary."""

from __future__ import annotations

import re
import types
import typing
from typing import Annotated, get_args, get_origin, get_type_hints

from reconciler.kinds.fields import Field, Shape
from reconciler.kinds.markers import (
    AlwaysSent,
    Choice,
    Declaration,
    Description,
    FreeWords,
    Immutable,
    Marker,
    NaturalKey,
    Ref,
    Required,
    Secret,
    Sid,
    Timer,
    Url,
    Vocabulary,
    Wire,
    WriteOnly,
)
from reconciler.lazy_dataclass import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """A mapping inside a resource that groups fields, such as ``new_message``."""

    path: str
    description: str


_SHAPE_OF_MARKER: dict[type, Shape] = {
    Ref: Shape.REF, Sid: Shape.SID, Url: Shape.URL, Timer: Shape.TIMER, Choice: Shape.ENUM, Vocabulary: Shape.SET,
    FreeWords: Shape.SET,
}  # fmt: skip
_SHAPE_OF_TYPE: dict[object, Shape] = {bool: Shape.BOOL, int: Shape.INT, str: Shape.TEXT, dict: Shape.JSON}


def flatten(
    model: type[Declaration], prefix: str = "", param_prefix: str = "", response_prefix: tuple[str, ...] = ()
) -> tuple[tuple[Field, ...], tuple[Block, ...]]:
    """Return the fields and blocks of a model in its order, including those inside blocks.

    Args:
        model: The model that declares them.
        prefix: The beginning of their dotted paths.
        param_prefix: The beginning of their form parameters.
        response_prefix: The keys above them in a response.

    Raises:
        TypeError: A field has no `Wire` marker, or a type without a shape.
    """
    fields: list[Field] = []
    blocks: list[Block] = []
    for name, annotation in get_type_hints(model, include_extras=True).items():
        hint, extras = _parts(annotation)
        markers = tuple(item for item in extras if isinstance(item, Marker))
        wire = next((marker for marker in markers if isinstance(marker, Wire)), None)
        if wire is None:
            raise TypeError(f"{model.__name__}.{name} lacks its Wire marker")
        param = param_prefix + wire.param
        response = (*response_prefix, *(wire.response or _snake(wire.param)).split("."))
        description = next((" ".join(item.text.split()) for item in extras if isinstance(item, Description)), "")
        if isinstance(hint, type) and issubclass(hint, Declaration):
            blocks.append(Block(prefix + name, description))
            inner_fields, inner_blocks = flatten(hint, f"{prefix}{name}.", f"{param}.", response)
            fields.extend(inner_fields)
            blocks.extend(inner_blocks)
            continue
        present = {type(marker) for marker in markers}
        fields.append(
            Field(
                path=prefix + name,
                shape=_shape(hint, markers),
                param=param,
                response=response,
                markers=markers,
                description=description,
                immutable=Immutable in present,
                required=Required in present,
                always_sent=AlwaysSent in present,
                natural_key=NaturalKey in present,
                write_only=WriteOnly in present,
                secret=Secret in present,
            )
        )
    return tuple(fields), tuple(blocks)


def _shape(annotation: object, markers: tuple[Marker, ...]) -> Shape:
    """Return the shape that a marker implies, or else the type."""
    for marker in markers:
        if type(marker) in _SHAPE_OF_MARKER:
            return _SHAPE_OF_MARKER[type(marker)]
    shape = _SHAPE_OF_TYPE.get(get_origin(annotation) or annotation)
    if shape is None:
        raise TypeError(f"no shape is known for a field of type {annotation!r}")
    return shape


def _parts(annotation: object) -> tuple[object, tuple[object, ...]]:
    """Return the type X of ``Annotated[X | None, …]``, and what follows it."""
    extras: tuple[object, ...] = ()
    if get_origin(annotation) is Annotated:
        annotation, *rest = get_args(annotation)
        extras = tuple(rest)
    if get_origin(annotation) in {typing.Union, types.UnionType}:
        inner = [arg for arg in get_args(annotation) if arg is not type(None)]
        if len(inner) == 1:
            return inner[0], extras
    return annotation, extras


def _snake(param: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", param).lower()
