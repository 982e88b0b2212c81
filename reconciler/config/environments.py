"""The keys `environments` and `variables`: the selected environment, and every variable by name.

Takes the merged tree; reports the problems of all environments, selected or not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from reconciler.config.files import text_items
from reconciler.config.findings import Findings, shown
from reconciler.config.interpolation_syntax import is_variable_name
from reconciler.config.nodes import KeyValue, MapNode, Node, ScalarNode, is_null
from reconciler.config.resolved_text import Variable
from reconciler.errors import Place
from reconciler.lazy_dataclass import dataclass

_KEYS = ("account_sid", "variables", "overlays")


@dataclass(frozen=True, slots=True)
class Environment:
    """One environment of ``environments``.

    Attributes:
        name: Its name.
        account_sid: The account that it is for; None if it declares none.
        variables: Its variables.
        overlays: Its overlay files.
        place: Where it is defined; None if unknown.
    """

    name: str
    account_sid: ScalarNode | None = None
    variables: Mapping[str, ScalarNode] = field(default_factory=dict)
    overlays: tuple[ScalarNode, ...] = ()
    place: Place | None = None


def read_environments(tree: MapNode, findings: Findings) -> dict[str, Environment]:
    """Read every environment, and report the problems of each."""
    pair = tree.by_key.get("environments")
    environments = {}
    for name, item in mapping_of(pair, "environments", findings).items():
        block = mapping_of(item, f"environment {name}", findings)
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
            item.key.place,
        )
    return environments


def select_environment(
    environments: Mapping[str, Environment], name: str, findings: Findings, *, complete: bool
) -> Environment:
    """Return the environment of a name, or an empty one if the name is empty or unknown. Reports an unknown name."""
    if name and name not in environments and complete:
        if environments:
            hint = findings.instead(name, tuple(environments), what="the configuration defines")
        else:
            hint = "the configuration defines none; add it under environments"
        findings.error("unknown-environment", f"unknown environment {shown(name)}", None, hint)
    return environments.get(name) or Environment("")


def read_variables(pair: KeyValue | None, findings: Findings) -> dict[str, ScalarNode]:
    """Read a mapping of variables."""
    variables = {}
    for name, item in mapping_of(pair, "variables", findings).items():
        if not is_variable_name(name):
            message = f"no ${{var:…}} can refer to a variable named {shown(name)}"
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
    """Return every variable, from the source with the highest precedence: command line, overlays, environment, files.

    Args:
        tree: The tree with overlays.
        base: The variables of the files without overlays.
        selected: The selected environment.
        options: The variables of the command line.
        findings: Collects the problems.
    """
    overlaid = read_variables(tree.by_key.get("variables"), findings)
    # An overlay may have removed a variable.
    variables = {name: Variable(name, scalar) for name, scalar in base.items() if name in overlaid}
    environment = f"environment {selected.name}"
    variables |= {name: Variable(name, scalar, where=environment) for name, scalar in selected.variables.items()}
    for name, scalar in overlaid.items():
        if base.get(name) is not scalar:
            variables[name] = Variable(name, scalar, where=scalar.origin.via)
    variables |= {name: Variable(name, None, text, "--var") for name, text in options.items()}
    return variables


def mapping_of(pair: KeyValue | None, name: str, findings: Findings) -> Mapping[str, KeyValue]:
    """Return the keys and values of a mapping; none if it is missing or null. Reports anything else."""
    if pair is None or is_null(pair.value):
        return {}
    if isinstance(pair.value, MapNode):
        return pair.value.by_key
    findings.error("wrong-type", f"{name} must be a mapping", _place(pair), "write keys with colons, indented below")
    return {}


def _place(pair: KeyValue) -> Place:
    node: Node = pair.value
    return node.place


def _scalar(pair: KeyValue | None, name: str, findings: Findings) -> ScalarNode | None:
    if pair is None:
        return None
    if isinstance(pair.value, ScalarNode) and not pair.value.is_null:
        return pair.value
    findings.error("wrong-type", f"{name} must be text", pair.value.place, "write it on one line")
    return None
