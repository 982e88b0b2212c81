"""Reference documentation in Markdown: keys of the configuration, kinds with their fields, and API coverage.

Takes the layout of the configuration; returns Markdown tables, each ending in a newline. The kinds do not contain all
paths of the API, so the coverage is rendered for the paths that the caller passes.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

from reconciler.config.layout import Layout, standard_layout
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Field, Shape
from reconciler.kinds.markers import Choice, Length, Range, Ref, Sid, Timer, Vocabulary
from reconciler.schema.configuration import config_schema
from reconciler.schema.markdown_table import markdown_table
from reconciler.schema.values import Schema, cleared

_MOST_WORDS_IN_TABLE = 6
"""A longer list of known words is rendered below the table."""


# --- kinds and their fields ------------------------------------------------------------------------------------------


def reference_markdown(layout: Layout | None = None) -> str:
    """Render every kind with a table of its fields.

    Args:
        layout: The kinds and their places; those of this release by default.
    """
    layout = layout or standard_layout()
    return "\n".join(_kind(item.kind, layout) for item in layout.layouts.values())


def kinds_markdown(layout: Layout | None = None) -> str:
    """Render a table of the kinds: place in the configuration, natural key, and Twilio's page.

    Args:
        layout: The kinds and their places; those of this release by default.
    """
    layout = layout or standard_layout()
    rows = []
    for item in layout.layouts.values():
        kind = item.kind
        name = f"[`{kind.name}`](#{kind.name})"
        rows.append((name, f"`{_place(kind, layout)}`", _natural_key(kind), f"[{kind.noun}]({kind.docs})"))
    return markdown_table(("kind", "location in the configuration", "natural key", "Twilio's documentation"), rows)


def _natural_key(kind: Kind) -> str:
    if kind.singleton:
        return "– (singleton)"
    if kind.key_summary:
        return kind.key_summary
    apart = f", then `{kind.discriminator}`" if kind.discriminator else ""
    return f"`{kind.natural_key}`{apart}"


def _kind(kind: Kind, layout: Layout) -> str:
    lines = [
        f"### `{kind.name}`",
        "",
        " ".join([kind.summary, *_facts(kind), f"[Twilio's documentation]({kind.docs})"]),
        "",
        f"Location in the configuration: `{_place(kind, layout)}`",
        "",
        markdown_table(
            ("field", "value", "`null`", "description"), [_row(field, kind, layout) for field in kind.fields]
        ),
    ]
    return "\n".join([*lines, *_word_lists(kind)])


def _facts(kind: Kind) -> Iterator[str]:
    if kind.natural_key:
        yield f"Natural key: `{kind.natural_key}`, which defaults to the handle."
    elif kind.key_summary:
        yield f"Natural key: {kind.key_summary}."
    if kind.singleton:
        yield "A singleton: it always exists and is only updated."
    elif kind.irreplaceable:
        yield f"Never replaced: {kind.irreplaceable}."
    if kind.destroys:
        yield f"Deleting or replacing one destroys {kind.destroys}, and requires approval."


def _place(kind: Kind, layout: Layout) -> str:
    parent = "" if kind.parent is None else _place(layout.kinds[kind.parent], layout) + "."
    return parent + ".".join(kind.section) + ("" if kind.singleton else ".HANDLE")


def _row(field: Field, kind: Kind, layout: Layout) -> tuple[str, ...]:
    why_not = field.why_not_clearable()
    null = f"error: {why_not}" if why_not else f"sets it to {cleared(field)}"
    return f"`{field.path}`", _value(field, layout), null, " ".join(_notes(field, kind))


def _value(field: Field, layout: Layout) -> str:
    """Describe the values that a field accepts."""
    match field.shape:
        case Shape.BOOL:
            return "true or false"
        case Shape.INT:
            limits = field.marker(Range)
            return "integer" + ("" if limits is None else f", {limits.least} to {limits.most}")
        case Shape.ENUM:
            return _choice(field)
        case Shape.SET:
            vocabulary = field.marker(Vocabulary)
            if vocabulary is None or len(vocabulary.words) > _MOST_WORDS_IN_TABLE:
                return "set of strings"
            return "set of " + ", ".join(f"`{word}`" for word in vocabulary.words)
        case Shape.TIMER:
            timer = field.marker(Timer)
            return "ISO 8601 duration" + ("" if timer is None else f", at least {timer.written}")
        case Shape.SID:
            marker = field.marker(Sid)
            return "SID" + ("" if marker is None else f", {marker.prefix}…")
        case Shape.REF:
            return _reference(field, layout)
        case Shape.URL:
            return "URL, http or https"
        case Shape.JSON:
            length = field.marker(Length)
            return "JSON object" + ("" if length is None else f", at most {length.most} bytes")
        case _:
            length = field.marker(Length)
            return "text" + ("" if length is None else f", at most {length.most} characters")


def _choice(field: Field) -> str:
    choice = field.marker(Choice)
    assert choice is not None
    listed = ", ".join(f"`{word}`" for word in choice.words)
    return f"one of {listed}{', or a value that Twilio adds later' if choice.extended_by_twilio else ''}"


def _reference(field: Field, layout: Layout) -> str:
    ref = field.marker(Ref)
    assert ref is not None
    where = " in the same service" if ref.scope == "service" else ""
    of_type = f" of type `{ref.of_type}`" if ref.of_type else ""
    by = f"handle, name of a built-in {ref.kind}, or SID" if layout.kinds[ref.kind].built_in else "handle or SID"
    return f"a {ref.kind}{of_type}{where}, by {by}"


def _notes(field: Field, kind: Kind) -> Iterator[str]:
    yield field.description
    if field.required and not field.natural_key:
        yield "Required on create."
    if field.immutable:
        yield "Immutable." if kind.irreplaceable else "Immutable: a change replaces the resource."
    if field.write_only:
        yield "Write-only: Twilio does not return it, so it is not compared."
    if field.secret:
        yield "Never shown."
    length = field.marker(Length)
    if length is not None and length.doubtful:
        if field.shape is Shape.JSON:
            yield f"Twilio publishes no limit; more than {length.doubtful} bytes is a warning."
        else:
            yield f"Twilio documents {length.doubtful} characters; more is a warning."


def _word_lists(kind: Kind) -> Iterator[str]:
    """Render the known words that do not fit into the table."""
    for field in kind.fields:
        vocabulary = field.marker(Vocabulary)
        if vocabulary is None or len(vocabulary.words) <= _MOST_WORDS_IN_TABLE:
            continue
        for of_type, words in (vocabulary.by_type or {"": vocabulary.words}).items():
            which = f"`{field.path}`" + (f" for type `{of_type}`" if of_type else "")
            listed = ", ".join(f"`{word}`" for word in words)
            yield f"Known values of {which} (others are a warning): {listed}."
            yield ""


# --- keys ------------------------------------------------------------------------------------------------------------


def top_keys_markdown(layout: Layout | None = None) -> str:
    """Render a table of the top-level keys, with the keys inside those that hold no resources.

    Args:
        layout: The kinds and their places; those of this release by default.
    """
    layout = layout or standard_layout()
    schema = config_schema(layout)
    own = {key: node for key, node in schema["properties"].items() if key not in layout.sections or key == "account"}
    rows = [*_key_rows(own, schema["$defs"], "", layout)]
    rows.append(("`x-…`", schema["patternProperties"]["^x-"]["description"], ""))
    return markdown_table(("key", "description", "example"), rows)


def common_keys_markdown(layout: Layout | None = None) -> str:
    """Render a table of the keys that every resource accepts besides its fields.

    Args:
        layout: The kinds and their places; those of this release by default.
    """
    layout = layout or standard_layout()
    schema = config_schema(layout)
    definitions = schema["$defs"]
    # A container has all of them.
    assert layout.templated is not None
    container = layout.templated.kind.name
    keys = ("sid", "absent", "renamed_from", "lifecycle", "sensitive", "sealed", "prune", "template")
    own = {key: definitions[container]["properties"][key] for key in keys}
    return markdown_table(("key", "description", "example"), _key_rows(own, definitions, "", layout))


def _key_rows(properties: Schema, definitions: Schema, prefix: str, layout: Layout) -> Iterator[tuple[str, ...]]:
    for key, node in properties.items():
        resolved = _resolved(node, definitions)
        if resolved is None:
            continue
        path = f"{prefix}{key}"
        examples = resolved.get("examples", ())
        sample = f"`{json.dumps(examples[0], ensure_ascii=False)}`" if examples else ""
        yield f"`{path}`", resolved["description"], sample
        inner, below = resolved.get("properties"), f"{path}."
        if inner is None and isinstance(members := resolved.get("additionalProperties"), dict):
            member = _resolved(members, definitions)
            inner, below = (member or {}).get("properties"), f"{path}.NAME."
        if inner is None and isinstance(items := resolved.get("items"), dict):
            item = _resolved(items, definitions)
            inner, below = (item or {}).get("properties"), f"{path}[]."
        if inner is not None:
            yield from _key_rows(inner, definitions, below, layout)


def _resolved(node: Schema, definitions: Schema) -> Schema | None:
    """Follow a reference; None where it leads to a resource, which has a section of its own."""
    if "$ref" not in node:
        return node
    name = node["$ref"].rsplit("/", 1)[-1]
    is_resource = name == "template" or "lifecycle" in definitions[name].get("properties", {})
    return None if is_resource else {**definitions[name], **{key: node[key] for key in node if key != "$ref"}}


# --- coverage --------------------------------------------------------------------------------------------------------

Paths: TypeAlias = Mapping[str, Collection[str]]
"""The paths of the API, as its description writes them, with the methods of each."""

_SERVICE = "/v1/Services/{ChatServiceSid}"
_METHODS = ("GET", "POST", "DELETE")


def coverage_markdown(paths: Paths, layout: Layout | None = None) -> str:
    """Render a table of every path of the API and how reconciler treats it.

    Args:
        paths: The paths of the API.
        layout: The kinds and their places; those of this release by default.
    """
    layout = layout or standard_layout()
    used = {path: use for item in layout.layouts.values() for path, use in _used(item.kind).items()}
    rows = []
    for path in sorted(paths):
        kind, sent = used.get(path, (None, ()))
        methods = [method for method in _METHODS if method in paths[path]]
        if kind is not None:
            coverage = f"managed: `{kind.name}`"
        elif (other := used.get(path.replace("/v1", _SERVICE, 1))) is not None:
            coverage = f"emulated; alias in the default service of `{other[0].name}`"
        else:
            coverage = "emulated"
        rows.append((f"`{path}`", ", ".join(methods), ", ".join(sent) or "–", coverage))
    return markdown_table(("path", "methods", "sent by reconciler", "coverage"), rows)


def _used(kind: Kind) -> Mapping[str, tuple[Kind, tuple[str, ...]]]:
    """Return the paths of a kind, as the API's description writes them, with the methods that are sent to each."""
    path = kind.path.replace("{service}", "{ChatServiceSid}").replace("{conversation}", "{ConversationSid}")
    if kind.singleton:
        return {path: (kind, ("GET", "POST"))}
    one = {"GET": kind.readable_by_name, "POST": kind.updatable, "DELETE": kind.deletable}
    return {
        path: (kind, ("GET", "POST")),
        f"{path}/{{Sid}}": (kind, tuple(method for method in _METHODS if one[method])),
    }
