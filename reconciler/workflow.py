"""The verbs as async functions: the one place where the shell (disk, network) and the pure core meet.

Takes what the command line was told, in `Inputs` and `Endpoint`; gives data: a `Config`, a `Planned`, an `Applied`.
Prints nothing, asks nobody (the caller hands in `confirm`), and knows no exit codes beyond the errors it raises.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler import __version__, config
from reconciler.address import Address, AddressError
from reconciler.config.sources import readable
from reconciler.errors import ConfigError, GuardRefusal, MatchError, Problem, StalePlan, UsageError
from reconciler.redaction import Redaction, texts_of, url_parts
from reconciler.sources.disk import DiskSources

if TYPE_CHECKING:  # what only some verbs need is imported by them, so that `validate` starts without an HTTP library
    import asyncio

    from reconciler.api.client import ReadClient
    from reconciler.api.retry import Retry
    from reconciler.config.model import Approval, Config
    from reconciler.documents.comparison import ComparisonFile
    from reconciler.documents.plan import PlanFile
    from reconciler.documents.sids import SidsFile
    from reconciler.emulator import Emulator
    from reconciler.execution.journal_file import JournalFile
    from reconciler.execution.record import Record
    from reconciler.export import Export
    from reconciler.journal import Unfinished
    from reconciler.planning.plan import Plan, PlanOptions
    from reconciler.report import Progress, Report
    from reconciler.sources.git import GitSources

AnyClient = TypeVar("AnyClient", bound="ReadClient")

PLAN_KEY = "RECONCILER_PLAN_KEY"
"""The variable with a key that plan and apply share where their credentials differ."""
SHORTEST_PLAN_KEY = 32
_LONGEST_NAME = 512


@dataclass(frozen=True, slots=True)
class Inputs:
    """Which files, and how to read them.

    Attributes:
        path: a root file, or a folder that holds ``reconciler.yaml``.
        ref: the commit to read them at (only for compare); empty for the disk.
        from_top: whether the path is one from the top of the repository, when there is a ref.
        environment: the environment to pick; empty for none.
        variables: from ``--var``.
        overlays: files from ``--overlay``, relative to the current folder.
        strict: whether warnings are errors.
        allow_unset: whether unset variables are unknown values (only for validate).
        targets: addresses to narrow to, as text.
        excludes: addresses to leave out, as text.
        approved: destructive changes that are approved, as ``[ACTION:]ADDRESS``.
        rotate: addresses whose values that Twilio never returns are sent, as text.
    """

    path: str = "."
    ref: str = ""
    from_top: bool = False
    environment: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    overlays: tuple[str, ...] = ()
    strict: bool = False
    allow_unset: bool = False
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()
    rotate: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API is and who asks.

    Attributes:
        emulator: the emulator's SQLite file, in process; empty for a real API.
        api_url: another API's URL; empty for Twilio.
        profile: a profile of Twilio's CLI; empty for the environment's credentials.
        concurrency: how many requests at once; writes get half of it.
        timeout: how many seconds the command may speak with the API, tries included; a person's time to answer is not
            counted.
        environment: environment variables, for credentials, region and edge.
        app: an emulator that runs in this process already, instead of `emulator`. Retries do not wait for it.
    """

    emulator: str = ""
    api_url: str = ""
    profile: str = ""
    concurrency: int = 10
    timeout: float = 1800
    environment: Mapping[str, str] = field(default_factory=dict)
    app: Emulator | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What a plan found.

    Attributes:
        config: the files.
        file: the plan as it may be shown and saved.
        requests: how many requests the fetch took.
    """

    config: Config
    file: PlanFile
    requests: int


@dataclass(frozen=True, slots=True)
class Applied:
    """What an apply did.

    Attributes:
        file: the plan that was applied.
        report: how it went; None when there was nothing to do or the person declined.
        declined: whether the person said no.
    """

    file: PlanFile
    report: Report | None
    declined: bool = False


Show = Callable[["PlanFile"], None]
"""Shows a plan that has changes, before anything else is done with it."""


class Decision(Enum):
    """What becomes of a plan that was shown.

    Attributes:
        DECLINED: it is not applied.
        APPROVED: a person approved it just now. The account may have changed while the person read the plan, so it is
            planned again, and only what was shown is applied.
        PREAPPROVED: it was to be applied from the start, so no time has passed since it was made.
    """

    DECLINED = "declined"
    APPROVED = "approved"
    PREAPPROVED = "preapproved"


Confirm = Callable[["PlanFile"], Awaitable[Decision]]
"""Decides about a plan that was shown."""


def validate(inputs: Inputs, environment: Mapping[str, str], *, secrets_later: bool = False) -> Config:
    """Read and check the files, offline.

    Args:
        inputs: which files.
        environment: environment variables.
        secrets_later: whether secrets may be unset, since only what an apply sends needs them.

    Raises:
        ConfigError: everything that is wrong with them, all at once.
    """
    sources = DiskSources(inputs.path, environment)
    return config.load(
        sources,
        environment=inputs.environment,
        variables=inputs.variables,
        overlays=[sources.relative(overlay) for overlay in inputs.overlays],
        strict=inputs.strict,
        allow_unset=inputs.allow_unset,
        secrets_later=secrets_later,
        now=datetime.now(UTC),
    )


def validate_all(inputs: Inputs, environment: Mapping[str, str]) -> tuple[Config, ...]:
    """Read and check the files once for each environment that they define, or once if they define none; offline.

    Args:
        inputs: which files; their environment does not matter.
        environment: environment variables.

    Raises:
        ConfigError: everything that is wrong in any environment. What is wrong in some of them only says so.
    """
    from reconciler.config.outline import outline  # noqa: PLC0415 - see above

    sources = DiskSources(inputs.path, environment)
    names = sorted(outline(sources).environments) or [""]
    loaded: list[Config] = []
    problems: dict[str, Sequence[Problem]] = {}
    lines: dict[str, tuple[str, ...]] = {}
    for name in names:
        try:
            files = validate(replace(inputs, environment=name), environment)
        except ConfigError as error:
            problems[name] = error.problems
            lines |= error.lines
        else:
            loaded.append(files)
            problems[name] = files.warnings
            lines |= files.lines
    told = _by_environment(problems)
    if len(loaded) < len(names):
        raise ConfigError(told, lines)
    return tuple(replace(files, warnings=tuple(told)) for files in loaded)


def _by_environment(problems: Mapping[str, Sequence[Problem]]) -> list[Problem]:
    """Problems of several environments: each once, with the environments that have it unless all of them do."""
    found: dict[Problem, list[str]] = {}
    for name, some in problems.items():
        for problem in dict.fromkeys(some):
            found.setdefault(problem, []).append(name)
    told = [
        problem
        if len(names) == len(problems)
        else replace(problem, message=f"{problem.message} (in {', '.join(names)})")
        for problem, names in found.items()
    ]
    return sorted(told, key=Problem.sort_key)


def compare(before: Inputs, after: Inputs) -> ComparisonFile:
    """Read two configurations, each from the disk or from git's objects, and compare them. Reads no environment.

    Args:
        before: the first, which stands in for the account.
        after: the second.

    Raises:
        ConfigError: everything that is wrong with either.
        UsageError: a ref that names no commit, or no repository.
    """
    from reconciler.documents.comparison import SideEntry, comparison_document  # noqa: PLC0415 - see above
    from reconciler.planning.comparison import compare as compare_configs  # noqa: PLC0415 - see above
    from reconciler.planning.comparison import is_one_account  # noqa: PLC0415 - see above

    read: list[tuple[Config, SideEntry]] = []
    wrong: list[ConfigError] = []
    for inputs in (before, after):
        with _sources(inputs) as sources:
            try:
                files = config.load(
                    sources,
                    environment=inputs.environment,
                    variables=inputs.variables,
                    overlays=[sources.relative(overlay) for overlay in inputs.overlays],
                    strict=inputs.strict,
                    by_name=True,
                )
            except ConfigError as error:
                wrong.append(error)
                continue
            name = f"{'git:' if inputs.ref else ''}{readable(sources.root)}"
            name += f"@{inputs.environment}" if inputs.environment else ""
            side = SideEntry(
                name=name, account_sid=files.account_sid or "", env=files.environment, config_digest=files.digest
            )
            read.append((files, side))
    if wrong:
        problems = dict.fromkeys(problem for error in wrong for problem in error.problems)
        raise ConfigError(list(problems), {file: lines for error in wrong for file, lines in error.lines.items()})
    (first, one), (second, other) = read
    return comparison_document(
        compare_configs(first, second),
        one,
        other,
        one_account=is_one_account(first, second),
        tool_version=__version__,
    )


@contextmanager
def _sources(inputs: Inputs) -> Iterator[DiskSources | GitSources]:
    if not inputs.ref:
        yield DiskSources(inputs.path, {})
        return
    from reconciler.sources.git import GitSources  # noqa: PLC0415 - see above

    with GitSources(inputs.ref, inputs.path, from_top=inputs.from_top) as sources:
        yield sources


async def plan(inputs: Inputs, endpoint: Endpoint, progress: Progress) -> Planned:
    """Read the files, fetch the account, compare. Sends nothing but GET: the client it holds cannot write.

    Raises:
        ReconcilerError: see `reconciler.errors`.
    """
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see above

    files = validate(inputs, endpoint.environment, secrets_later=True)
    key = _plan_key(endpoint)
    options = _plan_options(inputs)
    async with _connected(
        endpoint, ReadClient, progress, hidden=_hidden(files), account_sid=files.account_sid or ""
    ) as client:
        made, _ = await _planned(files, inputs, options, client, progress, key=key)
        return Planned(files, _seen(made, client, key, files), client.requests)


async def apply(
    inputs: Inputs,
    endpoint: Endpoint,
    progress: Progress,
    show: Show,
    confirm: Confirm,
    *,
    approved: PlanFile | None = None,
    stop: asyncio.Event | None = None,
    trigger_webhooks: bool = False,
    report: str = "",
) -> Applied:
    """Plan afresh and apply it.

    Args:
        inputs: which files.
        endpoint: where the API is.
        progress: who is told how it goes.
        show: shown the plan, unless there is nothing to do.
        confirm: decides about the shown plan before anything is written.
        approved: a reviewed plan; every fresh change must be one of its changes. Its approvals count if its seal
            matches.
        stop: when set, no further step is started.
        trigger_webhooks: whether the account's own webhooks are told of the writes that can tell them.
        report: a file that gets the report while the apply runs; empty for none.

    Raises:
        JournalError: what only the account has could not be saved; nothing was sent.
        MatchError: a step needs a secret that is not set; nothing was sent.
        StalePlan: the approved plan no longer fits, or is one of other files; nothing was sent.
        GuardRefusal: a guard refuses; nothing was sent.
        ReconcilerError: see `reconciler.errors`; nothing was sent.
    """
    from reconciler.api.client import Client  # noqa: PLC0415 - see above
    from reconciler.execution.apply import apply as apply_plan  # noqa: PLC0415 - see above
    from reconciler.report import Report  # noqa: PLC0415 - see above

    files = _files_of(inputs, approved, endpoint.environment)
    if files.account_sid is None and not _is_local(endpoint):
        raise UsageError(
            "the files do not say which account they are for, so nothing is applied to a real one; write its SID under "
            "account.sid, or under account_sid of the environment"
        )
    begun = time.monotonic()
    fresh = await _planned_to_apply(files, inputs, endpoint, progress, approved=approved, report=report)
    left = replace(endpoint, timeout=endpoint.timeout - (time.monotonic() - begun))
    if fresh.plan.changes or fresh.differences:
        show(fresh.seen)
        fresh.check()
        decision = await confirm(fresh.seen)
        if decision is Decision.DECLINED:
            return Applied(fresh.seen, None, declined=True)
        if decision is Decision.APPROVED:
            begun = time.monotonic()
            fresh = await _planned_to_apply(files, inputs, left, progress, approved=fresh.seen, report=report)
            fresh.check()
            left = replace(left, timeout=left.timeout - (time.monotonic() - begun))
    if not fresh.plan.changes:
        with fresh.kept.record(fresh.plan, fresh.seen, progress) as record:
            record.end(Report(()))
        return Applied(fresh.seen, None)
    async with _connected(
        left, Client, progress, stop, hidden=_hidden(files), account_sid=files.account_sid or ""
    ) as client:
        with fresh.kept.record(fresh.plan, fresh.seen, progress) as record:
            found = await apply_plan(
                fresh.plan, client, record, stop, trigger_webhooks=trigger_webhooks, journal=record
            )
            record.end(found)
        return Applied(fresh.seen, found)


@dataclass(frozen=True, slots=True)
class _Fresh:
    """A plan that was made to be applied.

    Attributes:
        plan: the plan.
        seen: the same as it may be shown.
        kept: what interrupted applies left, and where this one writes.
        differences: what it would do that the approved plan does not cover, one sentence each.
        is_sealed: whether the approvals of the approved plan count.
    """

    plan: Plan
    seen: PlanFile
    kept: _Kept
    differences: tuple[str, ...]
    is_sealed: bool

    def check(self) -> None:
        """Raise what keeps the plan from being applied.

        Raises:
            StalePlan: the approved plan does not cover it.
            GuardRefusal: a guard refuses it.
        """
        if self.differences:
            raise StalePlan(self.differences)
        if self.plan.blocking():
            raise GuardRefusal((*self.plan.blocking(), *(() if self.is_sealed else _unsealed(self.plan))))


async def _planned_to_apply(
    files: Config, inputs: Inputs, endpoint: Endpoint, progress: Progress, *, approved: PlanFile | None, report: str
) -> _Fresh:
    """Plan in order to apply.

    Args:
        files: the configuration.
        inputs: how it is to be planned.
        endpoint: where the API is.
        progress: told how it goes.
        approved: a plan that has to cover the fresh one.
        report: the file that gets the report while the apply runs; empty for none.

    Raises:
        MatchError: a step needs a secret that is not set.
    """
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see above
    from reconciler.documents.approval import not_approved  # noqa: PLC0415 - see above
    from reconciler.documents.live import live_entries  # noqa: PLC0415 - see above

    shared_key = _plan_key(endpoint)
    options = _plan_options(inputs)
    is_sealed = True
    async with _connected(
        endpoint, ReadClient, progress, hidden=_hidden(files), account_sid=files.account_sid or ""
    ) as reader:
        key = shared_key or reader.credentials.digest_key()
        if approved is not None:
            is_sealed = approved.has_valid_seal(key)
            options = _with_approvals(options, approved, is_sealed=is_sealed)
        made, kept = await _planned(files, inputs, options, reader, progress, key=shared_key, report=report)
        seen = _seen(made, reader, key, files)
    if made.unset:
        raise MatchError(made.unset, files.lines)
    if approved is None:
        return _Fresh(made, seen, kept, (), is_sealed)
    there = live_entries(made, approved, key=key, hidden=_known_secrets(files, reader))
    return _Fresh(made, seen, kept, not_approved(approved, seen, there), is_sealed)


def _with_approvals(options: PlanOptions, approved: PlanFile, *, is_sealed: bool) -> PlanOptions:
    """The options with the approvals of an approved plan, which count only if its seal shows that they are its own.

    The plan is compared with a fresh one, so whoever edits it gains nothing else.
    """
    brought = _approvals(approved.options.approved)
    given = dict.fromkeys((*brought, *options.approved) if is_sealed else options.approved)
    return replace(options, approved=tuple(given), brought=brought)


def _unsealed(made: Plan) -> Iterator[str]:
    """Why an approval that the plan file names does not count, if a guard asks for it."""
    brought = {(approval.address, approval.action) for approval in made.options.brought}
    asked = [
        change
        for change in made.changes
        if change.guard is not None and change.guard.name == "approval" and (change.address, change.action) in brought
    ]
    if asked:
        yield (
            "the approvals in the plan file do not count, because its seal does not match: it was edited, or made with "
            f"other credentials; give --approve again, or set the same {PLAN_KEY} (or use the same credentials) for "
            "plan and apply"
        )


async def sids(inputs: Inputs, endpoint: Endpoint, progress: Progress) -> SidsFile:
    """Find the live resource of each declared one. Sends nothing but GET: the client it holds cannot write.

    Args:
        inputs: which files; with targets, only these resources and what is below them.
        endpoint: where the API is.
        progress: who is told how it goes.

    Raises:
        UsageError: a target or an exclusion is not in the configuration.
        ReconcilerError: see `reconciler.errors`.
    """
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see above
    from reconciler.api.fetch import fetch  # noqa: PLC0415 - see above
    from reconciler.documents.sids import sids_document  # noqa: PLC0415 - see above
    from reconciler.planning.match import match  # noqa: PLC0415 - see above

    files = validate(inputs, endpoint.environment, secrets_later=True)
    options = _plan_options(inputs)
    for option, addresses in (("--target", options.targets), ("--exclude", options.excludes)):
        for address in addresses:
            if not any(declared.is_within(address) for declared in files.resources):
                close = get_close_matches(str(address), map(str, files.resources), n=1)
                hint = f"did you mean {close[0]}?" if close else "`reconciler sids` lists the addresses"
                raise UsageError(f"{option} {address}: the configuration has no such resource; {hint}")
    selection = options.selection(files)
    async with _connected(
        endpoint, ReadClient, progress, hidden=_hidden(files), account_sid=files.account_sid or ""
    ) as client:
        state = await fetch(files, client, progress, selection)
    matched = match(files, state, selection=selection)
    if any(problem.severity == "error" for problem in matched.problems):
        raise MatchError([*matched.problems, *files.warnings], files.lines)
    wanted = [
        declared.address
        for declared in files.resources.values()
        if not declared.kind.singleton
        and not declared.absent
        and selection.covers(declared)
        and (not options.targets or any(declared.address.is_within(target) for target in options.targets))
    ]
    return sids_document(
        state.account_sid,
        files.environment,
        {address: matched.live[address].sid for address in wanted if address in matched.live},
        [address for address in wanted if address not in matched.live],
    )


def _files_of(inputs: Inputs, approved: PlanFile | None, environment: Mapping[str, str]) -> Config:
    """The files to apply; of an approved plan, with what it says of how they are read.

    Raises:
        StalePlan: they have no environment of the name that the plan was made for.
    """
    try:
        return validate(inputs, environment, secrets_later=True)
    except ConfigError as error:
        unknown = next((problem for problem in error.problems if problem.code == "unknown-environment"), None)
        if approved is None or unknown is None:
            raise
        difference = (
            f"it was made for the environment {approved.options.env!r}, and the files in {inputs.path} have none of "
            f"that name ({unknown.hint}); if it is a plan of other files, name those"
        )
        raise StalePlan([difference]) from None


async def export(
    endpoint: Endpoint,
    progress: Progress,
    *,
    include: Sequence[str] = (),
    former: str = "",
    in_one_file: bool = True,
) -> Export:
    """Read the whole account and write it as files, in memory. Sends nothing but GET: the client it holds cannot write.

    Args:
        endpoint: where the API is.
        progress: who is told how it goes.
        include: of the collections that may be very long, those that are wanted: ``users``, ``conversations``.
        former: the folder of files that are there already, whose handles stay, and what they take from outside of
            them; what they hold of those collections is wanted too. Empty for none.
        in_one_file: whether everything goes into one file.

    Raises:
        UsageError: when the files that are there are another account's, do not load, or would lose what an export
            cannot restore.
        ReconcilerError: see `reconciler.errors`.
    """
    from reconciler.api.client import ReadClient  # noqa: PLC0415 - see above
    from reconciler.export import export as write  # noqa: PLC0415 - see above
    from reconciler.export.account import read_account  # noqa: PLC0415 - see above
    from reconciler.export.kept import known_from  # noqa: PLC0415 - see above
    from reconciler.kinds import BY_NAME  # noqa: PLC0415 - see above
    from reconciler.kinds.relations import long_collections  # noqa: PLC0415 - see above

    there = _former(former, endpoint.environment) if former else None
    held = {declared.kind for declared in there.resources.values()} if there is not None else set()
    wanted = {*include, *(word for word, kinds in long_collections().items() if not held.isdisjoint(kinds))}
    async with _connected(endpoint, ReadClient, progress) as client:
        state = await read_account(client, progress, sorted(wanted))
    if there is None:
        return write(state, in_one_file=in_one_file)
    if there.account_sid not in {None, state.account_sid}:
        raise UsageError(
            f"the files that are there are those of account {there.account_sid}, and the credentials are for "
            f"{state.account_sid}; name another folder"
        )
    if state.unreadable:
        kinds = sorted({BY_NAME[collection.kind].noun for collection in state.unreadable})
        raise UsageError(
            f"the API key may not read everything ({', '.join(kinds)}), so an export over the files that are there "
            "would lose what they declare; give the key permission, or name another folder"
        )
    sources = DiskSources(former, endpoint.environment)
    return write(state, known=known_from(there, state, sources.environment, sources.read), in_one_file=in_one_file)


def _former(folder: str, environment: Mapping[str, str]) -> Config:
    """The files that an export is to write anew.

    Raises:
        UsageError: they do not load, so nobody can tell what they keep out of themselves.
    """
    try:
        return validate(Inputs(folder, allow_unset=True), environment)
    except ConfigError as error:
        first = next(problem for problem in error.problems if problem.severity == "error")
        where = f"{first.place}: " if first.place is not None else ""
        raise UsageError(
            f"the files that are there do not load ({where}{first.message}), so an export cannot keep their handles, "
            "and what they take from secrets; mend them (`reconciler validate` tells all), or name another folder"
        ) from None


@dataclass(frozen=True, slots=True)
class _Kept:
    """What interrupted applies left on the disk, and where this one writes.

    Attributes:
        journal: the journal's file.
        report: the report's file; None for none.
        unfinished: the replaces that they began.
    """

    journal: JournalFile
    report: Path | None
    unfinished: tuple[Unfinished, ...]

    @contextmanager
    def record(self, made: Plan, seen: PlanFile, progress: Progress) -> Iterator[Record]:
        """What an apply writes down; the journal is locked and written only where there is something to write.

        Raises:
            JournalError: it cannot be written, or another apply writes it.
        """
        from reconciler.errors import JournalError  # noqa: PLC0415 - see above
        from reconciler.execution.record import Record  # noqa: PLC0415 - see above

        with ExitStack() as stack:
            journal: JournalFile | None = None
            if self.unfinished or any(change.action == "replace" and not change.is_withheld for change in made.changes):
                before = self.journal.entries
                try:
                    journal = stack.enter_context(self.journal.writing())
                except JournalError:
                    # The report keeps what may be shown.
                    if self.report is None or self.journal.is_locked:
                        raise
                else:
                    journal.load()
                    if journal.entries.keys() != before.keys():
                        raise JournalError(
                            f"another apply changed {journal.path.as_posix()} meanwhile; nothing was sent. Run the "
                            "command again"
                        )
            record = Record(
                made,
                seen,
                scope=self.journal.scope,
                journal=journal,
                report=self.report,
                unfinished=self.unfinished,
                progress=progress,
            )
            record.start()
            yield record


async def _planned(
    files: Config,
    inputs: Inputs,
    options: PlanOptions,
    client: ReadClient,
    progress: Progress,
    *,
    key: bytes | None,
    report: str = "",
) -> tuple[Plan, _Kept]:
    """Plan; gives the plan, and what interrupted applies left, which it goes on with."""
    from reconciler.api.fetch import fetch, fetch_planned  # noqa: PLC0415 - see above
    from reconciler.execution.journal_file import JournalFile  # noqa: PLC0415 - see above
    from reconciler.execution.record import read_report  # noqa: PLC0415 - see above
    from reconciler.journal import Scope  # noqa: PLC0415 - see above
    from reconciler.planning.plan import make_plan  # noqa: PLC0415 - see above

    state = await fetch(files, client, progress, options.selection(files))
    root = Path(DiskSources(inputs.path, {}).root)
    scope = Scope(
        account_sid=state.account_sid,
        root=root.name,
        environment=files.environment,
        endpoint=client.endpoint,
        key=key or client.credentials.signing_key(),
    )
    journal = JournalFile(root.parent, scope)

    def names(address: Address) -> tuple[str, ...]:
        declared = files.resources.get(address)
        return () if declared is None else (declared.natural_key, declared.renamed_from)

    found = {entry.sid: entry for entry in read_report(Path(report), scope, names)} if report else {}
    # The journal holds what a report leaves out.
    found |= {entry.sid: entry for entry in journal.load()}
    unfinished = tuple(found.values())
    made = await fetch_planned(lambda: make_plan(files, state, options, unfinished), state, client, progress)
    return made, _Kept(journal, Path(report) if report else None, unfinished)


def _plan_key(endpoint: Endpoint) -> bytes | None:
    """The key for digests of sensitive contents that the environment sets, for who plans and who applies alike.

    Raises:
        UsageError: it is short enough to be guessed, and with it a short secret.
    """
    text = endpoint.environment.get(PLAN_KEY, "")
    if not text:
        return None
    if len(text) < SHORTEST_PLAN_KEY:
        raise UsageError(f"{PLAN_KEY} has under {SHORTEST_PLAN_KEY} characters; make one with `openssl rand -hex 32`")
    return hashlib.sha256(f"reconciler plan key\0{text}".encode(errors="surrogateescape")).digest()


def _seen(made: Plan, client: ReadClient, key: bytes | None, files: Config) -> PlanFile:
    from reconciler.documents.plan import plan_document  # noqa: PLC0415 - see above

    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return plan_document(
        made,
        key=key or client.credentials.digest_key(),
        tool_version=__version__,
        created_at=now,
        hidden=_known_secrets(files, client),
    )


def _known_secrets(files: Config, client: ReadClient) -> Iterator[str]:
    """Secrets that the account may repeat in a name or a value. What is longer than those, or JSON, is key material."""
    from reconciler.kinds.fields import Shape  # noqa: PLC0415 - see above

    found = [*files.secrets, *client.credentials.secrets()]
    for declared in files.resources.values():
        for path, value in declared.values.items():
            if path in declared.sensitive or declared.kind.by_path[path].secret:
                if declared.kind.by_path[path].shape is Shape.TEXT:
                    found += texts_of(value.content)
            elif isinstance(value.content, str) and value.sensitive:
                found += [part.text for part in url_parts(value.content) if part.secret]
    return (text for text in found if len(text) <= _LONGEST_NAME and "\n" not in text.strip() and text[:1] != "{")


def _hidden(files: Config) -> Iterator[str]:
    """Every text of the files that may not be shown."""
    for declared in files.resources.values():
        for path, value in declared.values.items():
            if declared.is_sensitive(path):
                yield from texts_of(value.content)


def _plan_options(inputs: Inputs) -> PlanOptions:
    from reconciler.planning.plan import PlanOptions  # noqa: PLC0415 - see above

    return PlanOptions(
        targets=_addresses("--target", inputs.targets),
        excludes=_addresses("--exclude", inputs.excludes),
        approved=_approvals(inputs.approved),
        rotate=_addresses("--rotate", inputs.rotate),
    )


def _addresses(option: str, texts: tuple[str, ...]) -> tuple[Address, ...]:
    try:
        return tuple(Address.parse(text) for text in texts)
    except AddressError as error:
        raise UsageError(
            f'{option}: {error}; an address looks like services.support.roles.agent or addresses["+14155550100"]'
        ) from None


def _approvals(texts: tuple[str, ...]) -> tuple[Approval, ...]:
    from reconciler.config.model import Approval  # noqa: PLC0415 - see above

    try:
        return tuple(Approval.parse(text) for text in texts)
    except AddressError as error:
        raise UsageError(f"--approve: {error}; write services.support, or replace:services.support") from None


def _is_local(endpoint: Endpoint) -> bool:
    """Whether the API is an emulator for sure: in process, or on this machine."""
    from reconciler.api.hosts import is_loopback  # noqa: PLC0415 - see above

    return bool(endpoint.emulator or endpoint.app) or (bool(endpoint.api_url) and is_loopback(endpoint.api_url))


@asynccontextmanager
async def _connected(
    endpoint: Endpoint,
    kind: type[AnyClient],
    progress: Progress,
    stop: asyncio.Event | None = None,
    *,
    hidden: Iterable[str] = (),
    account_sid: str = "",
) -> AsyncIterator[AnyClient]:
    """A client for the API that the endpoint names; the emulator's file is closed with it.

    Args:
        endpoint: where the API is.
        kind: what the client can do.
        progress: told of waits.
        stop: when set, nothing is tried again.
        hidden: texts that no error may repeat.
        account_sid: the account that the files name, which a new emulator's file gets; empty for its default.
    """
    from reconciler.api.credentials import Credentials, profiles_file  # noqa: PLC0415 - see above
    from reconciler.api.hosts import checked_url, twilio_url  # noqa: PLC0415 - see above
    from reconciler.api.rate_limit import RateLimit  # noqa: PLC0415 - see above
    from reconciler.api.retry import Retry  # noqa: PLC0415 - see above

    retry = Retry(timeout=endpoint.timeout, stop=stop)
    redact = Redaction(hidden)
    if endpoint.app is not None:
        retry = Retry(timeout=endpoint.timeout, stop=stop, sleep=_yield_once)
        async with _client_of(endpoint.app, endpoint, kind, progress, retry=retry, redact=redact) as client:
            yield client
        return
    if endpoint.emulator:
        async with _emulated(endpoint, kind, progress, retry, redact, account_sid=account_sid) as client:
            yield client
        return
    region, edge = endpoint.environment.get("TWILIO_REGION", ""), endpoint.environment.get("TWILIO_EDGE", "")
    if endpoint.profile:
        # The Twilio CLI's rules: TWILIO_EDGE wins, TWILIO_REGION counts only without a profile (twilio-cli-core).
        file = profiles_file(endpoint.environment)
        credentials, region, edge_of_profile = Credentials.from_profile(endpoint.profile, file)
        edge = edge or edge_of_profile
    else:
        credentials = Credentials.from_environment(endpoint.environment)
    url = checked_url(endpoint.api_url) if endpoint.api_url else twilio_url(region, edge)
    async with kind(
        url,
        credentials,
        concurrency=endpoint.concurrency,
        retry=retry,
        on_wait=progress.waiting,
        # Not for the emulator in process: it counts no writes, and nobody else has to share it.
        rate_limit=RateLimit(retry),
        redact=redact,
    ) as client:
        yield client


@asynccontextmanager
async def _emulated(
    endpoint: Endpoint,
    kind: type[AnyClient],
    progress: Progress,
    retry: Retry,
    redact: Redaction,
    *,
    account_sid: str,
) -> AsyncIterator[AnyClient]:
    from reconciler.emulator import Emulator, EmulatorError, OtherAccountError, Store  # noqa: PLC0415 - see above

    try:
        store = Store.open(endpoint.emulator, account_sid=account_sid or None)
    except OtherAccountError:
        # That the files are for another account is told with its place in them, when the account is read.
        store = Store.open(endpoint.emulator)
    except EmulatorError as error:
        raise UsageError(f"--emulator {endpoint.emulator}: {error}") from None
    try:
        async with _client_of(Emulator(store), endpoint, kind, progress, retry=retry, redact=redact) as client:
            yield client
    finally:
        store.close()


def _client_of(
    app: Emulator, endpoint: Endpoint, kind: type[AnyClient], progress: Progress, *, retry: Retry, redact: Redaction
) -> AnyClient:
    """Build a client for an emulator in this process."""
    from reconciler.api.credentials import Credentials  # noqa: PLC0415 - see above
    from reconciler.api.transport import in_process  # noqa: PLC0415 - see above

    account_sid = app.store.account_sid
    return kind(
        "https://conversations.twilio.com",
        Credentials(account_sid, "emulator", account_sid, private=app.store.private_key()),
        concurrency=endpoint.concurrency,
        transport=in_process(app),
        retry=retry,
        on_wait=progress.waiting,
        redact=redact,
    )


async def _yield_once(_seconds: float) -> None:
    """Let other requests go on, without waiting: an emulator in this process is shared with nobody."""
    import asyncio  # noqa: PLC0415 - see above

    await asyncio.sleep(0)
