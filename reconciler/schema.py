"""The kinds as JSON Schema and as reference tables: made here, committed, and compared by a test.

Takes the table of kinds and the models of plan and report; gives text: three JSON Schemas (draft 2020-12) and Markdown.
The schema of the files serves editors: it completes, explains and finds most mistakes while people type. What it cannot
say, such as whether a reference leads anywhere, `reconciler validate` says.

    python -m reconciler.schema --write      writes schemas/ and the tables in README.md

Which paths the API has, the kinds do not know: the table of coverage is made for whatever paths its caller names.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import BaseModel

from reconciler.config.layout import Group, Layout, Sections, standard_layout
from reconciler.config.layout import Shape as Layer
from reconciler.kinds.base import (
    Between,
    Choice,
    Example,
    Field,
    Kind,
    Length,
    Ref,
    Shape,
    Sid,
    Timer,
    Vocabulary,
)
from reconciler.plan_file import PlanFile
from reconciler.report_file import ReportFile

Schema: TypeAlias = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
README_START, README_END = "<!-- reference:start -->", "<!-- reference:end -->"
COVERAGE_START, COVERAGE_END = "<!-- coverage:start -->", "<!-- coverage:end -->"

_INTERPOLATED: Schema = {"$ref": "#/$defs/interpolated"}
# YAML guesses types, and the tool does not: +14155550100 is text here, whatever a YAML parser makes of it.
_SCALAR = ["string", "number", "boolean"]
_DURATION = r"^[Pp](?=[0-9Tt])(?:[0-9]+[YyMmWwDd])*(?:[Tt](?:[0-9]+(?:\.0+)?[HhMmSs])+)?$"


# --- the files -------------------------------------------------------------------------------------------------------


def config_schema(layout: Layout | None = None) -> Schema:
    """The JSON Schema of the files that people write; one schema for root files, included files and overlays.

    Args:
        layout: which kinds there are; those of this release when left out.
    """
    layout = layout or standard_layout()
    known = {
        "version": {"const": 1, "description": "The version of this format. The root file must say it."},
        "include": _texts("Files to read too, relative to this one; wildcards are allowed.", ["services/*.yaml"]),
        "account": _account(layout),
        "templates": _mapping(
            {"$ref": "#/$defs/template"}, "What services share; merged under a service that says `template: NAME`."
        ),
        "variables": _variables("Values for `${var:NAME}`."),
        "environments": _mapping({"$ref": "#/$defs/environment"}, "What differs by `--env NAME`."),
        "prune": _prune(layout.prunable, "Delete what is live and not in the files, in these collections."),
        "limits": {"$ref": "#/$defs/limits"},
        "approvals": {
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/approval"},
            "description": "Consent to deletes that destroy history, reviewed with the files.",
        },
        "unmanaged": _closed(
            {"ignore": _texts("Addresses, as globs, that are not worth reporting.", ["services.support.roles*"])},
            "What is live and not in the files.",
        ),
    }
    for key, section in layout.sections.items():
        if isinstance(section, Kind):
            known[key] = _section(section)
    return {
        "$schema": DRAFT,
        "title": "reconciler configuration",
        "description": "Files that say what a Twilio Conversations account should hold.",
        "type": "object",
        "properties": {key: known[key] for key in layout.top_keys},
        "patternProperties": {"^x-": {"description": "Ignored; a place for YAML anchors."}},
        "additionalProperties": False,
        "$defs": _definitions(layout),
    }


def _definitions(layout: Layout) -> Schema:
    template = layout.shapes["service"]
    without = {"sid", "template", "absent", "renamed_from"}
    return {
        "interpolated": {
            "type": "string",
            "pattern": r"\$\{(?:env|var|file|secret):[^}]+\}",
            "description": "A value made of `${env:NAME}`, `${var:NAME}`, `${file:PATH}` or `${secret:NAME}`.",
        },
        "environment": _closed(
            {
                "account_sid": _sid_schema("AC", "The only account that may be acted on."),
                "variables": _variables("Values for `${var:NAME}` in this environment."),
                "overlays": _texts("Files whose values come last and win.", ["prod.yaml"]),
            },
            "One environment.",
        ),
        "limits": _closed(
            {
                "deletes": _limit("The most deletes in one apply, replaces counted; 10 when left out.", 5),
                "updates": _limit("The most updates in one apply; no limit when left out.", 200),
                "creates": _limit("The most creates in one apply; no limit when left out.", 100),
            },
            "How much one apply may do.",
        ),
        "approval": {
            **_closed(
                {
                    "address": {
                        "type": "string",
                        "description": "The resource, as the plan names it.",
                        "examples": ['services["IS0123456789abcdef0123456789abcdef"]'],
                    },
                    "action": {"enum": ["delete", "replace"], "description": "What is consented to."},
                },
                "Consent to one destructive change.",
            ),
            "type": "object",
            "required": ["address"],
        },
        "globs": {
            "anyOf": [
                {"type": _SCALAR},
                {"type": "array", "items": {"type": _SCALAR}, "minItems": 1},
            ],
            "description": "One glob or several.",
        },
        **{shape.kind.name: _resource(shape) for shape in layout.shapes.values()},
        "template": {
            **_resource(template, without=without),
            "description": "What services share.",
        },
    }


def _account(layout: Layout) -> Schema:
    properties: Schema = {"sid": _sid_schema("AC", "The only account that may be acted on.")}
    sections = layout.sections.get("account", {})
    assert isinstance(sections, dict)
    return _closed(properties | _sections(sections), "The account itself: which one it is, and its settings.")


def _sections(sections: Sections) -> Schema:
    return {
        key: _section(inner) if isinstance(inner, Kind) else _closed(_sections(inner), "")
        for key, inner in sections.items()
    }


def _section(kind: Kind) -> Schema:
    """What stands under a section's key: the one resource, or resources by their handles."""
    return (
        {"$ref": f"#/$defs/{kind.name}"} if kind.singleton else _mapping({"$ref": f"#/$defs/{kind.name}"}, kind.summary)
    )


def _resource(layer: Layer, without: Iterable[str] = ()) -> Schema:
    kind = layer.kind
    described = {block.path: block.description for block in kind.blocks}
    properties = _group(layer.group, described, "")
    properties |= _sections(layer.sections)
    if layer.prunable:
        properties["prune"] = _prune(layer.prunable, "Delete what is live in these collections and not in the files.")
    if "template" in layer.keys:
        properties["template"] = {"type": "string", "description": "The template that lies below this one."}
    properties |= _common(layer)
    return _closed(
        {key: value for key, value in properties.items() if key not in set(without)}, f"{kind.summary} {kind.docs}"
    )


def _group(group: Group, described: Mapping[str, str], prefix: str) -> Schema:
    properties = {key: _field(entry) for key, entry in group.fields.items()}
    for key, block in group.blocks.items():
        path = f"{prefix}{key}"
        properties[key] = _closed(_group(block, described, f"{path}."), described.get(path, ""))
    return properties


def _common(layer: Layer) -> Schema:
    """What every resource may say; of singletons only what makes sense for what always exists."""
    kind = layer.kind
    paths = {"type": ["array", "null"], "items": {"enum": sorted(layer.by_path)}}
    ignore = {**paths, "description": "Fields whose differences do not count; a create still sends them."}
    flag = {"anyOf": [{"type": "boolean"}, _INTERPOLATED]}
    lifecycle = {
        "prevent_destroy": {**flag, "description": "Never delete or replace it."},
        "prevent_create": {**flag, "description": "Never create it."},
        "ignore_changes": ignore,
    }
    sensitive = {**paths, "description": "Fields that are never shown."}
    if kind.singleton:
        return {
            "lifecycle": _closed({"ignore_changes": ignore}, "What is left alone."),
            "sensitive": sensitive,
        }
    pin = _sid_schema(
        kind.sid_prefix, "Recognises the live resource whatever its name; its name is then managed only if written."
    )
    if kind.name == "service":
        pin = {**pin, "anyOf": [{"const": "default"}, *pin["anyOf"]]}
        pin["description"] += " `default`: the account's default service."
    return {
        "sid": pin,
        "absent": {**flag, "description": "Make sure that it does not exist."},
        "renamed_from": {"type": _SCALAR, "description": "Its former natural key."},
        "lifecycle": _closed(lifecycle, "What may not happen to it, and what is left alone."),
        "sensitive": sensitive,
    }


# --- fields ----------------------------------------------------------------------------------------------------------


def _field(entry: Field) -> Schema:
    """The schema of a field: what it takes, null only where that clears it, and interpolation."""
    choices = _shape(entry)
    if entry.shape not in {Shape.SET, Shape.JSON}:
        choices.append(_INTERPOLATED)
    clears = not entry.why_not_clearable()
    if clears:
        choices.append({"type": "null", "description": f"Clears it: {_cleared(entry)}."})
    example = entry.marker(Example)
    schema: Schema = {"description": entry.description}
    schema |= {"anyOf": choices} if len(choices) > 1 else choices[0]
    if example is not None:
        schema["examples"] = [example.value]
    if entry.secret or entry.write_only:
        schema["description"] += " Write `${secret:NAME}` or `${file:PATH}`."
    return schema


def _shape(entry: Field) -> list[Schema]:
    match entry.shape:
        case Shape.BOOL:
            return [
                {"type": "boolean"},
                {"type": "string", "pattern": _any_case("true", "false", "yes", "no", "on", "off")},
            ]
        case Shape.INT:
            limits = entry.marker(Between)
            bounds = {} if limits is None else {"minimum": limits.least, "maximum": limits.most}
            return [{"type": "integer", **bounds}, {"type": "string", "pattern": "^[-+]?[0-9]+$"}]
        case Shape.ENUM:
            choice = entry.marker(Choice)
            assert choice is not None
            known: Schema = {"enum": list(choice.words)}
            other = (
                {"type": "string"}
                if choice.extended_by_twilio
                else {"type": "string", "pattern": _any_case(*choice.words)}
            )
            return [known, other]
        case Shape.SET:
            return [_set(entry)]
        case Shape.TIMER:
            return [{"type": "string", "pattern": _DURATION}]
        case Shape.SID:
            marker = entry.marker(Sid)
            assert marker is not None
            return [{"type": "string", "pattern": _sid_pattern(marker.prefix)}]
        case Shape.URL:
            # No text clears, as null does.
            return [
                {
                    "type": "string",
                    "pattern": r"^https?://\S+$" if entry.why_not_clearable() else r"^(?:https?://\S+)?$",
                }
            ]
        case Shape.JSON:
            return [{"type": ["object", "string"]}]
        case _:
            length = entry.marker(Length)
            return [{"type": _SCALAR, **({} if length is None else {"maxLength": length.most})}]


def _set(entry: Field) -> Schema:
    vocabulary = entry.marker(Vocabulary)
    known = [] if vocabulary is None else [{"enum": list(vocabulary.words)}]
    least = {} if not entry.why_not_clearable() else {"minItems": 1}
    return {"type": "array", "items": {"anyOf": [*known, {"type": "string"}]}, **least}


def _any_case(*words: str) -> str:
    """A pattern for words whatever their case; JSON Schema's patterns have no flag for it."""
    spelled = ("".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in word) for word in words)
    return f"^(?:{'|'.join(spelled)})$"


def _sid_pattern(prefix: str) -> str:
    return f"^{prefix}[0-9a-fA-F]{{32}}$"


def _sid_schema(prefix: str, description: str) -> Schema:
    return {"anyOf": [{"type": "string", "pattern": _sid_pattern(prefix)}, _INTERPOLATED], "description": description}


# --- mappings --------------------------------------------------------------------------------------------------------


def _closed(properties: Schema, description: str) -> Schema:
    """A mapping with these keys and no others; null is an empty mapping."""
    described = {"description": description} if description else {}
    return {**described, "type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _mapping(inner: Schema, description: str) -> Schema:
    return {"description": description, "type": ["object", "null"], "additionalProperties": inner}


def _variables(description: str) -> Schema:
    return _mapping({"type": [*_SCALAR, "null"]}, description)


def _texts(description: str, example: list[str]) -> Schema:
    return {
        "description": description,
        "type": ["array", "null"],
        "items": {"type": "string"},
        "examples": [example],
    }


def _limit(description: str, example: int) -> Schema:
    return {
        "anyOf": [{"type": "integer", "minimum": 0}, _INTERPOLATED],
        "description": description,
        "examples": [example],
    }


def _prune(prunable: Mapping[str, Kind], description: str) -> Schema:
    rules = _closed(
        {"match": {"$ref": "#/$defs/globs"}, "except": {"$ref": "#/$defs/globs"}},
        "Globs on the natural key: which to prune, and which of those to keep.",
    )
    return {
        "description": description,
        "anyOf": [
            {"type": "array", "items": {"enum": list(prunable)}},
            _closed(dict.fromkeys(prunable, rules), "By collection."),
            {"type": "null"},
        ],
        "examples": [list(prunable)[:1]],
    }


# --- plans and reports -----------------------------------------------------------------------------------------------


def _model_schema(model: type[BaseModel], title: str) -> Schema:
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": DRAFT, **schema, "title": title}


def plan_schema() -> Schema:
    """The JSON Schema of plan files."""
    return _model_schema(PlanFile, "reconciler plan")


def report_schema() -> Schema:
    """The JSON Schema of what an apply reports."""
    return _model_schema(ReportFile, "reconciler report")


SCHEMAS: Mapping[str, Callable[[], Schema]] = {"config": config_schema, "plan": plan_schema, "report": report_schema}


def schema_text(name: str) -> str:
    """One of `SCHEMAS` as the text that is committed and printed."""
    return json.dumps(SCHEMAS[name](), indent=2, ensure_ascii=False) + "\n"


# --- the reference ---------------------------------------------------------------------------------------------------

_LIST_IN_PLACE = 6
"""A longer list of known words stands below the table."""


def reference_markdown(layout: Layout | None = None) -> str:
    """The reference of every kind in Markdown, as the README has it; ends in a newline.

    Args:
        layout: which kinds there are; those of this release when left out.
    """
    layout = layout or standard_layout()
    return "\n".join(_kind_markdown(shape.kind, layout) for shape in layout.shapes.values())


def _kind_markdown(kind: Kind, layout: Layout) -> str:
    facts = []
    if kind.natural_key:
        facts.append(f"Recognised by `{kind.natural_key}`, which is the handle when it is left out.")
    if kind.singleton:
        facts.append("Always exists, so it is only ever updated.")
    elif kind.irreplaceable:
        facts.append(f"Never replaced: {kind.irreplaceable}.")
    if kind.destroys:
        facts.append(f"Deleting one destroys {kind.destroys}, and needs approval.")
    lines = [
        f"### `{kind.name}`",
        "",
        " ".join([kind.summary, *facts, f"[Twilio's documentation]({kind.docs})"]),
        "",
        f"In the files: `{_where(kind, layout)}`",
        "",
        "| field | value | `null` | notes |",
        "|---|---|---|---|",
        *(_row(entry, kind, layout) for entry in kind.fields),
        "",
    ]
    for entry in kind.fields:
        lines += _words_below(entry)
    return "\n".join(lines)


def _where(kind: Kind, layout: Layout) -> str:
    parent = "" if kind.parent is None else _where(layout.kinds[kind.parent], layout) + "."
    return parent + ".".join(kind.section) + ("" if kind.singleton else ".HANDLE")


def _row(entry: Field, kind: Kind, layout: Layout) -> str:
    why_not = entry.why_not_clearable()
    null = f"error: {why_not}" if why_not else f"clears: {_cleared(entry)}"
    cells = [f"`{entry.path}`", _value(entry, layout), null, " ".join(_notes(entry, kind))]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _cleared(entry: Field) -> str:
    """What null makes of a field."""
    return {Shape.BOOL: "false", Shape.SET: "an empty list", Shape.JSON: "`{}`"}.get(entry.shape, 'no text ("")')


def _value(entry: Field, layout: Layout) -> str:
    match entry.shape:
        case Shape.BOOL:
            return "true or false"
        case Shape.INT:
            limits = entry.marker(Between)
            return "whole number" + ("" if limits is None else f", {limits.least} to {limits.most}")
        case Shape.ENUM:
            choice = entry.marker(Choice)
            assert choice is not None
            words = ", ".join(f"`{word}`" for word in choice.words)
            return f"one of {words}{', or what Twilio has added since' if choice.extended_by_twilio else ''}"
        case Shape.SET:
            vocabulary = entry.marker(Vocabulary)
            if vocabulary is None or len(vocabulary.words) > _LIST_IN_PLACE:
                return "set of words"
            return "set of " + ", ".join(f"`{word}`" for word in vocabulary.words)
        case Shape.TIMER:
            timer = entry.marker(Timer)
            return "ISO 8601 duration" + ("" if timer is None else f", {timer.written} or more")
        case Shape.SID:
            marker = entry.marker(Sid)
            return "SID" + ("" if marker is None else f", {marker.prefix}…")
        case Shape.REF:
            ref = entry.marker(Ref)
            assert ref is not None
            where = " of the same service" if ref.scope == "service" else ""
            of_type = f" of type `{ref.of_type}`" if ref.of_type else ""
            built_in = ", the name of one that Twilio makes," if layout.kinds[ref.kind].built_in else ""
            return f"a {ref.kind}{of_type}{where}: handle{built_in} or SID"
        case Shape.URL:
            return "URL, http or https"
        case Shape.JSON:
            return "JSON, as a mapping"
        case _:
            length = entry.marker(Length)
            return "text" + ("" if length is None else f", {length.most} characters at most")


def _notes(entry: Field, kind: Kind) -> list[str]:
    notes = [entry.description]
    if entry.required and not entry.natural_key:
        notes.append("A create needs it.")
    if entry.immutable:
        notes.append("Immutable." if kind.irreplaceable else "Immutable: a change replaces the resource.")
    if entry.write_only:
        notes.append("Never returned by the API, so never compared.")
    if entry.secret:
        notes.append("Never shown.")
    length = entry.marker(Length)
    if length is not None and length.doubtful:
        notes.append(f"Twilio documents {length.doubtful} characters; more is a warning.")
    return notes


def _words_below(entry: Field) -> list[str]:
    vocabulary = entry.marker(Vocabulary)
    if vocabulary is None or len(vocabulary.words) <= _LIST_IN_PLACE:
        return []
    named = vocabulary.by_type or {"": vocabulary.words}
    lines = []
    for of_type, words in named.items():
        which = f"`{entry.path}`" + (f" for type `{of_type}`" if of_type else "")
        lines += [f"Known words of {which} (another one is a warning): {', '.join(f'`{word}`' for word in words)}.", ""]
    return lines


# --- the coverage ----------------------------------------------------------------------------------------------------

Paths: TypeAlias = Mapping[str, Collection[str]]
"""The paths of the API as its description writes them, with the methods of each."""

_SERVICE = "/v1/Services/{ChatServiceSid}"
_METHODS = ("GET", "POST", "DELETE")


def coverage_markdown(paths: Paths, layout: Layout | None = None) -> str:
    """What becomes of every path of the API, as a table in Markdown; ends in a newline.

    Args:
        paths: the paths that the API has.
        layout: which kinds there are; those of this release when left out.
    """
    layout = layout or standard_layout()
    used = {path: told for shape in layout.shapes.values() for path, told in _used(shape.kind).items()}
    lines = ["| path | methods | sent by reconciler | coverage |", "|---|---|---|---|"]
    for path in sorted(paths):
        kind, sent = used.get(path, (None, ()))
        methods = [method for method in _METHODS if method in paths[path]]
        if kind is not None:
            how = f"managed: `{kind.name}`"
        elif (other := used.get(path.replace("/v1", _SERVICE, 1))) is not None:
            how = f"emulated; the same in the default service, managed there: `{other[0].name}`"
        else:
            how = "emulated"
        lines.append(f"| `{path}` | {', '.join(methods)} | {', '.join(sent) or '–'} | {how} |")
    return "\n".join(lines) + "\n"


def _used(kind: Kind) -> Mapping[str, tuple[Kind, tuple[str, ...]]]:
    """The paths of a kind as the API's description writes them, with what is sent to each."""
    path = kind.path.replace("{service}", "{ChatServiceSid}").replace("{conversation}", "{ConversationSid}")
    if kind.singleton:
        return {path: (kind, ("GET", "POST"))}
    one = {"GET": kind.readable_by_name, "POST": kind.updatable, "DELETE": kind.deletable}
    return {
        path: (kind, ("GET", "POST")),
        f"{path}/{{Sid}}": (kind, tuple(method for method in _METHODS if one[method])),
    }


# --- the README ------------------------------------------------------------------------------------------------------


def with_reference(readme: str) -> str:
    """A README with the reference between its markers brought up to date; unchanged when it has no markers."""
    return _between(readme, README_START, README_END, reference_markdown())


def with_coverage(readme: str, paths: Paths) -> str:
    """A README with the coverage between its markers brought up to date; unchanged when it has no markers."""
    return _between(readme, COVERAGE_START, COVERAGE_END, "\n" + coverage_markdown(paths) + "\n")


def _between(text: str, start: str, end: str, inner: str) -> str:
    before, found_start, rest = text.partition(start)
    _, found_end, after = rest.partition(end)
    return f"{before}{start}\n{inner}{end}{after}" if found_start and found_end else text


def _write(root: Path) -> None:
    for name in SCHEMAS:
        (root / "schemas" / f"{name}.schema.json").write_text(schema_text(name), encoding="utf-8")
    # Read as the data that it is: the emulator, whose it is, and this know nothing of each other.
    contract = (root / "reconciler" / "emulator" / "contract.json").read_text(encoding="utf-8")
    readme = root / "README.md"
    text = with_coverage(with_reference(readme.read_text(encoding="utf-8")), json.loads(contract)["paths"])
    readme.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit("usage: python -m reconciler.schema --write")
    _write(Path(__file__).resolve().parents[1])
