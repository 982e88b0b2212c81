"""Plans: reads the configuration and the account, and compares them (read-only).

Takes `Inputs` and an `Endpoint`; returns a `Planned`. `fetch_and_plan` is the one place that fetches, plans, fetches
the resources that the plan turns out to need, and plans again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, nullcontext
from dataclasses import field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler import __version__
from reconciler.address import Address, AddressError
from reconciler.errors import MatchError, Problem, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import texts_of, url_parts
from reconciler.sources.disk import DiskSources
from reconciler.sources.edited import EditedSources
from reconciler.workflow.baselines import baseline_for, other_ledgers
from reconciler.workflow.connecting import connect, plan_key
from reconciler.workflow.inputs import parse_addresses
from reconciler.workflow.ledgers import open_ledger
from reconciler.workflow.loading import validate
from reconciler.workflow.owners import owners_of_files
from reconciler.workflow.prospects import LazyProspects
from reconciler.workflow.recording import Recorder, continued, find_recorder

if TYPE_CHECKING:
    from reconciler.api.client import ReadClient
    from reconciler.config.model import Approval, Config
    from reconciler.documents.drift import DriftFile
    from reconciler.documents.parts import UndeclaredPart
    from reconciler.documents.plan import PlanFile
    from reconciler.journal import UnfinishedReplace
    from reconciler.ledger.opening import Ledger
    from reconciler.planning.baseline import Baseline, DeclaredElsewhere
    from reconciler.planning.options import PlanOptions
    from reconciler.planning.plan import Plan
    from reconciler.planning.undo import Undo
    from reconciler.planning.widening import Widened
    from reconciler.report import Progress
    from reconciler.state import State
    from reconciler.workflow.inputs import Endpoint, Inputs
    from reconciler.workflow.undoing import UndoSource

_LONGEST_NAME = 512


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan in a form that may be shown, with its inputs.

    Attributes:
        config: The configuration.
        file: The plan in a form that may be shown, without a seal.
        requests: The number of requests of the fetch.
        key: The key of the plan's seal.
        prospects: What `accept` would take of it.
        undeclared: Live settings that are not declared, as they may be shown; only a drift looks for them.
    """

    config: Config
    file: PlanFile
    requests: int
    key: bytes = field(repr=False)
    prospects: LazyProspects = field(repr=False)
    undeclared: tuple[UndeclaredPart, ...] = ()

    def sealed(self) -> PlanFile:
        """Return the plan with its seal, without which the approvals of a saved plan do not count."""
        return self.file.sealed(self.key)


@dataclass(frozen=True, slots=True)
class Detected:
    """A drift.

    Attributes:
        file: The drift.
        prospects: What `accept` would take of it.
    """

    file: DriftFile
    prospects: LazyProspects = field(repr=False)


async def plan(inputs: Inputs, endpoint: Endpoint, progress: Progress) -> Planned:
    """Show the changes that an apply would make (read-only: the client has no write methods).

    An emulator's file is created if it does not exist.

    Raises:
        ReconcilerError: See `reconciler.errors`.
    """
    return await _plan(inputs, endpoint, progress, plan_options(inputs), creates_emulator=True)


async def plan_undo(inputs: Inputs, endpoint: Endpoint, progress: Progress, source: UndoSource) -> Planned:
    """Show the changes that an undo would make (read-only: the client has no write methods).

    Args:
        inputs: The configuration, whose limits, approvals, and protections hold.
        endpoint: The account.
        progress: Receives the progress.
        source: The report whose apply is undone.

    Raises:
        ReconcilerError: See `reconciler.errors`.
    """
    return await _plan(inputs, endpoint, progress, plan_options(inputs), creates_emulator=False, source=source)


async def drift(
    inputs: Inputs, endpoint: Endpoint, progress: Progress, *, searches_unmanaged: bool = False
) -> Detected:
    """Detect drift between the account and the configuration (read-only: the client has no write methods).

    Args:
        inputs: The configuration, and the options that narrow the comparison.
        endpoint: The account.
        progress: Receives the progress.
        searches_unmanaged: Also search collections in which nothing is declared for unmanaged resources.

    Raises:
        UsageError: The emulator's file does not exist.
        ReconcilerError: See `reconciler.errors`.
    """
    from reconciler.documents.drift import drift_document  # noqa: PLC0415 - see the package
    from reconciler.documents.drift_steps import with_owners  # noqa: PLC0415 - see the package

    options = replace(plan_options(inputs), searches=searches_unmanaged, settings=True, count_limit=0)
    planned = await _plan(inputs, endpoint, progress, options, creates_emulator=False)
    found = replace(drift_document(planned.file, planned.undeclared), requests=planned.requests)
    find = owners_of_files(inputs.path)
    return Detected(with_owners(found, find) if find is not None else found, planned.prospects)


async def _plan(
    inputs: Inputs,
    endpoint: Endpoint,
    progress: Progress,
    options: PlanOptions,
    *,
    creates_emulator: bool,
    source: UndoSource | None = None,
) -> Planned:
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see the package

    files = DiskSources(inputs.path, endpoint.environment)
    sources = EditedSources(files)
    config = validate(inputs, endpoint.environment, secrets_later=True, sources=sources)
    key = plan_key(endpoint)
    async with connect(endpoint, ReadClient, progress, config=config, creates_emulator=creates_emulator) as client:
        digest_key = key or client.credentials.digest_key()
        undo = None if source is None else (source, source.undo(config, digest_key, inputs, endpoint.environment))
        ledger, notes = await open_ledger(
            config, inputs, endpoint, client, files, writes=False, applies_source=source is None
        )
        with closing(ledger) if ledger is not None else nullcontext():
            made, _ = await plan_with_records(
                config,
                inputs,
                replace(options, notes=notes),
                client,
                progress,
                key=key,
                ledger=ledger,
                environment=endpoint.environment,
                undo=undo,
            )
        undeclared = build_undeclared(made, client, key, config) if options.settings else ()
        document = build_document(made, client, key, config)
        prospects = LazyProspects(made, config, inputs, files, sources)
        return Planned(config, document, client.requests, digest_key, prospects, undeclared)


async def plan_with_records(
    config: Config,
    inputs: Inputs,
    options: PlanOptions,
    client: ReadClient,
    progress: Progress,
    *,
    key: bytes | None,
    report: str = "",
    ledger: Ledger | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
    undo: tuple[UndoSource, Undo] | None = None,
) -> tuple[Plan, Recorder]:
    """Plan, completing what interrupted applies left.

    Args:
        config: The configuration.
        inputs: The path of the configuration, and whether warnings are errors.
        options: The options that narrow or widen the plan.
        client: The API.
        progress: Receives the progress.
        key: The key that plan and apply share; None for the credentials' own.
        report: The file of the report; empty for none.
        ledger: The ledger; None without one.
        environment: Environment variables, which the applied configuration may have used as well.
        undo: What to undo; None to plan the configuration.

    Raises:
        MatchError: The configuration does not fit the account, or the plan has warnings and they are errors.
    """
    recorders: list[Recorder] = []

    def unfinished(account_sid: str) -> Sequence[UnfinishedReplace]:
        found = find_recorder(config, inputs, client, account_sid, key=key, report=report)
        # An undo continues no apply.
        past = None if undo is not None else continued(found.past, report, inputs, environment)
        recorders.append(replace(found, past=past))
        return found.unfinished

    if undo is None:
        baseline = baseline_for(ledger, config, inputs, environment) if ledger is not None or inputs.baseline else None
        made = await fetch_and_plan(config, client, progress, options, unfinished, baseline=baseline)
        if ledger is not None and ledger.is_first:
            made = replace(made, warnings=(*made.warnings, *_counted_as_created(ledger, made, config)))
    else:
        others = None if ledger is None else other_ledgers(ledger, inputs, environment).owner_of
        made = await _fetch_and_plan_undo(undo, client, progress, options, unfinished, declared_elsewhere=others)
    if inputs.strict:
        _check_warnings(made, config)
    return made, recorders[-1]


def _counted_as_created(ledger: Ledger, made: Plan, config: Config) -> tuple[Problem, ...]:
    """Say how many existing resources an apply deletes once they are not declared, because the ledger begins."""
    from reconciler.ledger.preconditions import counted_as_created  # noqa: PLC0415 - see the package

    declared = ((address, one) for address, one in config.resources.items() if not one.absent)
    existing = [made.live[address] for address, one in declared if one.kind.deletable and address in made.live]
    number = sum(not live.is_built_in for live in existing)
    return (counted_as_created(ledger.ref.name, number),) if number else ()


def _check_warnings(made: Plan, config: Config) -> None:
    """Raise the plan's warnings as errors.

    Raises:
        MatchError: The plan has warnings.
    """
    warnings = [problem for problem in made.warnings if problem.severity == "warning"]
    if warnings:
        raise MatchError([replace(problem, severity="error") for problem in warnings], config.lines)


async def fetch_and_plan(
    config: Config,
    client: ReadClient,
    progress: Progress,
    options: PlanOptions | None = None,
    unfinished: Callable[[str], Sequence[UnfinishedReplace]] = lambda _account_sid: (),
    *,
    state: State | None = None,
    baseline: Baseline | None = None,
) -> Plan:
    """Fetch the account and plan; see `read_and_plan`, which also returns the account."""
    made, _ = await read_and_plan(config, client, progress, options, unfinished, state=state, baseline=baseline)
    return made


async def read_and_plan(
    config: Config,
    client: ReadClient,
    progress: Progress,
    options: PlanOptions | None = None,
    unfinished: Callable[[str], Sequence[UnfinishedReplace]] = lambda _account_sid: (),
    *,
    state: State | None = None,
    baseline: Baseline | None = None,
) -> tuple[Plan, State]:
    """Fetch the account, plan, fetch the resources that the plan turns out to need, and plan again.

    Args:
        config: The configuration.
        client: The API.
        progress: Receives the progress.
        options: The options that narrow or widen the plan.
        unfinished: Returns the replaces that interrupted applies of an account began.
        state: The account, if it has been fetched already.
        baseline: What was applied last; None to compare only the configuration and the account.
    """
    from reconciler.api.fetch import fetch, fetch_planned  # noqa: PLC0415 - see the package
    from reconciler.planning.options import PlanOptions  # noqa: PLC0415 - see the package

    options = options or PlanOptions()
    wanted: Config | Widened = config
    remembered: frozenset[Address] = frozenset()
    if baseline is not None:
        from reconciler.planning.widening import widen  # noqa: PLC0415 - see the package

        wanted = widen(config, baseline)
        remembered = frozenset(wanted.config.resources.keys() - config.resources.keys())
        config = wanted.config
    selection = replace(options.selection(config), remembered=remembered)
    fetched = state or await fetch(config, client, progress, selection)
    progress.working("Comparing the account with the configuration")
    from reconciler.planning.plan import make_plan  # noqa: PLC0415 - while requests were in flight

    replaces = unfinished(fetched.account_sid)
    made = await fetch_planned(lambda: make_plan(wanted, fetched, options, replaces), fetched, client, progress)
    return made, fetched


async def _fetch_and_plan_undo(
    undo: tuple[UndoSource, Undo],
    client: ReadClient,
    progress: Progress,
    options: PlanOptions,
    unfinished: Callable[[str], Sequence[UnfinishedReplace]],
    *,
    declared_elsewhere: DeclaredElsewhere | None,
) -> Plan:
    """Do the same for an undo. Interrupted applies leave nothing to complete: the report says what was before."""
    from reconciler.api.fetch import fetch, fetch_planned  # noqa: PLC0415 - see the package

    source, planner = undo
    options = source.options(options)
    fetched = await fetch(planner.draft(), client, progress)
    unfinished(fetched.account_sid)
    return await fetch_planned(
        lambda: source.plan(planner, fetched, options, declared_elsewhere), fetched, client, progress
    )


def build_document(made: Plan, client: ReadClient, key: bytes | None, config: Config) -> PlanFile:
    """Build the plan in a form that may be shown, without a seal.

    Args:
        made: The plan.
        client: The API, whose credentials key the digests unless there is a key.
        key: The key that plan and apply share; None for the credentials' own.
        config: The configuration.
    """
    from reconciler.documents.plan import plan_document  # noqa: PLC0415 - see the package

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return plan_document(
        made,
        key=key or client.credentials.digest_key(),
        tool_version=__version__,
        created_at=now,
        hidden=known_secrets(config, client),
    )


def build_undeclared(made: Plan, client: ReadClient, key: bytes | None, config: Config) -> tuple[UndeclaredPart, ...]:
    """Build the undeclared settings as they may be shown; see `build_document`."""
    from reconciler.documents.undeclared import undeclared_entries  # noqa: PLC0415 - see the package

    return undeclared_entries(made, key=key or client.credentials.digest_key(), hidden=known_secrets(config, client))


def known_secrets(config: Config, client: ReadClient) -> Iterator[str]:
    """Return the secrets that may occur in a name or value of the account. Longer texts, and JSON, are key material."""
    from reconciler.kinds.fields import Shape  # noqa: PLC0415 - see the package

    secrets = [*config.secrets, *client.credentials.secrets()]
    for declared in config.resources.values():
        for path, value in declared.values.items():
            if path in declared.sensitive or declared.kind.by_path[path].secret:
                if declared.kind.by_path[path].shape is Shape.TEXT:
                    secrets += texts_of(value.content)
            elif isinstance(value.content, str) and value.sensitive:
                secrets += [part.text for part in url_parts(value.content) if part.secret]
    return (text for text in secrets if len(text) <= _LONGEST_NAME and "\n" not in text.strip() and text[:1] != "{")


# --- options ---------------------------------------------------------------------------------------------------------


def plan_options(inputs: Inputs) -> PlanOptions:
    """Parse the options that narrow or widen a plan.

    Raises:
        UsageError: An address is invalid.
    """
    from reconciler.planning.options import PlanOptions  # noqa: PLC0415 - see the package

    return PlanOptions(
        targets=parse_addresses("--target", inputs.targets),
        excludes=parse_addresses("--exclude", inputs.excludes),
        approved=approvals(inputs.approved),
        rotate=parse_addresses("--rotate", inputs.rotate),
        count_limit=inputs.count_limit,
        baseline=inputs.baseline,
        ours=inputs.ours,
    )


def approvals(texts: tuple[str, ...]) -> tuple[Approval, ...]:
    """Parse approvals.

    Raises:
        UsageError: One is invalid.
    """
    from reconciler.config.model import Approval  # noqa: PLC0415 - see the package

    try:
        return tuple(Approval.parse(text) for text in texts)
    except AddressError as error:
        raise UsageError(f"--approve: {error}; write services.support, or replace:services.support") from None
