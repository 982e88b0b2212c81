"""What `accept` would take of a plan, so that only commands that work are suggested.

Takes a plan and the files that it was made of. Parses them only when a command is to be suggested.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.config.sources import display_path
from reconciler.lazy_dataclass import dataclass

if TYPE_CHECKING:
    from reconciler.accept.files import Files
    from reconciler.accept.origins import Environment
    from reconciler.accept.prospects import Prospects
    from reconciler.config.model import Config
    from reconciler.documents.ways_out import Taken
    from reconciler.planning.plan import Plan
    from reconciler.sources.disk import DiskSources
    from reconciler.sources.edited import EditedSources
    from reconciler.workflow.inputs import Inputs


def shown_path(root: str, path: str) -> str:
    """Return a path as the configuration's places have it.

    Args:
        root: The root file's path as shown to users.
        path: The path, relative to the root file's folder.
    """
    return display_path(posixpath.join(posixpath.dirname(root), path))


def environment_of(files: Files, config: Config, sources: EditedSources, overlays: Sequence[str]) -> Environment:
    """Return a configuration with the layers that it was read from.

    Args:
        files: The files.
        config: The configuration.
        sources: What it was read from.
        overlays: The overlays of the command line, relative to the root file's folder.
    """
    from reconciler.accept.origins import Environment, split_layers  # noqa: PLC0415 - see the package

    parsed = [path for path in sources.reads if shown_path(sources.root, path) in config.lines]
    layers = split_layers(files, parsed, config.environment, overlays)
    return Environment(config.environment, config, layers, frozenset(sources.reads))


@dataclass
class LazyProspects:
    """What `accept` would take of a plan's differences; see `reconciler.documents.ways_out.Accepting`.

    Attributes:
        plan: The plan.
        config: The configuration, without what a baseline adds to it.
        inputs: What it was loaded with.
        disk: Its files on the disk.
        sources: What was read of them.
    """

    plan: Plan
    config: Config
    inputs: Inputs
    disk: DiskSources
    sources: EditedSources

    @cached_property
    def _prospects(self) -> Prospects:
        from reconciler.accept.files import Files  # noqa: PLC0415 - see the package
        from reconciler.accept.prospects import Prospects  # noqa: PLC0415 - see the package

        files = Files(self.sources.contents)
        overlays = [self.disk.relative(overlay) for overlay in self.inputs.overlays]
        environment = environment_of(files, self.config, self.sources, overlays)
        return Prospects(self.plan, files, environment, self.inputs.variables)

    def taken(self, names: Sequence[str]) -> Taken:
        """Return the command that accepts as much as possible of some resources and fields that differ."""
        return self._prospects.taken(names)

    def added(self, name: str, kind_name: str) -> tuple[str, ...]:
        """Return the words that add an unmanaged resource of a kind."""
        if not set(self.config.environments) - {self.config.environment}:
            return ("--unmanaged", name)  # no other environment would get it, too
        return self._prospects.added(name, kind_name)
