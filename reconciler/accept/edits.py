"""Turns differences into edits of files, or into refusals that say how to accept them.

Takes items and the environments of the configuration; returns groups of edits. Who else uses a place decides whether
it may be edited; `reconciler.accept.verification` checks the result independently of the reasoning here.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cached_property

from reconciler.accept import values
from reconciler.accept.files import Files
from reconciler.accept.inner import node_edits, set_edits
from reconciler.accept.model import (
    Addition,
    At,
    Creation,
    Group,
    InFile,
    Item,
    Op,
    Refusal,
    RefusedError,
    SharedError,
    Subject,
)
from reconciler.accept.new_files import place_container
from reconciler.accept.origins import Environment, Origin, Origins, account_of, uses_of_variables
from reconciler.accept.positions import Mapping as MappingNode
from reconciler.accept.positions import Scalar
from reconciler.accept.positions import Sequence as SequenceNode
from reconciler.accept.scalars import UNSET
from reconciler.accept.splice import Drop, Put, Set
from reconciler.accept.writing import Value
from reconciler.address import Address, looks_like_sid
from reconciler.kinds.fields import Shape
from reconciler.lazy_dataclass import dataclass

_TEXT_TAGS = {"!", "tag:yaml.org,2002:str"}
"""Tags with which ``null`` would be a text."""


def build_groups(  # noqa: PLR0917 - the inputs of one stage
    items: Sequence[Item],
    files: Files,
    environments: Sequence[Environment],
    selected: str,
    at: At = "",
    variables: Collection[str] = (),
) -> tuple[list[Group], list[Refusal]]:
    """Build the edits that accept differences.

    Args:
        items: The differences.
        files: The files of the configuration.
        environments: The configuration for each of its environments.
        selected: The environment that the differences belong to.
        at: Where to write what is shared.
        variables: The names of the variables of the command line.

    Returns:
        The edits, and the differences that cannot be accepted.
    """
    return _Builder(items, files, environments, selected, at, frozenset(variables)).build()


@dataclass
class _Places:
    """The places of values, who uses them, and the edits so far."""

    items: Sequence[Item]
    files: Files
    environments: Sequence[Environment]
    selected: str
    at: At
    variables: frozenset[str]

    def __post_init__(self) -> None:
        self.origins = {one.name: Origins(self.files, one) for one in self.environments}
        self.own = self.origins[self.selected]
        self.wanted = {(item.address, item.path): item for item in self.items}
        self.groups: dict[object, Group] = {}
        self.created: set[str] = set()
        self.trials: dict[At, _Builder] = {}

    @cached_property
    def uses(self) -> Mapping[str, Sequence[tuple[Address, str]]]:
        """The values that come through each variable."""
        return uses_of_variables(self.own.environment.config)

    def _keep(self, key: object, item: Item, ops: Iterable[Op], allowed: Iterable[Subject]) -> None:
        """Record edits; the same edits for several items are made once."""
        allowed = set(allowed)
        self._check_accounts(item, {name for name, _, _ in allowed})
        own: Subject = (self.selected, item.address, item.path)
        group = self.groups.get(key)
        if group is None:
            self.groups[key] = Group([item], list(ops), {own, *allowed})
        elif _content(group.items[0]) == _content(item):
            group.items.append(item)
            group.allowed |= {own, *allowed}
        else:
            reason = f"{group.items[0].name} comes from the same place and has another live value"
            raise RefusedError(reason, "write the values by hand")

    def _check_accounts(self, item: Item, environments: Iterable[str]) -> None:
        """Check that no SID of this account is written where an environment of another account reads it.

        Raises:
            RefusedError: One is.
        """
        sid = next((text for text in _texts_of(item) if looks_like_sid(text)), "")
        if not sid:
            return
        own = account_of(self.own, self.own)
        others = {name for name in environments if account_of(self.origins[name], self.own) != own}
        if others:
            spec = item.kind.by_path.get(item.path)
            is_handle = spec is not None and spec.shape is Shape.REF
            by_handle = "declare the resource and write its handle, or " if is_handle else ""
            raise RefusedError(
                f"{sid} exists only in this account, and environments of other accounts use the same files: "
                f"{_names(others)}",
                f"{by_handle}write it in an overlay of environment {self.selected} by hand",
            )

    def _drop(self, origin: Origin, key: str, parts: Sequence[str]) -> Op:
        """Return the removal of a key; what it overrides would count without it, so it is unset then.

        Raises:
            RefusedError: Another file of the same layer also writes a part of it.
        """
        others = [other for other in self.own.all(parts) if other.key != origin.key]
        beside = [one for one in others if (one.layer, one.template) == (origin.layer, origin.template)]
        if beside:
            reason = f"without it, the value in {beside[0].walk.file} would count"
            raise RefusedError(reason, f"remove it from {origin.walk.file} and {beside[0].walk.file} by hand")
        if others:
            assert origin.walk.node is not None
            return InFile(origin.walk.file, Set(origin.walk.node, UNSET))
        return _cut(origin, key)

    @staticmethod
    def _check_place(origin: Origin) -> None:
        """Check that a place is not shared through YAML itself.

        Raises:
            RefusedError: It is.
        """
        if origin.walk.is_alias:
            raise RefusedError(
                f"the value comes through a YAML alias in {origin.walk.file}",
                "write the value out in place of the alias, or change the anchor by hand",
            )
        if origin.walk.is_shared:
            raise RefusedError(
                f"an alias in {origin.walk.file} repeats the value",
                "write the value out in place of the alias, or change the anchor by hand",
            )

    # --- who else uses a place ----------------------------------------------------------------------------------------

    def _users(self, item: Item, parts: Sequence[str], origin: Origin) -> set[Subject] | None:
        """Return the values that an edit of a place changes; None if an override is to be added instead.

        Raises:
            RefusedError: Others use it, and no option says what to do.
        """
        rest = item.path.split(".")
        if origin.template:
            here = self._template_users(self.own, item, parts, origin)
            agree = all(self._agrees(item, (address, item_path)) for _, address, item_path in here)
            if self.at != "template" and not agree:
                return None
            elsewhere = {
                user
                for name, other in self.origins.items()
                if name != self.selected
                for user in self._template_users(other, item, parts, origin)
            }
            if elsewhere and self.at != "base":
                if self.at == "overlay":
                    return None
                raise self._shared({name for name, _, _ in elsewhere})
            return here | elsewhere
        shared = {
            (name, item.address, item.path)
            for name, other in self.origins.items()
            if name != self.selected
            and item.address in other.environment.config.resources
            and (found := other.first((*item.address.parts, *rest))) is not None
            and _same_place(found, origin)
        }
        if not shared or self.at == "base":
            return shared
        if self.at == "overlay":
            return None
        raise self._shared({name for name, _, _ in shared})

    def _template_users(self, origins: Origins, item: Item, parts: Sequence[str], origin: Origin) -> set[Subject]:
        _, below = self.own.template(parts)
        found: set[Subject] = set()
        for address in origins.with_template(origin.template):
            first = origins.first((*address.parts, *below))
            if first is not None and _same_place(first, origin):
                inner = Address((*address.parts, *below[: len(below) - len(item.path.split("."))]))
                found.add((origins.environment.name, inner, item.path))
        return found

    def _agrees(self, item: Item, user: tuple[Address, str]) -> bool:
        other = self.wanted.get(user)
        return other is not None and not other.hidden and _content(other) == _content(item)

    def _shared(self, names: set[str]) -> RefusedError:
        return self._sharing(f"other environments use the same value: {_names(names)}", "change it")

    def _sharing(self, reason: str, action: str, of_all: str = "for all") -> RefusedError:
        """Return the refusal of a part that other environments use, too.

        Args:
            reason: Why.
            action: What an edit would do to it, as an infinitive.
            of_all: How it is called for every environment.
        """
        for_all: Mapping[At, str] = {"base": f"to {action} {of_all}"}
        if len(self.own.environment.layers) > 1:
            return SharedError(reason, {"overlay": f"to {action} for {self.selected or 'this run'} only", **for_all})
        only = f"add an overlay to environment {self.selected} to {action} there only" if self.selected else ""
        return SharedError(reason, for_all, only)


@dataclass
class _AdditionBuilder(_Places):
    """Builds the edits that add keys which the files lack."""

    def _addition(self, item: Item, parts: Sequence[str], value: Value) -> tuple[Addition, set[Subject]]:
        layers = self.own.environment.layers
        others = {
            (name, item.address, item.path)
            for name, other in self.origins.items()
            if name != self.selected
            and (item.address in other.environment.config.resources or self._owner_is_in(item.address, other))
        }
        layer = 0 if self.at else self._layer_of_siblings(parts, {name for name, _, _ in others})
        if layer:
            others = set()
        elif self.at == "overlay":
            if len(layers) < 2:
                raise RefusedError(
                    f"environment {self.selected} has no overlay" if self.selected else "there is no overlay",
                    "add one under its overlays, as a file with version: 1",
                )
            layer = len(layers) - 1
            others = {user for user in others if self._has_layer(user[0], layers[layer].name)}
            if others:
                raise RefusedError(f"other environments use {layers[layer].name} as well", "write the value by hand")
        elif others and self.at != "base":
            gets, adds = ("lose", "remove") if value is UNSET else ("get", "add")
            names = _names({name for name, _, _ in others})
            raise self._sharing(f"other environments would {gets} it, too: {names}", f"{adds} it")
        walk = self.own.deepest(parts, layer)
        if walk is None:
            blank = next((file for file in layers[layer].files if self.files.is_blank(file)), "")
            if not blank:
                raise RefusedError(f"{layers[layer].name} has no keys at its top", "write one by hand")
            return Addition(blank, tuple(parts), value), others
        if walk.is_alias or walk.is_shared:
            raise RefusedError(f"{walk.file} repeats this part through a YAML alias", "write it by hand")
        return Addition(walk.file, tuple(parts), value), others

    def _layer_of_siblings(self, parts: Sequence[str], environments: Collection[str]) -> int:
        """Return the layer that has the other keys of a mapping; 0 for the base.

        Args:
            parts: The new key.
            environments: The other environments that a key in the base would be added to: for them, only an overlay
                is chosen that none of them has.
        """
        layers = self.own.environment.layers
        overlays = range(len(layers) - 1, 0, -1)
        for number in overlays if environments else (0, *overlays):
            if not any(self._has_layer(name, layers[number].name) for name in environments):
                walk = self.own.deepest(parts, number)
                if walk is not None and walk.depth >= len(parts) - 1:
                    return number
        return 0

    def _owner_is_in(self, address: Address, other: Origins) -> bool:
        """Whether an environment declares a resource that contains an address; everything, for the top."""
        above = [address.parts[:end] for end in range(2, len(address.parts)) if end % 2 == 0]
        return not above or any(Address(parts) in other.environment.config.resources for parts in above[:1])

    def _has_layer(self, environment: str, name: str) -> bool:
        return any(layer.name == name for layer in self.origins[environment].environment.layers)


@dataclass
class _JsonBuilder(_AdditionBuilder):
    """Builds the edits of JSON, in which only the inner values that differ change."""

    def _json(
        self, item: Item, parts: Sequence[str], declared: Mapping[str, object], live: Mapping[str, object]
    ) -> tuple[list[Op], set[Subject]]:
        """Return the edits of the inner values that differ, each at its own place."""
        ops: list[Op] = []
        allowed: set[Subject] = set()
        for key in dict.fromkeys([*declared, *live]):
            old, new = declared.get(key), live.get(key)
            if key in declared and key in live and values.same(old, new):
                continue
            inner = (*parts, str(values.escaped(key)))
            origin = self.own.first(inner)
            if origin is None:
                op, users = self._json_addition(item, parts, inner, values.escaped(new))
                ops.append(op)
                allowed |= users
                continue
            self._check_place(origin)
            node = origin.walk.node
            assert node is not None
            if (
                key in declared
                and key in live
                and isinstance(old, dict)
                and isinstance(new, dict)
                and isinstance(node, MappingNode)
            ):
                inner_ops, users = self._json(item, inner, old, new)
                ops += inner_ops
                allowed |= users
                continue
            if self._is_overridden(item, inner, origin):
                op, users = self._addition(item, inner, values.escaped(new) if key in live else UNSET)
                ops.append(op)
                allowed |= users
                continue
            allowed |= self._json_users(item, inner, origin)
            if key not in live:
                values.check_literal(node)
                ops.append(self._drop(origin, inner[-1], inner))
            else:
                ops += node_edits(origin.walk.file, node, old, new)
        return ops, allowed

    def _json_users(self, item: Item, inner: Sequence[str], origin: Origin) -> set[Subject]:
        users = {
            (name, address, item.path)
            for name, other in self.origins.items()
            for address in self._inner_users(other, inner, origin)
        }
        others_names = {name for name, _, _ in users if name != self.selected}
        if others_names and self.at != "base":
            raise self._shared(others_names)
        return users

    def _is_overridden(self, item: Item, inner: Sequence[str], origin: Origin) -> bool:
        """Whether a value is written again for this resource, because others use the present one as well."""
        others = self._inner_users(self.own, inner, origin) - {item.address}
        if self.at == "overlay" and self._inner_environments(inner, origin) != {self.selected}:
            return True
        return bool(origin.template and self.at != "template" and others)

    def _inner_environments(self, inner: Sequence[str], origin: Origin) -> set[str]:
        return {name for name, other in self.origins.items() if self._inner_users(other, inner, origin)}

    def _inner_users(self, origins: Origins, inner: Sequence[str], origin: Origin) -> set[Address]:
        depth = len(inner)
        if not origin.template:
            first = origins.first(inner)
            address = self._resource_of(inner, origins)
            return {address} if first is not None and _same_place(first, origin) and address is not None else set()
        _, below = self.own.template(inner)
        found: set[Address] = set()
        for service in origins.with_template(origin.template):
            path = (*service.parts, *below)[:depth]
            first = origins.first(path)
            address = self._resource_of(path, origins)
            if first is not None and _same_place(first, origin) and address is not None:
                found.add(address)
        return found

    @staticmethod
    def _resource_of(parts: Sequence[str], origins: Origins) -> Address | None:
        resources = origins.environment.config.resources
        lengths = range(len(parts), 0, -1)
        return next((found for end in lengths if (found := Address(tuple(parts[:end]))) in resources), None)

    def _json_addition(
        self, item: Item, parts: Sequence[str], inner: tuple[str, ...], value: Value
    ) -> tuple[Op, set[Subject]]:
        """Return the addition of a key beside the others of its mapping."""
        above = self.own.first(parts)
        if above is None or not isinstance(above.walk.node, MappingNode):
            raise RefusedError("the mapping that the key belongs to is not in the files", "write it by hand")
        self._check_place(above)
        if self._is_overridden(item, parts, above):
            return self._addition(item, inner, value)
        allowed = self._json_users(item, parts, above)
        return InFile(above.walk.file, Put(above.walk.node, inner[-1], value)), allowed


@dataclass
class _FieldBuilder(_JsonBuilder):
    """Builds the edits of fields, and what the files lack."""

    def _set(self, item: Item) -> None:
        parts = (*item.address.parts, *item.path.split("."))
        if item.kind.by_path[item.path].shape is Shape.JSON:
            origin = self.own.first(parts)
            if (
                isinstance(item.content, dict)
                and isinstance(item.declared, dict)
                and origin is not None
                and isinstance(origin.walk.node, MappingNode)
            ):
                ops, allowed = self._json(item, parts, item.declared, item.content)
                self._keep((item.address, item.path), item, ops, allowed)
                return
        self._set_at(item, parts)

    def _set_at(self, item: Item, parts: Sequence[str]) -> None:
        origin = self.own.first(parts)
        if origin is None:
            self._add(item, parts, self._value(item))
            return
        self._check_place(origin)
        node = origin.walk.node
        assert node is not None
        if (
            not item.is_dropped
            and isinstance(node, Scalar)
            and values.lookups(node.text)
            and item.kind.by_path[item.path].shape is not Shape.SET
        ):
            self._set_variable(item, node)
            return
        allowed = self._users(item, parts, origin)
        if allowed is None:
            self._add(item, parts, UNSET if self._is_removed(item) else self._value(item))
        else:
            self._keep(origin.key, item, self._in_place(item, origin), allowed)

    def _value(self, item: Item) -> Value:
        spec = item.kind.by_path[item.path]
        if spec.shape not in {Shape.BOOL, Shape.JSON, Shape.SET} and item.content in {None, ""}:
            return None
        if spec.shape is Shape.SET and not item.content:
            return None
        return values.written(spec, item.content)

    @staticmethod
    def _is_removed(item: Item) -> bool:
        """Whether the key of a field is removed: the live value is empty, and no file can write that."""
        spec = item.kind.by_path[item.path]
        is_empty = spec.is_empty(item.content) and spec.shape is not Shape.BOOL
        return item.is_dropped or (is_empty and bool(spec.why_not_clearable()))

    def _in_place(self, item: Item, origin: Origin) -> Iterator[Op]:
        node, spec, file = origin.walk.node, item.kind.by_path[item.path], origin.walk.file
        assert node is not None
        value = values.written(spec, item.content)
        if self._is_removed(item):
            yield self._drop(origin, item.path.rsplit(".", 1)[-1], (*item.address.parts, *item.path.split(".")))
        elif spec.shape is Shape.SET and isinstance(node, SequenceNode):
            yield from set_edits(file, node, [str(word) for word in value] if isinstance(value, list) else [])
        elif spec.shape is Shape.JSON and isinstance(node, Scalar) and node.text.lstrip().startswith("{"):
            text = values.edited_json_text(values.plain_text(node.text), item.declared, item.content or {})
            yield InFile(file, Set(node, values.escaped(text)))
        else:
            if isinstance(node, (MappingNode, SequenceNode)):
                values.check_literal(node)
            is_text = isinstance(node, Scalar) and node.tag in _TEXT_TAGS and spec.shape is Shape.TEXT
            yield InFile(file, Set(node, value or "" if is_text else self._value(item)))

    # --- variables ----------------------------------------------------------------------------------------------------

    def _set_variable(self, item: Item, node: Scalar) -> None:
        name = values.whole_variable(node.text)
        if not name:
            found = values.lookups(node.text)
            if len(found) == 1 and found[0].token == node.text:
                raise values.interpolated(found[0])
            reason = "the value is a text with interpolations"
            raise RefusedError(reason, f"change {node.text!r} by hand, or write the live value in its place")
        if name in self.variables:
            raise RefusedError(f"the value comes from --var {name}", f"use --var {name} with the live value")
        origin = self.own.variable(name)
        if origin is None:
            raise RefusedError(f"the value comes from variable {name}", "define the variable in the files")
        self._check_place(origin)
        scalar = origin.walk.node
        if not isinstance(scalar, Scalar) or values.lookups(scalar.text):
            raise RefusedError(f"variable {name} contains interpolations", "change its definition by hand")
        for environment, other in self.origins.items():
            found_there = other.variable(name)
            if environment != self.selected and found_there is not None and _same_place(found_there, origin):
                raise RefusedError(
                    f"the value comes from variable {name}, which other environments use: {environment or 'none'}",
                    f"define {name} under the variables of environment {self.selected}, or change it for all by hand"
                    if self.selected
                    else f"change the definition of {name} by hand",
                )
        for user in self.uses.get(name, ()):
            if user != (item.address, item.path) and not self._agrees(item, user):
                address = Address((*user[0].parts, *user[1].split(".")))
                raise RefusedError(
                    f"the value comes from variable {name}, which {address} uses as well",
                    f"write the live value in place of ${{var:{name}}}, or change the variable by hand",
                )
        value = self._value(item)
        self._keep(origin.key, item, [InFile(origin.walk.file, Set(scalar, value))], ())

    # --- additions ----------------------------------------------------------------------------------------------------

    def _add(self, item: Item, parts: Sequence[str], value: Value) -> None:
        """Add a key to the resource, or to the overlay of the environment."""
        spec = item.kind.by_path.get(item.path) if item.path else None
        if spec is not None and value is None and spec.why_not_clearable():
            raise RefusedError(
                f"the live value is empty, which cannot be written: {spec.why_not_clearable()}",
                "remove the value where it is written, by hand",
            )
        op, allowed = self._addition(item, parts, value)
        self._keep((op.file, op.parts), item, [op], allowed)

    def _add_resource(self, item: Item) -> None:
        *above, last = item.path.split(".")
        parts = (*item.address.parts, *above, last) if item.path else item.address.parts
        op, allowed = self._addition(item, parts, item.data[last] if item.path else item.data)
        if item.kind.is_container and not item.path:
            layer = next(layer for layer in self.own.environment.layers if op.file in layer.files)
            placed = place_container(op, self.files, layer.files, item.kind.name, self.created)
            self.created |= {placed.file} if isinstance(placed, Creation) else set()
            self._keep((placed.file, placed.parts), item, [placed], allowed)
            return
        self._keep((op.file, op.parts), item, [op], allowed)


@dataclass
class _Builder(_FieldBuilder):
    """Builds the edits of all differences."""

    def build(self) -> tuple[list[Group], list[Refusal]]:
        refusals: list[Refusal] = []
        for item in self.items:
            try:
                self.accept(item)
            except SharedError as error:
                refusals.append(self._with_what_works(error, item).of(item))
            except RefusedError as error:
                refusals.append(error.of(item))
        return self._joined(refusals), refusals

    def _with_what_works(self, error: SharedError, item: Item) -> RefusedError:
        """Return a refusal that offers only what would not be refused as well, or the refusal of the last choice."""
        found: list[At] = []
        last: RefusedError = error
        for at in error.choices:
            if at not in self.trials:
                variables = self.variables
                self.trials[at] = _Builder(self.items, self.files, self.environments, self.selected, at, variables)
            try:
                self.trials[at].accept(item)
            except RefusedError as other:
                last = other
            else:
                found.append(at)
        if not found and not error.otherwise:
            return RefusedError(f"{error.reason}, and {last.reason}", last.hint)
        return RefusedError(error.reason, error.offering(found))

    def _joined(self, refusals: list[Refusal]) -> list[Group]:
        """Join the groups that are accepted only together; refuse what belongs to something refused."""
        refused = {(one.address, one.path): one for one in refusals}
        bad: dict[tuple[Address, str], str] = {}
        for item in self.items:
            if item.unit and (str(item.address), item.path) in refused:
                bad.setdefault((item.address, item.unit), item.path)
        kept: list[Group] = []
        joined: dict[tuple[Address, str], Group] = {}
        for group in self.groups.values():
            units = [(item.address, item.unit) for item in group.items if item.unit]
            if wrong := next((bad[unit] for unit in units if unit in bad), ""):
                error = RefusedError(f"{wrong}, which belongs to it, is refused", "change them by hand")
                refusals += [error.of(item) for item in group.items]
                continue
            first = next((joined[unit] for unit in units if unit in joined), None)
            if first is not None:
                first.items += group.items
                first.ops += group.ops
                first.allowed |= group.allowed
            else:
                kept.append(group)
            joined |= dict.fromkeys(units, first or group)
        return kept

    def accept(self, item: Item) -> None:
        """Add the edits that accept an item.

        Raises:
            RefusedError: It cannot be accepted.
        """
        if item.hidden:
            raise RefusedError(item.hidden, "change it by hand; accept never writes it")
        match item.action:
            case "set":
                self._set(item)
            case "remove":
                self._remove(item)
            case "add":
                self._add_resource(item)

    # --- resources ----------------------------------------------------------------------------------------------------

    def _remove(self, item: Item) -> None:
        """Cut out a resource that does not exist any more."""
        parts = item.address.parts
        own = {origin.key: origin for origin in self.own.all(parts)}
        if not own:
            raise RefusedError("the files do not write it as a block of its own", "remove it by hand")
        for origin in own.values():
            self._check_place(origin)
        if any(origin.template for origin in own.values()):
            self._remove_from_template(item, list(own.values()))
            return
        others = {
            (name, item.address, "")
            for name, other in self.origins.items()
            if name != self.selected and item.address in other.environment.config.resources
        }
        elsewhere = self._places(others)
        if self.at != "base" and not elsewhere.keys() & own.keys():
            self._keep((item.address, ""), item, _cuts(own, item), ())
        elif self.at == "overlay":
            self._unset(item)
        elif self.at == "base":
            self._keep((item.address, ""), item, _cuts(own | elsewhere, item), others)
        else:
            names = {name for name, _, _ in others}
            raise self._sharing(f"other environments declare it: {_names(names)}", "remove it", "from all")

    def _places(self, resources: Iterable[Subject]) -> dict[tuple[str, int], Origin]:
        """Return every place that writes a part of resources."""
        found = {one.key: one for name, address, _ in resources for one in self.origins[name].all(address.parts)}
        for origin in found.values():
            self._check_place(origin)
        return found

    def _unset(self, item: Item) -> None:
        """Write ``!unset`` for a resource, and cut out what would still count beside or above it."""
        op, allowed = self._addition(item, item.address.parts, UNSET)
        layer = next(number for number, one in enumerate(self.own.environment.layers) if op.file in one.files)
        places = self._places({(self.selected, item.address, ""), *allowed})
        still = {
            key: origin
            for key, origin in places.items()
            if not origin.template and (origin.layer, origin.walk.file != op.file) > (layer, False)
        }
        self._keep((op.file, op.parts), item, [op, *_cuts(still, item)], allowed)

    def _remove_from_template(self, item: Item, own: Sequence[Origin]) -> None:
        """Cut a resource out of its template if that is right for all of its users; otherwise unset it in the service.

        Raises:
            RefusedError: Another user of the template still has it.
        """
        origin = next(one for one in own if one.template)
        _, below = self.own.template(item.address.parts)
        users = {
            (name, address, "")
            for name, other in self.origins.items()
            for service in other.with_template(origin.template)
            if (address := Address((*service.parts, *below))) in other.environment.config.resources
        }
        others = sorted(
            (address, name)
            for name, address, _ in users
            if name != self.selected or (wanted := self.wanted.get((address, ""))) is None or wanted.action != "remove"
        )
        is_shared = any(name != self.selected for name, _, _ in users)
        agree = all(name != self.selected for _, name in others)
        if others and self.at == "template":
            address, name = others[0]
            reason = f"template {origin.template} also writes {address}" + (f" in environment {name}" if name else "")
            here = f" for {self.selected or 'this run'} only" if is_shared else " only"
            choices: dict[At, str] = {"overlay" if is_shared else "": f"to remove it from this service{here}"}
            if is_shared:
                choices["base"] = "to remove it from all" if agree else "to remove it from this service for all"
            raise SharedError(reason, choices, "" if is_shared and agree else "cut it out of the template by hand")
        if self.at == "template" or (agree and (not is_shared or self.at == "base")):
            self._keep(origin.key, item, _cuts(self._places(users), item), users)
        else:
            self._unset(item)


def _cut(origin: Origin, key: str) -> Op:
    assert origin.walk.mapping is not None
    return InFile(origin.walk.file, Drop(origin.walk.mapping, key))


def _cuts(origins: Mapping[tuple[str, int], Origin], item: Item) -> list[Op]:
    """Return the removal of a resource from every place that writes it, in the service or its template."""
    return [_cut(origin, item.address.parts[-1]) for origin in origins.values()]


def _texts_of(item: Item) -> Iterator[str]:
    """Yield the texts that an edit writes, except inside of JSON."""
    found: list[object] = [*item.data.values(), item.content if not isinstance(item.content, Mapping) else None]
    while found:
        one = found.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, Mapping):
            found += one.values()
        elif isinstance(one, Collection):
            found += one


def _content(item: Item) -> object:
    return (
        item.data
        if item.action == "add"
        else item.kind.by_path[item.path].comparable(item.content)
        if item.path
        else None
    )


def _names(environments: Collection[str]) -> str:
    return ", ".join(sorted(name or "the configuration without --env" for name in environments))


def _same_place(one: Origin, other: Origin) -> bool:
    return one.key == other.key
