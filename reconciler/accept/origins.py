"""Where the value of a field comes from: the files, overlays, and templates that write it, by precedence.

Takes the files of each environment; returns the `Origin` that wins, and who else uses it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field

from reconciler.accept.files import Files, Walk
from reconciler.accept.positions import Scalar
from reconciler.accept.positions import Sequence as SequenceNode
from reconciler.address import Address
from reconciler.config.model import Config
from reconciler.config.sources import resolve_path
from reconciler.kinds import KINDS
from reconciler.lazy_dataclass import dataclass

_TEMPLATES = "templates"


@dataclass(frozen=True, slots=True)
class Layer:
    """Files that are merged with each other: the base, or an overlay with its includes.

    Attributes:
        name: The path of the overlay; empty for the base.
        files: The paths of the files.
    """

    name: str
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Environment:
    """A configuration as it is read for one environment.

    Attributes:
        name: The environment; empty for none.
        config: The configuration.
        layers: Its layers, the base first.
        reads: The files that were read for it.
    """

    name: str
    config: Config
    layers: tuple[Layer, ...]
    reads: frozenset[str]


@dataclass(frozen=True, slots=True)
class Origin:
    """The place that writes a value.

    Attributes:
        walk: The place.
        layer: The position of its layer.
        template: The name of the template that it is in; empty for none.
    """

    walk: Walk
    layer: int
    template: str = ""

    @property
    def key(self) -> tuple[str, int]:
        """A value that is the same for all users of the place."""
        return self.walk.is_same_as


def split_layers(files: Files, reads: Sequence[str], environment: str, overlays: Sequence[str]) -> tuple[Layer, ...]:
    """Split the files that were read for an environment into the base and its overlays.

    Args:
        files: The files.
        reads: Their paths in the order in which they were read.
        environment: The environment.
        overlays: The overlays of the command line.
    """
    expected = [*_overlays(files, reads, environment), *overlays]
    layers: list[tuple[str, list[str]]] = [("", [])]
    for path in reads:
        if expected and layers[0][1] and path == expected[0]:
            layers.append((expected.pop(0), []))
        if path not in layers[-1][1]:
            layers[-1][1].append(path)
    return tuple(Layer(name, tuple(paths)) for name, paths in layers)


def assumed(files: Files, own: Environment, name: str) -> Environment:
    """Return another environment as if it used all that is in the base files, without loading it.

    Args:
        files: The files that were read for the selected environment.
        own: The selected environment.
        name: The other one.
    """
    known = {layer.name: layer for layer in own.layers[1:]}
    overlays = _overlays(files, own.layers[0].files, name)
    layers = (own.layers[0], *(known.get(path, Layer(path, ())) for path in overlays))
    return Environment(name, own.config, layers, own.reads)


def _overlays(files: Files, reads: Sequence[str], environment: str) -> Iterator[str]:
    for file in dict.fromkeys(reads) if environment else ():
        found = files.walk(file, ("environments", environment, "overlays")).node
        items = found.items if isinstance(found, SequenceNode) else [found] if found is not None else []
        for item in items:
            path = resolve_path(file, item.text) if isinstance(item, Scalar) else None
            if path is not None:
                yield path
        if items:
            return


def account_of(other: Origins, own: Origins) -> str:
    """Return the SID of the account of an environment, or another text if it is not known.

    Args:
        other: The environment, which may be an assumed one.
        own: The selected environment, which was loaded.
    """
    environment, loaded = other.environment, own.environment
    if environment.config is not loaded.config or environment.name == loaded.name:
        return environment.config.account_sid or ""

    def written(name: str) -> str | None:
        nodes = (other.files.walk(file, ("environments", name, "account_sid")).node for file in loaded.layers[0].files)
        return next((node.text for node in nodes if isinstance(node, Scalar)), None)

    found = written(environment.name)
    if found is None and written(loaded.name) is None:
        return loaded.config.account_sid or ""  # both have the one at the top, or none
    return found or ""


@dataclass
class Origins:
    """The origins of the values of one environment.

    Attributes:
        files: The files.
        environment: The environment.
    """

    files: Files
    environment: Environment
    _templates: dict[str, str] = field(default_factory=dict)

    def all(self, parts: Sequence[str]) -> Iterator[Origin]:
        """Yield every place that writes a value, the one that wins first.

        Args:
            parts: The address and the path of the field, as keys.
        """
        yield from self._in_layers(parts)
        name, rest = self.template(parts)
        if name:
            for origin in self._in_layers((_TEMPLATES, name, *rest)):
                yield Origin(origin.walk, origin.layer, name)

    def first(self, parts: Sequence[str]) -> Origin | None:
        """Return the place that writes the value that counts; None if no place does."""
        return next(self.all(parts), None)

    def _in_layers(self, parts: Sequence[str]) -> Iterator[Origin]:
        for number, layer in reversed(list(enumerate(self.environment.layers))):
            found = [walk for file in layer.files if (walk := self.files.walk(file, parts)).node is not None]
            yield from (Origin(walk, number) for walk in sorted(found, key=lambda walk: walk.is_alias))

    def template(self, parts: Sequence[str]) -> tuple[str, Sequence[str]]:
        """Return the template that applies to a value, and the keys of the value in it; empty for none."""
        section = _container()
        length = len(section) + 1
        if tuple(parts[: len(section)]) != section or len(parts) <= length:
            return "", ()
        handle = parts[length - 1]
        if handle not in self._templates:
            named = next(self._in_layers((*section, handle, "template")), None)
            node = named.walk.node if named is not None else None
            is_name = isinstance(node, Scalar) and node.tag == "" and node.text not in {"", "~", "null"}
            self._templates[handle] = node.text if is_name and isinstance(node, Scalar) else ""
        return self._templates[handle], parts[length:]

    def with_template(self, name: str) -> Iterator[Address]:
        """Yield the addresses of the resources that use a template."""
        section = _container()
        for address in self.environment.config.resources:
            if len(address.parts) == len(section) + 1 and address.parts[: len(section)] == section:
                found, _ = self.template((*address.parts, ""))
                if found == name:
                    yield address

    def deepest(self, parts: Sequence[str], layer: int) -> Walk | None:
        """Return the file of a layer that has most of the keys, and no alias on the way."""
        walks = [self.files.walk(file, parts) for file in self.environment.layers[layer].files]
        fit = [walk for walk in walks if walk.mapping is not None]
        return max(fit, key=lambda walk: walk.depth, default=None)

    def variable(self, name: str) -> Origin | None:
        """Return the place that defines a variable; None if the files do not."""
        layers = self.environment.layers
        for number in range(len(layers) - 1, 0, -1):
            if (found := self._in(number, ("variables", name))) is not None:
                return found
        selected = ("environments", self.environment.name, "variables", name)
        return (self._in(0, selected) if self.environment.name else None) or self._in(0, ("variables", name))

    def _in(self, number: int, parts: tuple[str, ...]) -> Origin | None:
        walks = (self.files.walk(file, parts) for file in self.environment.layers[number].files)
        return next((Origin(walk, number) for walk in walks if walk.node is not None), None)


def uses_of_variables(config: Config) -> Mapping[str, list[tuple[Address, str]]]:
    """Return the values that come through each variable, as address and path."""
    uses: dict[str, list[tuple[Address, str]]] = {}
    for declared in config.resources.values():
        for path, value in declared.values.items():
            if "variable " not in value.place.via:
                continue
            for part in value.place.via.split(", "):
                if part.startswith("variable "):
                    name = part.removeprefix("variable ").split(" ", 1)[0]
                    uses.setdefault(name, []).append((declared.address, path))
    return uses


def _container() -> tuple[str, ...]:
    """Return the section of the resources that can use templates."""
    return next((kind.section for kind in KINDS if kind.is_container), ())
