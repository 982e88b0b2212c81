"""JSON Schemas of single values, and of the mappings that hold them.

Takes fields of a kind and their markers; returns JSON Schemas for editors. A schema never rejects a value that
`reconciler validate` accepts. YAML guesses types and the configuration does not (`+14155550100` is text), so text
fields accept every scalar. Every value also accepts an interpolation (`${var:NAME}`), to which `INTERPOLATED` refers.
Uses `patternErrorMessage` and `defaultSnippets`, which yaml-language-server adds to JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Field, Shape
from reconciler.kinds.markers import Choice, Example, Length, Range, Sid, Vocabulary
from reconciler.kinds.sids import prefix_noun

Schema: TypeAlias = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
INTERPOLATED: Schema = {"$ref": "#/$defs/interpolated"}
SCALAR = ["string", "number", "boolean"]

_DURATION = r"^\s*[Pp](?=[0-9Tt])(?:[0-9]+[YyMmWwDd])*(?:[Tt](?:[0-9]+(?:\.0+)?[HhMmSs])+)?\s*$"
_HTTP = r"[Hh][Tt][Tt][Pp][Ss]?://\S+"

# --- fields ----------------------------------------------------------------------------------------------------------


def field_schema(field: Field) -> Schema:
    """Build the schema of a field: its values, null only where null clears it, and interpolation."""
    choices = _choices(field)
    is_clearable = not field.why_not_clearable()
    if field.shape in {Shape.SET, Shape.JSON}:
        types = choices[0]["type"] if isinstance(choices[0]["type"], list) else [choices[0]["type"]]
        choices[0] |= {"type": [*types, "null"]} if is_clearable else {}
    else:
        choices += [INTERPOLATED, *([{"type": "null"}] if is_clearable else [])]
    description = field.description
    if is_clearable:
        description += f" `null` sets it to {cleared(field)}."
    if field.secret or field.write_only:
        description += " Use `${secret:NAME}` or `${file:PATH}`."
    return {
        "description": description,
        **({"anyOf": choices} if len(choices) > 1 else choices[0]),
        "examples": [example(field)],
    }


def cleared(field: Field) -> str:
    """Return the value that null gives a field, as words for a description."""
    return {Shape.BOOL: "`false`", Shape.SET: "an empty list", Shape.JSON: "`{}`"}.get(field.shape, "empty text")


def example(field: Field) -> Any:
    """Return an example value of a field; every field but booleans carries one."""
    marker = field.marker(Example)
    if marker is not None:
        return marker.value
    assert field.shape is Shape.BOOL, f"{field.path} needs an example"
    return True


def words(field: Field) -> tuple[str, ...]:
    """Return the words of a choice; empty for fields of other shapes."""
    choice = field.marker(Choice)
    return () if choice is None else choice.words


def _choices(field: Field) -> list[Schema]:
    """Build the alternative schemas of a field's literal values."""
    match field.shape:
        case Shape.BOOL:
            return [*BOOLEAN]
        case Shape.INT:
            limits = field.marker(Range)
            bounds = {} if limits is None else {"minimum": limits.least, "maximum": limits.most}
            return [{"type": "integer", **bounds}, {"type": "string", "pattern": "^[-+]?[0-9]+$"}]
        case Shape.ENUM:
            return _enum(field)
        case Shape.SET:
            return [_set(field)]
        case Shape.TIMER:
            message = "Expected an ISO 8601 duration, such as PT15M, PT1H, or P30D."
            return [{"type": "string", "pattern": _DURATION, "patternErrorMessage": message}]
        case Shape.SID:
            marker = field.marker(Sid)
            assert marker is not None
            return [_sid(marker.prefix)]
        case Shape.URL:
            # Empty text clears, as null does.
            pattern = rf"^{_HTTP}$" if field.why_not_clearable() else rf"^(?:{_HTTP})?$"
            message = "Expected an absolute URL, such as https://hooks.example.com/path."
            return [{"type": "string", "pattern": pattern, "patternErrorMessage": message}]
        case Shape.JSON:
            return [{"type": ["object", "string"]}]
        case _:
            length = field.marker(Length)
            text: Schema = {"type": SCALAR} | ({} if length is None else {"maxLength": length.most})
            return [text | ({"minLength": 1} if field.why_not_clearable() else {})]


def _enum(field: Field) -> list[Schema]:
    choice = field.marker(Choice)
    assert choice is not None
    known: Schema = {"enum": list(choice.words)}
    if choice.extended_by_twilio:
        return [known, {"type": SCALAR, "minLength": 1}]
    return [known, {"type": "string", "pattern": _any_case(*choice.words)}]


def _set(field: Field) -> Schema:
    vocabulary = field.marker(Vocabulary)
    known = [] if vocabulary is None else [{"enum": list(vocabulary.words)}]
    least = {} if not field.why_not_clearable() else {"minItems": 1}
    return {"type": "array", "items": {"anyOf": [*known, {"type": SCALAR, "minLength": 1}]}, **least}


def _any_case(*spellings: str) -> str:
    """Build a pattern that matches words in any case; JSON Schema has no flag for it."""
    patterns = ("".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in word) for word in spellings)
    return f"^(?:{'|'.join(patterns)})$"


# YAML 1.2, which editors parse, has only true and false; a boolean field accepts YAML 1.1's words as well.
BOOLEAN: list[Schema] = [
    {"type": "boolean"},
    {"type": "string", "pattern": _any_case("true", "false", "yes", "no", "on", "off")},
]


# --- other values ----------------------------------------------------------------------------------------------------


def _sid(prefix: str) -> Schema:
    return {
        "type": "string",
        "pattern": f"^{prefix}[0-9a-fA-F]{{32}}$",
        "patternErrorMessage": f"Expected the SID of {prefix_noun(prefix)}: {prefix} and 32 hexadecimal digits.",
    }


def sid_schema(prefix: str, description: str) -> Schema:
    """Build the schema of a SID with this prefix."""
    return {
        "anyOf": [_sid(prefix), INTERPOLATED],
        "description": description,
        "examples": [f"{prefix}0123456789abcdef0123456789abcdef"],
    }


def flag_schema(description: str) -> Schema:
    """Build the schema of a boolean that is not a field."""
    return {"anyOf": [*BOOLEAN, INTERPOLATED], "description": description, "examples": [True]}


def texts_schema(description: str, sample: list[str]) -> Schema:
    """Build the schema of a text or a list of texts."""
    return {
        "description": description,
        "type": ["array", "null"],
        "items": {"type": SCALAR},
        "examples": [sample],
    }


def limit_schema(description: str, sample: int) -> Schema:
    """Build the schema of a number of changes."""
    return {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,10}$"}, INTERPOLATED],
        "description": description,
        "examples": [sample],
    }


# --- mappings --------------------------------------------------------------------------------------------------------


def closed(properties: Schema, description: str) -> Schema:
    """Build the schema of a mapping with these keys and no others; null is an empty mapping."""
    described = {"description": description} if description else {}
    return {**described, "type": ["object", "null"], "properties": properties, "additionalProperties": False}


def mapping_of(inner: Schema, description: str) -> Schema:
    """Build the schema of a mapping with keys of the user's own."""
    return {"description": description, "type": ["object", "null"], "additionalProperties": inner}


def variables_schema(description: str) -> Schema:
    """Build the schema of a mapping of variables."""
    return {**mapping_of({"type": [*SCALAR, "null"]}, description), "examples": [{"host": "hooks.example.com"}]}


def prune_schema(prunable: Mapping[str, Kind], description: str) -> Schema:
    """Build the schema of `prune`.

    Args:
        prunable: The kinds that may be pruned, by section key.
        description: What is deleted.
    """
    globs = {"$ref": "#/$defs/globs"}
    rules = closed(
        {
            "match": {**globs, "description": "Prune only resources whose natural key matches one of these globs."},
            "except": {**globs, "description": "Keep resources whose natural key matches one of these globs."},
        },
        "Which resources of this collection to prune, by globs on their natural keys.",
    )
    return {
        "description": description,
        "anyOf": [
            {"type": "array", "items": {"enum": list(prunable)}},
            closed(dict.fromkeys(prunable, rules), "Collections with globs that select what to prune."),
            {"type": "null"},
        ],
        "examples": [list(prunable)[:1]],
    }


# --- snippets --------------------------------------------------------------------------------------------------------


def snippet(label: str, description: str, body: Schema) -> Schema:
    """Build a snippet that yaml-language-server offers as "new LABEL" (`defaultSnippets`)."""
    return {"label": f"new {label}", "description": description, "body": body}


def resource_snippet(kind: Kind) -> Schema:
    """Build the snippet of a new resource: its typical fields, each with an example as a placeholder."""
    body: Schema = {}
    number = 1
    for path in kind.typical_fields:
        *blocks, name = path.split(".")
        inner = body
        for block in blocks:
            inner = inner.setdefault(block, {})
        field = kind.by_path[path]
        if field.shape is not Shape.BOOL:
            number += 1
        inner[name] = _placeholder(field, number)
    noun = kind.noun
    key = example(kind.by_path[kind.natural_key]) if kind.natural_key else noun.split(" ")[-1]
    handle = key if kind.natural_key in {"identity", "address", "unique_name"} else key.lower().replace(" ", "-")
    return snippet(noun, kind.summary, {f"${{1:{handle}}}": body})


def _placeholder(field: Field, number: int) -> Any:
    sample = example(field)
    if field.shape is Shape.BOOL:
        return sample
    if field.shape is Shape.SET:
        return [f"${{{number}:{sample[0]}}}"]
    if known := words(field):
        return f"${{{number}|{','.join(sorted(known, key=lambda word: word != sample))}|}}"
    # Characters that begin or end a placeholder are escaped.
    escaped = sample.replace("$", "\\$").replace("}", "\\}")
    return f"${{{number}:{escaped}}}"
