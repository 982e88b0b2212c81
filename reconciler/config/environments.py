"""The keys `environments` and `variables`: the selected environment, and every variable by name.

Takes the merged tree; reports the problems of all environments, selected or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.config.files import text_items
from reconciler.config.findings import Findings, shown
from reconciler.config.interpolation_syntax import is_variable_name
from reconciler.config.nodes import MapEntry, MapNode, Node, ScalarNode, is_null
from reconciler.config.resolved_text import Variable
from reconciler.errors import Place

_KEYS = ("account_sid", "variables", "overlays")


@dataclass(frozen=True, slots=True)
class Environment:
    """One entry of ``environments``.

    Attributes:
        name: Its name.
        account_sid: The account that it is for; None if it names none.
        variables: Its variables.
        overlays: Its overlay files.
    """

    name: str
    account_sid: ScalarNode | None = None
    variables: Mapping[str, ScalarNode] = field(default_factory=dict)
    overlays: tuple[ScalarNode, ...] = ()


def read_environments(tree: MapNode, findings: Findings) -> dict[str, Environment]:
    """Read every environment, and report the problems of each."""
    entry = tree.entries.get("environments")
    environments = {}
    for name, item in entries_of(entry, "environments", findings).items():
        block = entries_of(item, f"environment {name}", findings)
        for key, inner in block.items():
            if key not in _KEYS:
                message = f"an environment has no key {shown(key)}"
                findings.error("unknown-key", message, inner.key.place, findings.instead(key, _KEYS))
        account = block.get("account_sid")
        overlays = block.get("overlays")
        environments[name] = Environment(
            name,
            _scalar(account, "account_sid", findings),
            read_variables(block.get("variables"), findings),
            tuple(text_items(overlays.value, "overlays", findings)) if overlays is not None else (),
        )
    return environments


def select_environment(
    environments: Mapping[str, Environment], name: str, findings: Findings, *, complete: bool
) -> Environment:
    """Return the environment of a name, or an empty one if the name is empty or unknown. Reports an unknown name."""
    if name and name not in environments and complete:
        if environments:
            hint = findings.instead(name, tuple(environments), what="the files define")
        else:
            hint = "the configuration defines none; add it under environments"
        findings.error("unknown-environment", f"unknown environment {shown(name)}", None, hint)
    return environments.get(name) or Environment("")


def read_variables(entry: MapEntry | None, findings: Findings) -> dict[str, ScalarNode]:
    """Read a mapping of variables."""
    variables = {}
    for name, item in entries_of(entry, "variables", findings).items():
        if not is_variable_name(name):
            message = f"no ${{var:…}} can use a variable of the name {shown(name)}"
            hint = "names have letters, digits, dots, dashes, and underscores, and begin with a letter or underscore"
            findings.warning("malformed-name", message, item.key.place, hint)
        if isinstance(item.value, ScalarNode):
            variables[name] = item.value
        else:
            message = f"variable {shown(name)} must be a single value"
            findings.error(
                "wrong-type", message, item.value.place, "lists and mappings can be shared with YAML anchors"
            )
    return variables


def all_variables(
    tree: MapNode, base: Mapping[str, ScalarNode], selected: Environment, options: Mapping[str, str], findings: Findings
) -> dict[str, Variable]:
    """Return every variable, from the source that takes precedence: command line, overlays, environment, files.

    Args:
        tree: The tree with overlays.
        base: The variables of the files without overlays.
        selected: The selected environment.
        options: The variables of the command line.
        findings: Collects the problems.
    """
    overlaid = read_variables(tree.entries.get("variables"), findings)
    # An overlay may have removed a variable.
    variables = {name: Variable(name, scalar) for name, scalar in base.items() if name in overlaid}
    environment = f"environment {selected.name}"
    variables |= {name: Variable(name, scalar, where=environment) for name, scalar in selected.variables.items()}
    for name, scalar in overlaid.items():
        if base.get(name) is not scalar:
            variables[name] = Variable(name, scalar, where=scalar.origin.via)
    variables |= {name: Variable(name, None, text, "--var") for name, text in options.items()}
    return variables


def entries_of(entry: MapEntry | None, name: str, findings: Findings) -> Mapping[str, MapEntry]:
    """Return the entries of a mapping; none if it is missing or null. Reports anything else."""
    if entry is None or is_null(entry.value):
        return {}
    if isinstance(entry.value, MapNode):
        return entry.value.entries
    findings.error("wrong-type", f"{name} must be a mapping", _place(entry), "write keys with colons, indented below")
    return {}


def _place(entry: MapEntry) -> Place:
    node: Node = entry.value
    return node.place


def _scalar(entry: MapEntry | None, name: str, findings: Findings) -> ScalarNode | None:
    if entry is None:
        return None
    if isinstance(entry.value, ScalarNode) and not entry.value.is_null:
        return entry.value
    findings.error("wrong-type", f"{name} must be text", entry.value.place, "write it on one line")
    return None
