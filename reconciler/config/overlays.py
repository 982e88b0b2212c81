"""Overlays and templates: merges them into the tree of the base files.

Takes the files and the tree; returns a tree, in which services contain the values of their templates. Nothing is typed
or interpolated here, so that shell completion can use it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.config.environments import mapping_of
from reconciler.config.files import FileLoader
from reconciler.config.findings import Findings, shown
from reconciler.config.nodes import KeyValue, MapNode, ScalarNode, count_nodes, is_null, relabel
from reconciler.config.sources import resolve_path

MOST_TEMPLATED = 1_000_000
"""The maximum number of nodes that templates may add to the written ones."""


def apply_overlays(
    files: FileLoader, base: MapNode, named: Sequence[ScalarNode], options: Sequence[str], findings: Findings
) -> MapNode:
    """Merge the environment's overlays and then those of the command line over a tree."""
    tree = base
    for scalar in named:
        path = files.resolve_path(scalar, scalar.origin.path)
        if path is not None:
            tree = files.apply_overlay(tree, path, scalar.place)
    for option in options:
        path = resolve_path("", option)
        if path is None:
            hint = "use a file in that folder or below it"
            findings.error(
                "outside-folder", f"the overlay {shown(option)} is outside of the root file's folder", None, hint
            )
        else:
            tree = files.apply_overlay(tree, path, None)
    defined = tree.by_key.get("environments")
    if defined is not None and isinstance(defined.value, MapNode):
        for pair in defined.value.by_key.values():
            if pair.key.origin.via.startswith("overlay "):
                message = "an overlay cannot define an environment, since environments select overlays"
                findings.error("misplaced-environment", message, pair.key.place, "define it in the base files")
    return tree


def apply_templates(files: FileLoader, tree: MapNode, findings: Findings) -> tuple[MapNode, Mapping[str, KeyValue]]:
    """Apply templates to the services that use one, remove ``!unset`` marks, and return the templates."""
    templates = mapping_of(tree.by_key.get("templates"), "templates", findings)
    for name, pair in templates.items():
        if not isinstance(pair.value, MapNode) and not is_null(pair.value):
            message = f"template {shown(name)} must be a mapping of the fields that services share"
            findings.error("wrong-type", message, pair.value.place, "write keys with colons, indented below")
        if isinstance(pair.value, MapNode) and "template" in pair.value.by_key:
            place = pair.value.by_key["template"].key.place
            findings.error(
                "nested-template", "a template cannot use another template", place, "write out the shared values"
            )
    services = tree.by_key.get("services")
    if services is not None and isinstance(services.value, MapNode):
        expanded = _expanded_services(files, services.value, templates, findings)
        tree = MapNode(
            {**tree.by_key, "services": KeyValue(services.key, expanded)},
            tree.origin,
            tree.line,
            tree.column,
            tree.cleared,
        )
    tree = files.without_unset_marks(tree)
    own = mapping_of(tree.by_key.get("templates"), "templates", findings)
    return tree, {name: _without_template(pair) for name, pair in own.items()}


def _expanded_services(
    files: FileLoader, services: MapNode, templates: Mapping[str, KeyValue], findings: Findings
) -> MapNode:
    labelled: dict[str, tuple[MapNode, int]] = {}
    added = 0
    expanded: dict[str, KeyValue] = {}
    for handle, pair in services.by_key.items():
        expanded[handle] = pair
        service = pair.value
        if not isinstance(service, MapNode) or (named := service.by_key.get("template")) is None:
            continue
        expanded[handle] = _without_template(pair)
        if isinstance(named.value, ScalarNode) and (named.value.is_unset or named.value.is_null):
            continue
        template = _named_template(named, templates, files, findings)
        if template is None:
            continue
        name = template.key.text
        if name not in labelled:
            copy = relabel(_without_template(template).value, f"template {name}")
            assert isinstance(copy, MapNode)
            labelled[name] = (copy, count_nodes(copy))
        below, size = labelled[name]
        added += size
        if added > MOST_TEMPLATED:
            message = f"templates make this configuration more than {MOST_TEMPLATED} nodes larger"
            findings.error("too-large", message, named.value.place, "make the template smaller, or use it less often")
            # A partial expansion is useless, and values that only templates declare are missing now.
            files.complete = False
            return services
        above = expanded[handle].value
        assert isinstance(above, MapNode)
        expanded[handle] = KeyValue(pair.key, files.apply_template(below, above))
    return MapNode(expanded, services.origin, services.line, services.column, services.cleared)


def _named_template(
    named: KeyValue, templates: Mapping[str, KeyValue], files: FileLoader, findings: Findings
) -> KeyValue | None:
    if not isinstance(named.value, ScalarNode):
        findings.error(
            "wrong-type", "template must be the name of a template", named.value.place, "write template: NAME"
        )
        return None
    found = templates.get(named.value.text)
    if found is None and files.complete:
        hint = findings.instead(named.value.text, tuple(templates)) or "define it under templates"
        message = f"unknown template {shown(named.value.text)}"
        findings.error("unknown-template", message, named.value.place, hint)
    return found if found is not None and isinstance(found.value, MapNode) else None


def _without_template(pair: KeyValue) -> KeyValue:
    table = pair.value
    if not isinstance(table, MapNode) or "template" not in table.by_key:
        return pair
    own = {key: inner for key, inner in table.by_key.items() if key != "template"}
    return KeyValue(pair.key, MapNode(own, table.origin, table.line, table.column, table.cleared))
