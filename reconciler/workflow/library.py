"""The commands as methods, for Python programs: validate, plan, apply, drift, and export.

Takes the command line's options as arguments; returns the documents that `--format json` prints, as typed objects, and
raises the errors of `reconciler.errors`. Prints nothing and asks nothing. Everything is imported on first use.
"""

from __future__ import annotations

import os
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypedDict, TypeVar, Unpack

from reconciler.ledger.options import LedgerOptions
from reconciler.workflow import Acceptance, Decision, Endpoint, Inputs

if TYPE_CHECKING:
    from reconciler.accept.model import At
    from reconciler.documents.acceptance import AcceptFile
    from reconciler.documents.drift import DriftFile
    from reconciler.documents.plan import PlanFile
    from reconciler.documents.problems import ValidationFile
    from reconciler.documents.report import ReportFile
    from reconciler.emulator import Emulator
    from reconciler.export import Export
    from reconciler.report import Progress

Result = TypeVar("Result")


class Reconciler:
    """One configuration and the account that it describes; every method reads both again.

    The methods are coroutines. `SyncReconciler` has the same methods without ``await``.

    Args:
        path: a root file, or a folder with a ``reconciler.yaml``.
        env: the environment of the configuration, as ``--env``; empty for none.
        variables: values of ``${var:NAME}``, as ``--var``.
        overlays: files that are merged last, as ``--overlay``, relative to the current folder.
        strict: whether warnings of the configuration are errors.
        targets: addresses to narrow to, as ``--target``.
        excludes: addresses to leave out, as ``--exclude``.
        emulator: an emulator's SQLite file, or an `Emulator` in this process. Empty for a real account.
        api_url: the base URL of another API, such as a served emulator; empty for Twilio.
        profile: a profile of the Twilio CLI; empty for the credentials in `environ`.
        concurrency: the maximum number of requests in flight.
        timeout: the deadline of one method's API calls, retries included, in seconds.
        environ: environment variables, for credentials, ``${env:}``, and ``${secret:}``; those of the process if
            omitted.
        progress: receives the progress of reads and writes; not reported if omitted.
        baseline: what to compare with in place of the ledger, as ``--baseline``; empty for the ledger.
        ours: whether the configuration wins every conflict with the account, as ``--ours``.
        ledger: the options on the ledger, such as ``LedgerOptions(starts=True)`` for ``--start-ledger``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = ".",
        *,
        env: str = "",
        variables: Mapping[str, str] | None = None,
        overlays: Sequence[str | os.PathLike[str]] = (),
        strict: bool = False,
        targets: Sequence[str] = (),
        excludes: Sequence[str] = (),
        emulator: str | os.PathLike[str] | Emulator = "",
        api_url: str = "",
        profile: str = "",
        concurrency: int = 10,
        timeout: float = 1800,
        environ: Mapping[str, str] | None = None,
        progress: Progress | None = None,
        baseline: str = "",
        ours: bool = False,
        ledger: LedgerOptions | None = None,
    ) -> None:
        file, app = (emulator, None) if isinstance(emulator, (str, os.PathLike)) else ("", emulator)
        self._inputs = Inputs(
            os.fspath(path),
            environment=env,
            variables=dict(variables or {}),
            overlays=tuple(os.fspath(overlay) for overlay in overlays),
            strict=strict,
            targets=tuple(targets),
            excludes=tuple(excludes),
            baseline=baseline,
            ours=ours,
            ledger=ledger or LedgerOptions(),
        )
        self._endpoint = Endpoint(
            emulator=os.fspath(file),
            api_url=api_url,
            profile=profile,
            concurrency=concurrency,
            timeout=timeout,
            environment=os.environ if environ is None else environ,
            app=app,
        )
        self._progress = progress

    async def validate(self, *, allow_unset: bool = False) -> ValidationFile:
        """Check the configuration without an account.

        Args:
            allow_unset: whether unset environment variables and secrets are unknown values instead of errors.

        Returns:
            The number of resources and the warnings.

        Raises:
            ConfigError: the configuration is invalid; contains every problem.
        """
        from reconciler import workflow  # noqa: PLC0415 - see the module
        from reconciler.documents.problems import validation_document  # noqa: PLC0415 - see the module

        files = workflow.validate(replace(self._inputs, allow_unset=allow_unset), self._endpoint.environment)
        return validation_document(
            environment=files.environment,
            resources=len(files.resources),
            warnings=files.warnings,
            acknowledged=len(files.acknowledged),
        )

    async def plan(self, *, approve: Sequence[str] = (), rotate: Sequence[str] = ()) -> PlanFile:
        """Find the changes that an apply would make (read-only).

        Args:
            approve: destructive changes that are approved, as ``[ACTION:]ADDRESS``.
            rotate: addresses whose write-only values are sent again.

        Raises:
            ReconcilerError: see `reconciler.errors`.
        """
        from reconciler import workflow  # noqa: PLC0415 - see the module

        planned = await workflow.plan(self._with(approve, rotate), self._endpoint, self._watcher())
        return planned.sealed()

    async def apply(
        self,
        plan: PlanFile | None = None,
        *,
        approve: Sequence[str] = (),
        rotate: Sequence[str] = (),
        trigger_webhooks: bool = False,
        report: str | os.PathLike[str] = "",
    ) -> ReportFile:
        """Plan again and apply.

        Args:
            plan: an approved plan, as `plan` returned it or `PlanFile` parsed it. Only its changes are applied. Without
                it, every change of the fresh plan is applied.
            approve: destructive changes that are approved, as ``[ACTION:]ADDRESS``.
            rotate: addresses whose write-only values are sent again.
            trigger_webhooks: whether writes trigger the account's own webhooks.
            report: a file that the report is written to while the apply runs; empty for no report.

        Returns:
            The outcome of every change. A failed step is not an exception: see `ReportFile.exit_code`.

        Raises:
            StalePlan: the fresh plan contains a change that the approved one does not. Nothing was sent.
            GuardRefusal: a limit is exceeded, or an approval is missing. Nothing was sent.
            ReconcilerError: see `reconciler.errors`. Nothing was sent.
        """
        from reconciler import workflow  # noqa: PLC0415 - see the module

        inputs = self._with(approve, rotate)
        if plan is not None:
            if plan.options.undo is not None:
                from reconciler.errors import UsageError  # noqa: PLC0415 - see the module

                raise UsageError("the plan undoes an apply. Use `undo(report, plan)` to apply it")
            options = plan.options
            inputs = replace(
                inputs,
                environment=options.env,
                targets=options.target,
                excludes=options.exclude,
                rotate=options.rotate,
            )
        applied = await workflow.apply(
            inputs,
            self._endpoint,
            self._watcher(),
            _ignore,
            _preapprove,
            approved=plan,
            trigger_webhooks=trigger_webhooks,
            report=os.fspath(report),
        )
        return applied.sealed()

    async def undo(
        self,
        report: str | os.PathLike[str],
        plan: PlanFile | None = None,
        *,
        approve: Sequence[str] = (),
        trigger_webhooks: bool = False,
        report_to: str | os.PathLike[str] = "",
    ) -> ReportFile:
        """Plan each resource of a report back to what it was before that apply, and apply the plan.

        Args:
            report: the file of the report, of format 2.
            plan: an approved plan of the same report, as ``reconciler undo --out`` saves it; nothing else is done.
            approve: destructive changes that are approved, as ``[ACTION:]ADDRESS``. Deletes of resources that the
                apply created need no approval.
            trigger_webhooks: whether writes trigger the account's own webhooks.
            report_to: a file that is written while the undo runs; empty for none.

        Returns:
            The outcome of every change. Resources that were changed since the apply are withheld.

        Raises:
            PlanFileError: the report cannot be read, has no values from before the apply, or is not the plan's.
            StalePlan: the fresh plan has a change that the approved one does not. Nothing was sent.
            GuardRefusal: a limit is exceeded, or an approval is missing. Nothing was sent.
            ReconcilerError: see `reconciler.errors`. Nothing was sent.
        """
        from reconciler import workflow  # noqa: PLC0415 - see the module

        source = workflow.read_source(os.fspath(report))
        if plan is not None:
            source = source.for_plan(plan)
        inputs = self._with(approve, ())
        applied = await workflow.apply(
            replace(inputs, environment=inputs.environment or source.report.options.env),
            self._endpoint,
            self._watcher(),
            _ignore,
            _preapprove,
            approved=plan,
            trigger_webhooks=trigger_webhooks,
            report=os.fspath(report_to),
            undo=source,
        )
        return applied.sealed()

    async def drift(self, *, search_unmanaged: bool = False) -> DriftFile:
        """Detect drift between the account and the configuration (read-only).

        Args:
            search_unmanaged: whether services, roles, addresses, and credentials are also searched for unmanaged
                resources where the configuration declares none, as with ``--fail-on unmanaged``.

        Raises:
            ReconcilerError: see `reconciler.errors`.
        """
        from reconciler import workflow  # noqa: PLC0415 - see the module

        found = await workflow.drift(self._inputs, self._endpoint, self._watcher(), searches_unmanaged=search_unmanaged)
        return found.file

    async def accept(
        self,
        *addresses: str,
        unmanaged: Sequence[str] = (),
        at: At = "",
        write: bool = True,
    ) -> AcceptFile:
        """Write drift into the configuration's files, or find the edits that would do so.

        Args:
            addresses: resources and fields to accept; none for everything that drifted since the baseline.
            unmanaged: addresses of unmanaged resources to add.
            at: where to write values that several resources or environments share, as ``--at``; empty to refuse them.
            write: whether the files are written. If a named value is refused, none is.

        Returns:
            The edits, and the differences that cannot be accepted.

        Raises:
            ConfigError: the configuration is invalid, in any environment.
            UsageError: an address means nothing, there is no baseline and no address, or a file cannot be written.
            ReconcilerError: see `reconciler.errors`.
        """
        from reconciler import workflow  # noqa: PLC0415 - see the module

        request = workflow.Request(addresses, tuple(unmanaged), at)
        found = await workflow.accept(self._inputs, self._endpoint, self._watcher(), request)
        return _written(found, write=write)

    async def add_missing(
        self, *, include: Sequence[str] = (), at: Literal["", "overlay", "base"] = "", write: bool = True
    ) -> AcceptFile:
        """Add to the configuration's files what the account has and they lack, or find the edits that would do so.

        Args:
            include: see `export`.
            at: where to add what other environments would get, too, as ``--at``; empty to refuse that.
            write: whether the files are written. What is refused never prevents that.

        Raises:
            ReconcilerError: see `accept`.
        """
        from reconciler import workflow  # noqa: PLC0415 - see the module

        found = await workflow.add_missing(self._inputs, self._endpoint, self._watcher(), include=include, at=at)
        return _written(found.acceptance, write=write)

    async def export(self, *, include: Sequence[str] = (), in_one_file: bool = True) -> Export:
        """Write the account, or what ``targets`` select of it, as a configuration in memory, whatever this one has.

        Args:
            include: ``users``, ``conversations``, or both, of which an account may have very many.
            in_one_file: whether everything is in one file, instead of one for each service.

        Returns:
            The text of each file by path, and the resources that they could not contain.

        Raises:
            ReconcilerError: see `reconciler.errors`.
        """
        from reconciler import workflow  # noqa: PLC0415 - see the module

        return await workflow.export(
            self._endpoint, self._watcher(), include=include, targets=self._inputs.targets, in_one_file=in_one_file
        )

    def _with(self, approve: Sequence[str], rotate: Sequence[str]) -> Inputs:
        return replace(self._inputs, approved=tuple(approve), rotate=tuple(rotate))

    def _watcher(self) -> Progress:
        from reconciler.report import Silent  # noqa: PLC0415 - see the module

        return self._progress or Silent()


class Options(TypedDict, total=False):
    """The options of `Reconciler` and `SyncReconciler`; see there."""

    env: str
    variables: Mapping[str, str] | None
    overlays: Sequence[str | os.PathLike[str]]
    strict: bool
    targets: Sequence[str]
    excludes: Sequence[str]
    emulator: str | os.PathLike[str] | Emulator
    api_url: str
    profile: str
    concurrency: int
    timeout: float
    environ: Mapping[str, str] | None
    progress: Progress | None
    baseline: str
    ours: bool
    ledger: LedgerOptions | None


class SyncReconciler:
    """A `Reconciler` whose methods block until they are done. Not for use inside a running event loop.

    Args:
        path: a root file, or a folder with a ``reconciler.yaml``.
        options: the other arguments of `Reconciler`.
    """

    def __init__(self, path: str | os.PathLike[str] = ".", **options: Unpack[Options]) -> None:
        self._reconciler = Reconciler(path, **options)

    def validate(self, *, allow_unset: bool = False) -> ValidationFile:
        """See `Reconciler.validate`."""
        return _run(self._reconciler.validate(allow_unset=allow_unset))

    def plan(self, *, approve: Sequence[str] = (), rotate: Sequence[str] = ()) -> PlanFile:
        """See `Reconciler.plan`."""
        return _run(self._reconciler.plan(approve=approve, rotate=rotate))

    def apply(
        self,
        plan: PlanFile | None = None,
        *,
        approve: Sequence[str] = (),
        rotate: Sequence[str] = (),
        trigger_webhooks: bool = False,
        report: str | os.PathLike[str] = "",
    ) -> ReportFile:
        """See `Reconciler.apply`."""
        return _run(
            self._reconciler.apply(
                plan, approve=approve, rotate=rotate, trigger_webhooks=trigger_webhooks, report=report
            )
        )

    def undo(
        self,
        report: str | os.PathLike[str],
        plan: PlanFile | None = None,
        *,
        approve: Sequence[str] = (),
        trigger_webhooks: bool = False,
        report_to: str | os.PathLike[str] = "",
    ) -> ReportFile:
        """See `Reconciler.undo`."""
        return _run(
            self._reconciler.undo(report, plan, approve=approve, trigger_webhooks=trigger_webhooks, report_to=report_to)
        )

    def drift(self, *, search_unmanaged: bool = False) -> DriftFile:
        """See `Reconciler.drift`."""
        return _run(self._reconciler.drift(search_unmanaged=search_unmanaged))

    def accept(
        self,
        *addresses: str,
        unmanaged: Sequence[str] = (),
        at: At = "",
        write: bool = True,
    ) -> AcceptFile:
        """See `Reconciler.accept`."""
        return _run(self._reconciler.accept(*addresses, unmanaged=unmanaged, at=at, write=write))

    def add_missing(
        self, *, include: Sequence[str] = (), at: Literal["", "overlay", "base"] = "", write: bool = True
    ) -> AcceptFile:
        """See `Reconciler.add_missing`."""
        return _run(self._reconciler.add_missing(include=include, at=at, write=write))

    def export(self, *, include: Sequence[str] = (), in_one_file: bool = True) -> Export:
        """See `Reconciler.export`."""
        return _run(self._reconciler.export(include=include, in_one_file=in_one_file))


def _written(found: Acceptance, *, write: bool) -> AcceptFile:
    from reconciler import workflow  # noqa: PLC0415 - see the module

    writes = write and bool(found.files)
    if writes:
        workflow.write(found)
    return workflow.acceptance_document(found, written=writes)


def _run(work: Coroutine[Any, Any, Result]) -> Result:
    import asyncio  # noqa: PLC0415 - see the module

    results: list[Result] = []

    async def run() -> None:
        # Not returned: asyncio builds the `repr` of its result, a tenth of the CPU of a large plan, and drops it.
        results.append(await work)

    asyncio.run(run())
    return results[0]


def _ignore(_plan: PlanFile) -> None:
    """Discard the plan: the library shows nothing."""


async def _preapprove(_plan: PlanFile) -> Decision:
    return Decision.PREAPPROVED
