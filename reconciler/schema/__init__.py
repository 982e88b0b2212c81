"""The kinds as JSON Schema and as reference tables: made here, committed, and compared by a test.

Takes the table of kinds and the models of plan and report; gives text: JSON Schemas (draft 2020-12) and Markdown.
The schemas of the files serve editors: they complete, explain and find most mistakes while people type, and never find
one in a file that `reconciler validate` takes. What they cannot say, such as whether a reference leads anywhere, it
says. One schema is for root files and what they include, so `version` is not required there; the other is for overlays,
where any value may be `!unset` as well. Both use what yaml-language-server adds to JSON Schema: `defaultSnippets` for
what is written again and again, `patternErrorMessage` for what a pattern cannot say in words.

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

from reconciler.config.layout import Group, Layout, Sections, standard_layout, what_begins_with
from reconciler.config.layout import Shape as Layer
from reconciler.documents.comparison import ComparisonFile
from reconciler.documents.drift import DriftFile
from reconciler.documents.plan import PlanFile
from reconciler.documents.problems import ErrorFile, ValidationFile
from reconciler.documents.report import ReportFile
from reconciler.documents.sids import SidsFile
from reconciler.kinds.base import Kind
from reconciler.kinds.fields import Field, Shape
from reconciler.kinds.markers import Between, Choice, Example, Length, Ref, Sid, Timer, Vocabulary

Schema: TypeAlias = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"
README_START, README_END = "<!-- reference:start -->", "<!-- reference:end -->"
COVERAGE_START, COVERAGE_END = "<!-- coverage:start -->", "<!-- coverage:end -->"

_INTERPOLATED: Schema = {"$ref": "#/$defs/interpolated"}
# YAML guesses types, and the tool does not: +14155550100 is text here, whatever a YAML parser makes of it.
_SCALAR = ["string", "number", "boolean"]
_DURATION = r"^\s*[Pp](?=[0-9Tt])(?:[0-9]+[YyMmWwDd])*(?:[Tt](?:[0-9]+(?:\.0+)?[HhMmSs])+)?\s*$"
_HTTP = r"[Hh][Tt][Tt][Pp][Ss]?://\S+"
_ACCOUNT = "AC0123456789abcdef0123456789abcdef"


# --- the files -------------------------------------------------------------------------------------------------------


def config_schema(layout: Layout | None = None) -> Schema:
    """The JSON Schema of the files that people write: of the root file and of what it includes.

    Args:
        layout: which kinds there are; those of this release when left out.
    """
    layout = layout or standard_layout()
    known = {
        "version": {
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 1,
            "pattern": "^1$",
            "description": "The version of this format. The root file must say it.",
            "examples": [1],
        },
        "include": _texts("Files to read too, relative to this one; wildcards are allowed.", ["services/*.yaml"]),
        "account": _account(layout),
        "templates": {
            **_mapping(
                {"$ref": "#/$defs/template"}, "What services share; merged under a service that says `template: NAME`."
            ),
            "defaultSnippets": [
                _snippet("template", "What services share", {"${1:standard}": {"notifications": {"log_enabled": True}}})
            ],
        },
        "variables": _variables("Values for `${var:NAME}`."),
        "environments": {
            **_mapping({"$ref": "#/$defs/environment"}, "What differs by `--env NAME`."),
            "defaultSnippets": [
                _snippet(
                    "environment",
                    "An account, and what differs in it",
                    {"${1:staging}": {"account_sid": f"${{2:{_ACCOUNT}}}", "variables": {"${3:host}": "${4:value}"}}},
                )
            ],
        },
        "prune": _prune(layout.prunable, "Delete what is live and not in the files, in these collections."),
        "limits": {"$ref": "#/$defs/limits"},
        "approvals": {
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/approval"},
            "description": "Approvals of deletes and replaces that destroy history, reviewed with the files.",
            "examples": [[{"address": "services.support", "action": "delete"}]],
        },
        "acknowledge": {
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/acknowledgement"},
            "description": "Warnings that are known: they are counted, not shown, and no errors with --strict.",
            "examples": [[{"code": "stale-renamed-from", "address": "services.support.roles.agent"}]],
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
        "description": "What a Twilio Conversations account should hold.",
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
            # A title and no description: editors would show that in the place of the field's own.
            "title": "interpolated",
            "$comment": "A value made of `${env:NAME}`, `${var:NAME}`, `${file:PATH}` or `${secret:NAME}`.",
            "examples": ["${var:NAME}"],
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
        "acknowledgement": {
            **_closed(
                {
                    "code": {
                        "type": "string",
                        "minLength": 1,
                        "description": "The code of the warning, as --format json shows it.",
                        "examples": ["stale-renamed-from"],
                    },
                    "address": {
                        "type": "string",
                        "minLength": 1,
                        "description": "The resource that the warning is about; any when left out.",
                        "examples": ["services.support.roles.agent"],
                    },
                },
                "A warning that is known.",
            ),
            "required": ["code"],
        },
        "approval": {
            **_closed(
                {
                    "address": {
                        "type": "string",
                        "minLength": 1,
                        "description": "The resource, as the plan names it.",
                        "examples": ['services["IS0123456789abcdef0123456789abcdef"]'],
                    },
                    "action": {
                        "anyOf": [{"enum": ["delete", "replace"]}, _INTERPOLATED],
                        "description": "The only action that is approved; a delete when left out.",
                        "examples": ["delete"],
                    },
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
            "description": "One glob or several: `*` is any text, `?` one character; a backslash escapes them.",
            "examples": ["+1415*"],
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
        key: _section(inner) if isinstance(inner, Kind) else _closed(_sections(inner), f"The {key}.")
        for key, inner in sections.items()
    }


def _section(kind: Kind) -> Schema:
    """What stands under a section's key: the one resource, or resources by their handles."""
    reference = {"$ref": f"#/$defs/{kind.name}"}
    if kind.singleton:
        return reference
    return {
        **_mapping(reference, f"{kind.summary} By handle, the name that the files use for it."),
        "defaultSnippets": [_new(kind)],
    }


def _new(kind: Kind) -> Schema:
    """What editors put where a new resource shall stand: its typical fields, each with an example to write over."""
    body: Schema = {}
    number = 1
    for path in kind.typical:
        *blocks, name = path.split(".")
        inner = body
        for block in blocks:
            inner = inner.setdefault(block, {})
        entry = kind.by_path[path]
        words, example = _words_of(entry), _example(entry)
        if entry.shape is Shape.BOOL:
            inner[name] = example
            continue
        number += 1
        if entry.shape is Shape.SET:
            inner[name] = [f"${{{number}:{example[0]}}}"]
        elif words:
            inner[name] = f"${{{number}|{','.join(sorted(words, key=lambda word: word != example))}|}}"
        else:
            inner[name] = f"${{{number}:{_in_snippet(example)}}}"
    noun = kind.name.removesuffix("_configuration").replace("_", " ")
    key = _example(kind.by_path[kind.natural_key]) if kind.natural_key else noun.split(" ")[-1]
    handle = key if kind.natural_key in {"identity", "address", "unique_name"} else key.lower().replace(" ", "-")
    return _snippet(noun, kind.summary, {f"${{1:{handle}}}": body})


def _words_of(entry: Field) -> tuple[str, ...]:
    choice = entry.marker(Choice)
    return () if choice is None else choice.words


def _in_snippet(text: str) -> str:
    """Text inside of a place holder: what would begin or end one is itself."""
    return text.replace("$", "\\$").replace("}", "\\}")


def _snippet(label: str, description: str, body: Schema) -> Schema:
    return {"label": f"new {label}", "description": description, "body": body}


def _resource(layer: Layer, without: Iterable[str] = ()) -> Schema:
    kind = layer.kind
    described = {block.path: block.description for block in kind.blocks}
    properties = _group(layer.group, described, "")
    properties |= _sections(layer.sections)
    if layer.prunable:
        properties["prune"] = _prune(layer.prunable, "Delete what is live in these collections and not in the files.")
    if "template" in layer.keys:
        properties["template"] = {
            "type": [*_SCALAR, "null"],
            "minLength": 1,
            "description": "The template that lies below this one.",
            "examples": ["standard"],
        }
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
    known = sorted(layer.by_path)
    paths = {
        "type": ["array", "null"],
        "items": {"anyOf": [{"enum": known}, _INTERPOLATED]},
        "examples": [[kind.fields[0].path]],
    }
    ignore = {**paths, "description": "Fields whose differences do not count; a create still sends them."}
    flag = {"anyOf": [*_BOOLEAN, _INTERPOLATED], "examples": [True]}
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
        "renamed_from": {
            "type": _SCALAR,
            "minLength": 1,
            "description": "Its former natural key.",
            "examples": [_example(kind.by_path[kind.natural_key]) if kind.natural_key else "former-name"],
        },
        "lifecycle": _closed(lifecycle, "What may not happen to it, and what is left alone."),
        "sensitive": sensitive,
    }


# --- fields ----------------------------------------------------------------------------------------------------------


def _field(entry: Field) -> Schema:
    """The schema of a field: what it takes, null only where that clears it, and interpolation."""
    choices = _shape(entry)
    clears = not entry.why_not_clearable()
    if entry.shape in {Shape.SET, Shape.JSON}:
        types = choices[0]["type"] if isinstance(choices[0]["type"], list) else [choices[0]["type"]]
        choices[0] |= {"type": [*types, "null"]} if clears else {}
    else:
        choices += [_INTERPOLATED, *([{"type": "null"}] if clears else [])]
    schema: Schema = {"description": entry.description + (f" `null` clears it: {_cleared(entry)}." if clears else "")}
    schema |= {"anyOf": choices} if len(choices) > 1 else choices[0]
    schema["examples"] = [_example(entry)]
    if entry.secret or entry.write_only:
        schema["description"] += " Write `${secret:NAME}` or `${file:PATH}`."
    return schema


def _example(entry: Field) -> Any:
    example = entry.marker(Example)
    if example is not None:
        return example.value
    assert entry.shape is Shape.BOOL, f"{entry.path} needs an example"
    return True


def _shape(entry: Field) -> list[Schema]:
    match entry.shape:
        case Shape.BOOL:
            return [*_BOOLEAN]
        case Shape.INT:
            limits = entry.marker(Between)
            bounds = {} if limits is None else {"minimum": limits.least, "maximum": limits.most}
            return [{"type": "integer", **bounds}, {"type": "string", "pattern": "^[-+]?[0-9]+$"}]
        case Shape.ENUM:
            choice = entry.marker(Choice)
            assert choice is not None
            known: Schema = {"enum": list(choice.words)}
            if choice.extended_by_twilio:
                return [known, {"type": _SCALAR, "minLength": 1}]
            return [known, {"type": "string", "pattern": _any_case(*choice.words)}]
        case Shape.SET:
            return [_set(entry)]
        case Shape.TIMER:
            message = "An ISO 8601 duration, for instance PT15M, PT1H or P30D."
            return [{"type": "string", "pattern": _DURATION, "patternErrorMessage": message}]
        case Shape.SID:
            marker = entry.marker(Sid)
            assert marker is not None
            return [_sid(marker.prefix)]
        case Shape.URL:
            # No text clears, as null does.
            pattern = rf"^{_HTTP}$" if entry.why_not_clearable() else rf"^(?:{_HTTP})?$"
            message = "An absolute URL, for instance https://hooks.example.com/path."
            return [{"type": "string", "pattern": pattern, "patternErrorMessage": message}]
        case Shape.JSON:
            return [{"type": ["object", "string"]}]
        case _:
            length = entry.marker(Length)
            text: Schema = {"type": _SCALAR} | ({} if length is None else {"maxLength": length.most})
            return [text | ({"minLength": 1} if entry.why_not_clearable() else {})]


def _set(entry: Field) -> Schema:
    vocabulary = entry.marker(Vocabulary)
    known = [] if vocabulary is None else [{"enum": list(vocabulary.words)}]
    least = {} if not entry.why_not_clearable() else {"minItems": 1}
    return {"type": "array", "items": {"anyOf": [*known, {"type": _SCALAR, "minLength": 1}]}, **least}


def _any_case(*words: str) -> str:
    """A pattern for words whatever their case; JSON Schema's patterns have no flag for it."""
    spelled = ("".join(f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in word) for word in words)
    return f"^(?:{'|'.join(spelled)})$"


# YAML 1.2, which editors read, knows only true and false; the tool takes the other words for a boolean field as well.
_BOOLEAN: list[Schema] = [
    {"type": "boolean"},
    {"type": "string", "pattern": _any_case("true", "false", "yes", "no", "on", "off")},
]


def _sid(prefix: str) -> Schema:
    return {
        "type": "string",
        "pattern": f"^{prefix}[0-9a-fA-F]{{32}}$",
        "patternErrorMessage": f"The SID of {what_begins_with(prefix)}: {prefix} and 32 hexadecimal digits.",
    }


def _sid_schema(prefix: str, description: str) -> Schema:
    return {
        "anyOf": [_sid(prefix), _INTERPOLATED],
        "description": description,
        "examples": [f"{prefix}0123456789abcdef0123456789abcdef"],
    }


# --- mappings --------------------------------------------------------------------------------------------------------


def _closed(properties: Schema, description: str) -> Schema:
    """A mapping with these keys and no others; null is an empty mapping."""
    described = {"description": description} if description else {}
    return {**described, "type": ["object", "null"], "properties": properties, "additionalProperties": False}


def _mapping(inner: Schema, description: str) -> Schema:
    return {"description": description, "type": ["object", "null"], "additionalProperties": inner}


def _variables(description: str) -> Schema:
    return {**_mapping({"type": [*_SCALAR, "null"]}, description), "examples": [{"host": "hooks.example.com"}]}


def _texts(description: str, example: list[str]) -> Schema:
    return {
        "description": description,
        "type": ["array", "null"],
        "items": {"type": _SCALAR},
        "examples": [example],
    }


def _limit(description: str, example: int) -> Schema:
    return {
        "anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": "^[0-9]{1,10}$"}, _INTERPOLATED],
        "description": description,
        "examples": [example],
    }


def _prune(prunable: Mapping[str, Kind], description: str) -> Schema:
    globs = {"$ref": "#/$defs/globs"}
    rules = _closed(
        {
            "match": {
                **globs,
                "description": "Only those whose natural key one of these globs fits; all when left out.",
            },
            "except": {**globs, "description": "Not those whose natural key one of these globs fits."},
        },
        "Globs on the natural key: which to prune, and which of those to keep.",
    )
    return {
        "description": description,
        "anyOf": [
            {"type": "array", "items": {"enum": list(prunable)}},
            _closed(dict.fromkeys(prunable, rules), "By collection, with globs."),
            {"type": "null"},
        ],
        "examples": [list(prunable)[:1]],
    }


# --- overlays --------------------------------------------------------------------------------------------------------

_UNSET: Schema = {"type": "string", "maxLength": 0}
"""How editors read ``!unset``: as a scalar without a text. No description, since editors would show it everywhere."""


def overlay_schema(layout: Layout | None = None) -> Schema:
    """The JSON Schema of overlays: of files that may override, and may take out any value and any resource.

    Args:
        layout: which kinds there are; those of this release when left out.
    """
    schema = config_schema(layout)
    properties = {key: value for key, value in schema["properties"].items() if key != "environments"}
    schema |= {
        "title": "reconciler overlay",
        "description": "What is different from the files below, in one environment.",
        "properties": properties,
    }
    unsettable: Schema = _unsettable(schema)
    return unsettable


def _unsettable(schema: Any) -> Any:
    """A schema in which everything that stands under a key may be unset."""
    match schema:
        case list():
            return [_unsettable(item) for item in schema]
        case dict():
            found = {
                key: value if key in {"examples", "defaultSnippets", "enum"} else _unsettable(value)
                for key, value in schema.items()
            }
            if isinstance(properties := found.get("properties"), dict):
                found["properties"] = {key: _or_unset(value) for key, value in properties.items()}
            if isinstance(inner := found.get("additionalProperties"), dict):
                found["additionalProperties"] = _or_unset(inner)
            if isinstance(definitions := found.get("$defs"), dict):
                found["$defs"] = {
                    name: inner if name in {"interpolated", "approval"} else _or_unset(inner)
                    for name, inner in definitions.items()
                }
            return found
        case _:
            return schema


def _or_unset(schema: Schema) -> Schema:
    """The same schema, or unset. A choice of schemas only where it has to be: editors tell most about a single one."""
    if "$ref" in schema:
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], _UNSET]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "string" not in types:
        return {**schema, "type": [*types, "string"], "maxLength": 0}
    outside = ("description", "examples")
    told = {key: schema[key] for key in outside if key in schema}
    return {**told, "anyOf": [{key: value for key, value in schema.items() if key not in outside}, _UNSET]}


# --- documents -----------------------------------------------------------------------------------------------


def _model_schema(model: type[BaseModel], title: str) -> Schema:
    schema = model.model_json_schema(by_alias=True, mode="serialization")
    return {"$schema": DRAFT, **schema, "title": title}


def plan_schema() -> Schema:
    """The JSON Schema of plan files."""
    return _model_schema(PlanFile, "reconciler plan")


def report_schema() -> Schema:
    """The JSON Schema of what an apply reports."""
    return _model_schema(ReportFile, "reconciler report")


def drift_schema() -> Schema:
    """The JSON Schema of drifts."""
    return _model_schema(DriftFile, "reconciler drift")


def diff_schema() -> Schema:
    """The JSON Schema of comparisons of two configurations."""
    return _model_schema(ComparisonFile, "reconciler diff")


def sids_schema() -> Schema:
    """The JSON Schema of what `sids` prints."""
    return _model_schema(SidsFile, "reconciler sids")


def validation_schema() -> Schema:
    """The JSON Schema of what `validate` says of valid files."""
    return _model_schema(ValidationFile, "reconciler validation")


def error_schema() -> Schema:
    """The JSON Schema of errors: what any command gives that could not give what it was asked for."""
    return _model_schema(ErrorFile, "reconciler error")


SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "config": config_schema,
    "overlay": overlay_schema,
    "plan": plan_schema,
    "report": report_schema,
    "drift": drift_schema,
    "diff": diff_schema,
    "sids": sids_schema,
    "validation": validation_schema,
    "error": error_schema,
}


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
        facts.append(f"Deleting or replacing one destroys {kind.destroys}, and needs approval.")
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
            length = entry.marker(Length)
            return "JSON, as a mapping" + ("" if length is None else f", {length.most} bytes at most")
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
        if entry.shape is Shape.JSON:
            notes.append(f"Twilio publishes no limit; more than {length.doubtful} bytes is a warning.")
        else:
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
