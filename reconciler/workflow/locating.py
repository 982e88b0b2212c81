"""Finds the SIDs of declared resources (read-only).

Takes `Inputs` and an `Endpoint`; returns a `SidsFile`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import MatchError, UsageError
from reconciler.workflow.connecting import connect
from reconciler.workflow.loading import validate
from reconciler.workflow.planning import plan_options

if TYPE_CHECKING:
    from reconciler.config.model import Config
    from reconciler.documents.sids import SidsFile
    from reconciler.planning.options import PlanOptions
    from reconciler.report import Progress
    from reconciler.workflow.inputs import Endpoint, Inputs


async def sids(inputs: Inputs, endpoint: Endpoint, progress: Progress) -> SidsFile:
    """Find the live resource of each declared one (read-only: the client has no write methods).

    Args:
        inputs: The configuration. With targets, only these resources and those below them.
        endpoint: The API.
        progress: Receives the progress.

    Raises:
        UsageError: A target or an exclusion is not in the configuration, or the emulator's file does not exist.
        ReconcilerError: See `reconciler.errors`.
    """
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see the package
    from reconciler.api.fetch import fetch  # noqa: PLC0415 - see the package
    from reconciler.documents.sids import sids_document  # noqa: PLC0415 - see the package
    from reconciler.planning.match import match  # noqa: PLC0415 - see the package

    config = validate(inputs, endpoint.environment, secrets_later=True)
    options = plan_options(inputs)
    _check_scope(options, config)
    selection = options.selection(config)
    async with connect(endpoint, ReadClient, progress, config=config) as client:
        state = await fetch(config, client, progress, selection)
    matched = match(config, state, selection=selection)
    if any(problem.severity == "error" for problem in matched.problems):
        raise MatchError([*matched.problems, *config.warnings], config.lines)
    wanted = [
        declared.address
        for declared in config.resources.values()
        if not declared.kind.singleton
        and not declared.absent
        and selection.covers(declared)
        and (not options.targets or any(declared.address.is_within(target) for target in options.targets))
    ]
    return sids_document(
        state.account_sid,
        config.environment,
        {address: matched.live[address].sid for address in wanted if address in matched.live},
        [address for address in wanted if address not in matched.live],
    )


def _check_scope(options: PlanOptions, config: Config) -> None:
    """Check that every target and exclusion is in the configuration.

    Raises:
        UsageError: One is not; the message has the near miss.
    """
    from reconciler.config import paste  # noqa: PLC0415 - see the package
    from reconciler.config.similar import closest_address  # noqa: PLC0415 - see the package
    from reconciler.planning.near import declared_names  # noqa: PLC0415 - see the package

    for option, addresses in (("--target", options.targets), ("--exclude", options.excludes)):
        for address in addresses:
            if not any(declared.is_within(address) for declared in config.resources):
                meant = closest_address(address, config.resources, declared_names(config))
                hint = "`reconciler sids` lists the addresses"
                if meant is not None:
                    hint = f"Did you mean this?\n  {paste.option(option, meant)}"
                raise UsageError(f"{option} {address}: the configuration has no such resource. {hint}")
