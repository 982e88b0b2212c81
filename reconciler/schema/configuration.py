"""JSON Schemas of configuration files and of overlays, for editors.

Takes the layout of the configuration; gives JSON Schemas that complete keys, explain them, and find most mistakes while
a user types. They never reject a file that `reconciler validate` accepts; what a schema cannot express, such as whether
a reference resolves, only `validate` reports. One schema is for root files and the files they include, so it does not
require `version`; the other is for overlays, where any value may also be `!unset`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from reconciler.config.layout import FieldTree, KindLayout, Layout, Sections, standard_layout
from reconciler.kinds.base import Kind
from reconciler.kinds.relations import account_default_of
from reconciler.schema.values import (
    DRAFT,
    INTERPOLATED,
    SCALAR,
    Schema,
    closed,
    example,
    field_schema,
    flag_schema,
    limit_schema,
    mapping_of,
    prune_schema,
    resource_snippet,
    sid_schema,
    snippet,
    texts_schema,
    variables_schema,
)

_ACCOUNT = "AC0123456789abcdef0123456789abcdef"
_GUARD = "Commands stop if the credentials belong to another account."


# --- the top level ---------------------------------------------------------------------------------------------------


def config_schema(layout: Layout | None = None) -> Schema:
    """Build the JSON Schema of configuration files: the root file and the files it includes.

    Args:
        layout: The kinds and their places; those of this release by default.
    """
    layout = layout or standard_layout()
    known = _files_and_values() | _guards(layout) | {"account": _account(layout)}
    known |= {key: _section(section) for key, section in layout.sections.items() if isinstance(section, Kind)}
    return {
        "$schema": DRAFT,
        "title": "reconciler configuration",
        "description": "Configuration of a Twilio Conversations account.",
        "type": "object",
        "properties": {key: known[key] for key in layout.top_keys},
        "patternProperties": {"^x-": {"description": "Ignored. Use such keys for YAML anchors."}},
        "additionalProperties": False,
        "$defs": _definitions(layout),
    }


def _files_and_values() -> Schema:
    """Build the top-level keys about files, templates, variables, and environments."""
    template = {"${1:standard}": {"notifications": {"log_enabled": True}}}
    environment = {
        "${1:staging}": {"account_sid": f"${{2:{_ACCOUNT}}}", "variables": {"${3:host}": "${4:value}"}},
    }
    return {
        "version": {
            "type": ["integer", "string"],
            "minimum": 1,
            "maximum": 1,
            "pattern": "^1$",
            "description": "Version of the configuration format. Required in the root file.",
            "examples": [1],
        },
        "include": texts_schema(
            "More files of this configuration, as paths or globs relative to this file.", ["services/*.yaml"]
        ),
        "templates": {
            **mapping_of(
                {"$ref": "#/$defs/template"},
                "Settings that services share. A service with `template: NAME` inherits them; its own values override.",
            ),
            "defaultSnippets": [snippet("template", "Settings that services share.", template)],
        },
        "variables": variables_schema(
            "Default values for `${var:NAME}`. Environments, overlays, and `--var` override them."
        ),
        "environments": {
            **mapping_of(
                {"$ref": "#/$defs/environment"},
                "Accounts that this configuration is applied to, one for each `--env NAME`.",
            ),
            "defaultSnippets": [snippet("environment", "An account and its own values.", environment)],
        },
    }


def _guards(layout: Layout) -> Schema:
    """Build the top-level keys that allow, limit, or approve changes."""
    return {
        "prune": prune_schema(
            layout.prunable, "Collections of the account from which undeclared live resources are deleted."
        ),
        "limits": {"$ref": "#/$defs/limits"},
        "approvals": {
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/approval"},
            "description": "Approvals of deletes and replaces that destroy history, and of updates that overwrite what "
            "changed in the account. Each approves one action.",
            "examples": [[{"address": "services.support", "action": "delete"}]],
        },
        "on_removal": closed(
            {
                key: {
                    "anyOf": [{"enum": ["delete", "forget"]}, INTERPOLATED],
                    "description": f"With a baseline, what happens to {key} that are no longer declared: `delete` also "
                    "deletes adopted ones, `forget` keeps all.",
                    "examples": ["forget"],
                }
                for key in layout.removable
            },
            "With a baseline, what happens to resources that are no longer declared. Default: created ones are "
            "deleted, the fields of adopted ones return. Without a baseline, all of them stay as they are.",
        ),
        "removed": {
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/removed"},
            "description": "With a baseline: resources and fields that are no longer declared, and stay as they are.",
            "examples": [[{"address": "services.support.roles.agent", "action": "forget"}]],
        },
        "acknowledge": {
            "type": ["array", "null"],
            "items": {"$ref": "#/$defs/acknowledgement"},
            "description": "Known warnings. They are counted but not shown, and `--strict` accepts them.",
            "examples": [[{"code": "stale-renamed-from", "address": "services.support.roles.agent"}]],
        },
        "unmanaged": closed(
            {
                "ignore": texts_schema(
                    "Globs of unmanaged resources (their address) and of undeclared settings (address and field) that "
                    "are not listed.",
                    ["services.support.roles*", "account.webhooks.post_webhook_url"],
                )
            },
            "How unmanaged resources and settings (live but not declared) are reported.",
        ),
        "ledger": _ledger(),
    }


def _ledger() -> Schema:
    """Build the schema of the ledger's place."""
    place = closed(
        {
            "git": {
                "type": "string",
                "pattern": "^refs/",
                "description": "Prefix of the ledger's refs. Default: `refs/reconciler`.",
                "examples": ["refs/reconciler/sales"],
            },
            "remote": {
                "type": "string",
                "minLength": 1,
                "description": "The git remote that shares the ledger. Default: none.",
                "examples": ["origin"],
            },
        },
        "The place of the ledger.",
    )
    return {
        **place,
        "type": ["string", "object", "null"],
        "pattern": "^git$",
        "description": "Where git keeps what was applied last. Plans then show who changed what, a removal from the "
        "configuration changes the account, and two applies never run at the same time. Root file only.",
        "examples": ["git"],
    }


def _account(layout: Layout) -> Schema:
    properties: Schema = {"sid": sid_schema("AC", f"SID of the account that this configuration is for. {_GUARD}")}
    properties["sealed"] = _sealed("the account")
    sections = layout.sections.get("account", {})
    assert isinstance(sections, dict)
    return closed(properties | _sections(sections), "The account: its SID and its own settings.")


# --- definitions -----------------------------------------------------------------------------------------------------


def _definitions(layout: Layout) -> Schema:
    return {
        "interpolated": {
            "type": "string",
            "pattern": r"\$\{(?:env|var|file|secret):[^}]+\}",
            # A title and no description: editors would show a description in place of the field's own.
            "title": "interpolated",
            "$comment": "A value with `${env:NAME}`, `${var:NAME}`, `${file:PATH}`, or `${secret:NAME}`.",
            "examples": ["${var:NAME}"],
        },
        "environment": _environment(),
        "limits": closed(
            {
                "deletes": limit_schema("Maximum number of deletes, including replaces. Default: 10.", 5),
                "updates": limit_schema("Maximum number of updates. Default: no limit.", 200),
                "creates": limit_schema("Maximum number of creates. Default: no limit.", 100),
            },
            "Maximum number of changes in one apply. A plan over a limit is refused as a whole.",
        ),
        "acknowledgement": _acknowledgement(),
        "removed": _removed(),
        "approval": _approval(layout),
        "globs": {
            "anyOf": [
                {"type": SCALAR},
                {"type": "array", "items": {"type": SCALAR}, "minItems": 1},
            ],
            "description": "One glob or a list: `*` matches any text, `?` one character; a backslash escapes them.",
            "examples": ["+1415*"],
        },
        **{inner.kind.name: _resource(inner) for inner in layout.layouts.values()},
        "template": _template(layout),
    }


def _template(layout: Layout) -> Schema:
    templated = layout.templated
    assert templated is not None
    without = {"sid", "template", "absent", "renamed_from"}
    return {**_resource(templated, without=without), "description": "Settings that services share."}


def _sealed(owner: str) -> Schema:
    """Build the schema of `sealed`."""
    return flag_schema(
        f"Undeclared settings of {owner} count as empty: an apply clears their live values in its configuration, "
        "notifications, and webhooks. `drift` reports settings that Twilio cannot clear."
    )


def _environment() -> Schema:
    return closed(
        {
            "account_sid": sid_schema("AC", f"SID of this environment's account. {_GUARD}"),
            "variables": variables_schema("Values for `${var:NAME}` in this environment."),
            "overlays": texts_schema(
                "Files that are merged last, in this order; they may override other values.", ["prod.yaml"]
            ),
        },
        "An account, and the values that differ there.",
    )


def _acknowledgement() -> Schema:
    properties: Schema = {
        "code": {
            "type": "string",
            "minLength": 1,
            "description": "Code of the warning, as shown by `--format json`.",
            "examples": ["stale-renamed-from"],
        },
        "address": {
            "type": "string",
            "minLength": 1,
            "description": "Address of the resource that the warning is about. Default: any resource.",
            "examples": ["services.support.roles.agent"],
        },
    }
    return {**closed(properties, "A known warning."), "required": ["code"]}


def _removed() -> Schema:
    properties: Schema = {
        "address": {
            "type": "string",
            "minLength": 1,
            "description": "Address of the resource, or of one of its fields.",
            "examples": ["services.support.roles.agent", "services.support.webhooks.pre_webhook_url"],
        },
        "action": {
            "anyOf": [{"enum": ["forget"]}, INTERPOLATED],
            "description": "`forget`: it stays in the account as it is, and is no longer managed.",
            "examples": ["forget"],
        },
    }
    entry = closed(properties, "A resource or field that is no longer declared.")
    return {**entry, "type": "object", "required": ["address", "action"]}


def _approval(layout: Layout) -> Schema:
    properties: Schema = {
        "address": {
            "type": "string",
            "minLength": 1,
            "description": "Address of the resource, as shown in the plan.",
            "examples": ['services["IS0123456789abcdef0123456789abcdef"]'],
        },
        "action": {
            "anyOf": [{"enum": ["delete", "replace", "update"]}, INTERPOLATED],
            "description": "The action that is approved. Default: `delete`.",
            "examples": ["delete"],
        },
    }
    properties["at_most"] = {
        **closed(
            {
                count.name: {
                    "anyOf": [{"type": "integer", "minimum": 0}, INTERPOLATED],
                    "description": f"The most {count.noun}s.",
                    "examples": [0],
                }
                for inner in layout.layouts.values()
                for count in inner.kind.counts
            },
            "Counts up to which it approves. They are checked in the plan, and again right before the delete is sent.",
        ),
        "examples": [{"active_conversations": 0}],
    }
    return {**closed(properties, "Approval of one change."), "type": "object", "required": ["address"]}


# --- sections and resources ------------------------------------------------------------------------------------------


def _sections(sections: Sections) -> Schema:
    return {
        key: _section(inner) if isinstance(inner, Kind) else closed(_sections(inner), f"Settings under `{key}`.")
        for key, inner in sections.items()
    }


def _section(kind: Kind) -> Schema:
    """Build the schema below a section key: a single resource, or resources by handle."""
    reference = {"$ref": f"#/$defs/{kind.name}"}
    if kind.singleton:
        return reference
    return {
        **mapping_of(reference, f"{kind.summary} Each key is a handle: the name that references use."),
        "defaultSnippets": [resource_snippet(kind)],
    }


def _resource(layout: KindLayout, without: Iterable[str] = ()) -> Schema:
    kind = layout.kind
    described = {block.path: block.description for block in kind.blocks}
    properties = _field_tree(layout.field_tree, described, "")
    properties |= _sections(layout.sections)
    if layout.prunable:
        properties["prune"] = prune_schema(
            layout.prunable, f"Collections of this {kind.noun} from which undeclared live resources are deleted."
        )
    if "template" in layout.keys:
        properties["template"] = {
            "type": [*SCALAR, "null"],
            "minLength": 1,
            "description": "Name of a template whose values are inherited. Values written here override them.",
            "examples": ["standard"],
        }
    if layout.settings:
        properties["sealed"] = _sealed(f"this {kind.noun}")
    properties |= _singleton_keys(layout) if kind.singleton else _common_keys(layout)
    return closed(
        {key: value for key, value in properties.items() if key not in set(without)}, f"{kind.summary} {kind.docs}"
    )


def _field_tree(tree: FieldTree, described: Mapping[str, str], prefix: str) -> Schema:
    properties = {key: field_schema(field) for key, field in tree.fields.items()}
    for key, block in tree.blocks.items():
        path = f"{prefix}{key}"
        properties[key] = closed(_field_tree(block, described, f"{path}."), described.get(path, ""))
    return properties


def _paths(layout: KindLayout, description: str) -> Schema:
    """Build the schema of a list of a resource's fields and blocks."""
    return {
        "description": description,
        "type": ["array", "null"],
        "items": {"anyOf": [{"enum": sorted(layout.by_path)}, INTERPOLATED]},
        "examples": [[layout.kind.fields[0].path]],
    }


def _ignore_changes(layout: KindLayout) -> Schema:
    return _paths(layout, "Fields whose differences are ignored. A create still sends them.")


def _sensitive(layout: KindLayout) -> Schema:
    return _paths(layout, "Fields whose values are never shown.")


def _singleton_keys(layout: KindLayout) -> Schema:
    """Build the keys that every singleton accepts besides its fields."""
    return {
        "lifecycle": closed({"ignore_changes": _ignore_changes(layout)}, "Fields whose differences are ignored."),
        "sensitive": _sensitive(layout),
    }


def _common_keys(layout: KindLayout) -> Schema:
    """Build the keys that every other resource accepts besides its fields."""
    kind = layout.kind
    pin = sid_schema(
        kind.sid_prefix, "SID of the live resource, which pins it. Its name is then managed only if it is declared."
    )
    if account_default_of(kind) is not None:
        pin = {**pin, "anyOf": [{"const": "default"}, *pin["anyOf"]]}
        pin["description"] += f" `default` is the account's default {kind.noun}."
    lifecycle = {
        "prevent_destroy": flag_schema("Never delete or replace this resource."),
        "prevent_create": flag_schema("Never create this resource."),
        "ignore_changes": _ignore_changes(layout),
    }
    return {
        "sid": pin,
        "absent": flag_schema("This resource must not exist: it is deleted if it is live."),
        "renamed_from": {
            "type": SCALAR,
            "minLength": 1,
            "description": "Former natural key. The live resource with that name is renamed, or replaced if necessary.",
            "examples": [example(kind.by_path[kind.natural_key]) if kind.natural_key else "former-name"],
        },
        "lifecycle": closed(lifecycle, "Actions that are prevented, and fields whose differences are ignored."),
        "sensitive": _sensitive(layout),
    }


# --- overlays --------------------------------------------------------------------------------------------------------

_UNSET: Schema = {"type": "string", "maxLength": 0}
"""`!unset` as editors read it: a scalar without text. No description, since editors would show it everywhere."""


def overlay_schema(layout: Layout | None = None) -> Schema:
    """Build the JSON Schema of overlays, which may override any value and remove any value or resource.

    Args:
        layout: The kinds and their places; those of this release by default.
    """
    schema = config_schema(layout)
    properties = {key: value for key, value in schema["properties"].items() if key != "environments"}
    schema |= {
        "title": "reconciler overlay",
        "description": "Values that override the configuration, for example in one environment.",
        "properties": properties,
    }
    unsettable: Schema = _unsettable(schema)
    return unsettable


def _unsettable(schema: Any) -> Any:
    """Return a schema in which the value of every key may also be `!unset`."""
    match schema:
        case list():
            return [_unsettable(item) for item in schema]
        case dict():
            changed = {
                key: value if key in {"examples", "defaultSnippets", "enum"} else _unsettable(value)
                for key, value in schema.items()
            }
            if isinstance(properties := changed.get("properties"), dict):
                changed["properties"] = {key: _or_unset(value) for key, value in properties.items()}
            if isinstance(inner := changed.get("additionalProperties"), dict):
                changed["additionalProperties"] = _or_unset(inner)
            if isinstance(definitions := changed.get("$defs"), dict):
                changed["$defs"] = {
                    name: inner if name in {"interpolated", "approval", "removed"} else _or_unset(inner)
                    for name, inner in definitions.items()
                }
            return changed
        case _:
            return schema


def _or_unset(schema: Schema) -> Schema:
    """Allow `!unset` as a value, with a choice of schemas only where needed: editors explain a single schema best."""
    if "$ref" in schema:
        return schema
    if "anyOf" in schema:
        return {**schema, "anyOf": [*schema["anyOf"], _UNSET]}
    types = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if "string" not in types:
        return {**schema, "type": [*types, "string"], "maxLength": 0}
    outside: Schema = {key: schema[key] for key in ("description", "examples") if key in schema}
    inside = {key: value for key, value in schema.items() if key not in outside}
    return {**outside, "anyOf": [inside, _UNSET]}
