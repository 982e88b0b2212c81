"""Interpolations of existing files, which an export keeps instead of writing the values. Pure.

Secrets, environment variables, and texts of other files were kept out of the files, and so out of git, on purpose.
Takes the former `Config` and the `State`; returns `ExistingFiles`: the handles and interpolations to keep. Raises
`UsageError` if the live resource of an interpolated value is unknown, since the value itself would be written instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import field
from urllib.parse import quote

from reconciler.address import Address
from reconciler.config.model import Config, Declared, Unknown, Value
from reconciler.config.sources import SourceError
from reconciler.errors import UsageError
from reconciler.export.exclusions import FieldKey
from reconciler.export.merging import texts
from reconciler.export.policies import Policies
from reconciler.kinds.fields import Field, Shape
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.match import match
from reconciler.redaction import FRAGMENT, texts_of
from reconciler.state import State

_NAMED = re.compile(r"\$\{(?:env|secret):([A-Za-z_][\w.-]*)")
_SEARCHED = frozenset({Shape.TEXT, Shape.URL, Shape.JSON, Shape.SET})
_MOST_NAMED = 5


def _nothing(_name: str) -> str | None:
    return None


def _no_file(path: str) -> bytes:
    raise SourceError(f"{path} does not exist", missing=True)


@dataclass(frozen=True)
class ExistingFiles:
    """The parts of existing files that an export keeps.

    Attributes:
        addresses: Addresses of the live resources that they declare, by SID.
        reserved: Addresses that they declare without a live resource, which no other resource gets.
        kept: Interpolated fields, as they are written.
        unclear: Fields whose value in the files is unknown, with the reason.
        secrets: Values of the secrets that they use, by name.
        environment: Returns an environment variable.
        read: Returns the bytes of another file.
        policies: Their settings for an apply: limits, prune rules, lifecycles.
    """

    addresses: Mapping[str, Address] = field(default_factory=dict)
    reserved: frozenset[Address] = frozenset()
    kept: Mapping[FieldKey, Value] = field(default_factory=dict)
    unclear: Mapping[FieldKey, str] = field(default_factory=dict)
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    environment: Callable[[str], str | None] = _nothing
    read: Callable[[str], bytes] = _no_file
    policies: Policies = field(default_factory=Policies)

    def names(self) -> set[str]:
        """Return the names of the environment variables that kept fields look up."""
        return {name for value in self.kept.values() for text in texts(value.written) for name in _NAMED.findall(text)}

    def secret_in(self, item: Field, content: object) -> str:
        """Return the name of a secret whose value is part of a value; empty if there is none."""
        if item.shape not in _SEARCHED or not self.secrets:
            return ""
        searched = list(texts_of(content))
        for name, secret in self.secrets.items():
            spellings = {secret, quote(secret, safe="")}
            if any(spelling in text for spelling in spellings for text in searched):
                return name
        return ""


def collect_existing(
    former: Config,
    state: State,
    environment: Callable[[str], str | None] = _nothing,
    read: Callable[[str], bytes] = _no_file,
) -> ExistingFiles:
    """Collect the parts of existing files that an export keeps.

    Args:
        former: The existing configuration; unset variables are unknown values in it.
        state: The account.
        environment: Returns an environment variable.
        read: Returns the bytes of another file.

    Raises:
        UsageError: The export would lose environments, or an interpolation whose live resource is unknown.
    """
    if former.environments:
        raise UsageError(
            f"the existing configuration has environments ({', '.join(former.environments[:_MOST_NAMED])}), which an "
            "export of one account would remove; use another folder, or omit --force to add what is missing"
        )
    matched = match(former, state)
    unmatched = {live.kind.name for live in state if live.sid not in matched.addresses}
    _check_found(former, set(matched.addresses.values()), {problem.address for problem in matched.problems}, unmatched)
    kept: dict[FieldKey, Value] = {}
    unclear: dict[FieldKey, str] = {}
    for sid, address in matched.addresses.items():
        for path, value in former.resources[address].values.items():
            if value.written is not None:
                kept[FieldKey(sid, path)] = value
            elif isinstance(value.content, Unknown):
                unclear[FieldKey(sid, path)] = f"from an unset variable: {value.content.reason}"
            elif value.secrets:
                unclear[FieldKey(sid, path)] = f"from {', '.join(value.secrets)} in a form that an export cannot write"
    secrets = {
        name: secret
        for declared in former.resources.values()
        for value in declared.values.values()
        for name in value.secrets
        # A shorter value is part of too many unrelated texts.
        if len(secret := environment(name) or "") >= FRAGMENT
    }
    policies = Policies.of(former, matched.addresses)
    return ExistingFiles(
        matched.addresses,
        kept=kept,
        unclear=unclear,
        secrets=secrets,
        environment=environment,
        read=read,
        policies=policies,
    )


def _check_found(former: Config, found: set[Address], troubled: set[str], unmatched: set[str]) -> None:
    """Check that every interpolated value belongs to a known live resource, or to none.

    Args:
        former: The existing configuration.
        found: Addresses of the resources that are live.
        troubled: Addresses of the resources whose match failed.
        unmatched: Kinds of live resources that the configuration does not declare.

    Raises:
        UsageError: A resource with interpolated values may be live under a name that is unknown now.
    """
    for declared in former.resources.values():
        if declared.address in found or not any(_is_interpolated(value) for value in declared.values.values()):
            continue
        for above in _with_parents(former, declared):
            if above.absent or above.address in found:
                break
            reason = _unset(above, is_rotated=above.kind.name in unmatched)
            if not reason and str(above.address) in troubled:
                reason = "see `reconciler plan`"
            if reason:
                raise UsageError(
                    f"cannot match {declared.address} to a live resource ({reason}), and an export would write down "
                    "its interpolated values; fix that, or use another folder"
                )


def _with_parents(former: Config, declared: Declared) -> Iterator[Declared]:
    above: Declared | None = declared
    while above is not None:
        yield above
        above = former.resources.get(above.parent) if above.parent is not None else None


def _is_interpolated(value: Value) -> bool:
    return value.written is not None or isinstance(value.content, Unknown)


def _unset(declared: Declared, *, is_rotated: bool) -> str:
    """Return why the name of a resource is unknown, or may have changed; empty if it is certain.

    Args:
        declared: The resource.
        is_rotated: Whether an interpolated name may have had another value when it was sent.
    """
    if declared.pin is not None or declared.kind.singleton:
        return ""
    for path, value in declared.values.items():
        item = declared.kind.by_path[path]
        is_name = path == declared.kind.natural_key or (
            declared.kind.compose_key is not None and item.shape not in {Shape.JSON, Shape.REF}
        )
        if item.write_only or not is_name:
            continue
        if isinstance(value.content, Unknown):
            return value.content.reason
        if value.written is not None and is_rotated:
            return f"its {path} is interpolated, and no live resource has that value"
    return ""
