"""Reads the report of an apply that is to be undone.

Takes a path, or what a plan file says of one, which is hostile input; gives an `UndoSource`.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import shlex
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import PlanFileError, Problem, UsageError
from reconciler.lazy_dataclass import dataclass
from reconciler.sources.near_files import or_near_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.config.model import Config
    from reconciler.documents.plan import PlanFile
    from reconciler.documents.report import ReportFile
    from reconciler.planning.baseline import DeclaredElsewhere
    from reconciler.planning.options import PlanOptions
    from reconciler.planning.plan import Plan
    from reconciler.planning.undo import Undo
    from reconciler.planning.undo_targets import Target
    from reconciler.state import State
    from reconciler.workflow.inputs import Inputs

_LARGEST = 200_000_000


@dataclass(frozen=True, slots=True)
class UndoSource:
    """A report whose apply is to be undone.

    Attributes:
        name: Its path as it is shown.
        path: Its path relative to the folder of the plan file.
        digest: ``sha256:…`` of its bytes.
        report: The report.
        targets: What the apply did to each resource.
    """

    name: str
    path: str
    digest: str
    report: ReportFile
    targets: tuple[Target, ...]

    def options(self, options: PlanOptions) -> PlanOptions:
        """Return options of a plan that undoes the report."""
        from reconciler.planning.options import UndoneReport  # noqa: PLC0415 - see the package

        return replace(options, undo=UndoneReport(self.path, self.digest, is_empty=not self.targets))

    def undo(
        self,
        config: Config,
        key: bytes,
        inputs: Inputs,
        environment: Mapping[str, str],
        *,
        is_plan_sealed: bool = True,
    ) -> Undo:
        """Return the undo of the report.

        Args:
            config: The current configuration.
            key: The key of digests and seals.
            inputs: Where the configuration is.
            environment: Environment variables.
            is_plan_sealed: Whether the plan file that asks for the undo is unchanged, if there is one.

        Raises:
            UsageError: The report is about another account, or another configuration of the repository.
        """
        from reconciler.documents.values import Digests  # noqa: PLC0415 - see the package
        from reconciler.planning.undo import Undo  # noqa: PLC0415 - see the package

        account = self.report.account_sid
        if config.account_sid is not None and config.account_sid != account:
            raise UsageError(self._other_account(config.account_sid))
        self._check_root(inputs, environment)
        digests = Digests(account, key)
        unsealed = "" if is_plan_sealed else "the plan file"
        if not self.report.has_valid_seal(key):
            unsealed = self.name
        return Undo(config, self.targets, self.name, digests.of, unsealed=unsealed)

    def for_plan(self, plan: PlanFile) -> UndoSource:
        """Return the source as a plan names it, whose path may be relative to another folder.

        Raises:
            PlanFileError: The plan does not undo this report.
        """
        undo = plan.options.undo
        if undo is None or undo.digest != self.digest:
            raise PlanFileError(f"the plan does not undo {self.name}")
        return replace(self, path=undo.report)

    def plan(
        self, undo: Undo, state: State, options: PlanOptions, declared_elsewhere: DeclaredElsewhere | None = None
    ) -> Plan:
        """Plan the undo.

        Args:
            undo: The undo.
            state: The account.
            options: The options of the plan.
            declared_elsewhere: Names the other ledger that declares a live resource; None without a ledger.

        Raises:
            UsageError: The report is about another account.
            MatchError: The account does not fit.
        """
        if state.account_sid != self.report.account_sid:
            raise UsageError(self._other_account(state.account_sid))
        from reconciler.planning.baseline import nowhere  # noqa: PLC0415 - see the package

        made = undo.plan(state, options, declared_elsewhere or nowhere)
        if undo.is_sealed:
            return made
        warning = Problem(
            "unsealed-report",
            f"{undo.unsealed} was edited, or was made with other credentials or another RECONCILER_PLAN_KEY. Nothing "
            "proves what it says: any change in this plan may be one that the apply never made. Deletes, replaces, and "
            "high-risk updates require approval, and sensitive values cannot be compared",
            hint="Check each address and value, or use the same credentials or RECONCILER_PLAN_KEY.",
            severity="warning",
        )
        return replace(made, warnings=(*made.warnings, warning))

    def _check_root(self, inputs: Inputs, environment: Mapping[str, str]) -> None:
        """Refuse the guards and the ledger of another configuration; a root file may have moved since, though.

        Raises:
            UsageError: The root file of the apply is another one, which still exists.
        """
        from reconciler.workflow.loading import other_root  # noqa: PLC0415 - see the package

        root = self.report.source_root
        source = other_root(root, inputs, environment)
        if source is None:
            return
        other = Path(source.top, root)
        path = os.path.relpath(other.parent if other.name == "reconciler.yaml" else other)
        command = shlex.join(["reconciler", "undo", self.name, path])
        raise UsageError(f"{self.name} is the report of an apply of {root}, and this is {source.root}. Run `{command}`")

    def _other_account(self, account_sid: str) -> str:
        return (
            f"{self.name} is the report of an apply to account {self.report.account_sid}, and this is {account_sid}; "
            "use that account's environment (--env) and credentials"
        )


def read_source(path: str, *, plan_folder: str = ".") -> UndoSource:
    """Read a report.

    Args:
        path: Its path as typed.
        plan_folder: The folder of the plan file.

    Raises:
        PlanFileError: It cannot be read, is not a report, or does not contain the values before the apply.
        UsageError: The report and the plan file are on different drives.
    """
    if Path(path).is_dir():
        raise PlanFileError(f"{path} is a folder. The report of the apply comes first: `reconciler undo REPORT {path}`")
    return _source(path, _read(path), plan_folder)


def read_source_of_plan(plan: PlanFile, plan_path: str) -> UndoSource:
    """Read the report that a plan undoes.

    Args:
        plan: The plan, which anyone may have edited.
        plan_path: Its path as typed.

    Raises:
        PlanFileError: The report cannot be read, or is not the one that the plan was made from.
    """
    undo = plan.options.undo
    assert undo is not None
    if Path(undo.report).is_absolute() or not undo.report.isprintable():
        raise PlanFileError(
            f"{plan_path} was edited: it names its report by an absolute path, or in control characters"
        )
    path = os.path.normpath(Path(plan_path).parent / undo.report)
    content = _read(path)
    if not hmac.compare_digest(_digest(content).encode(), undo.digest.encode(errors="replace")):
        raise PlanFileError(
            f"{path} is not the report that {plan_path} was made from. Restore it, or make a new plan with "
            "`reconciler undo REPORT --out FILE`"
        )
    return _source(path, content, str(Path(plan_path).parent))


def _source(path: str, content: bytes, plan_folder: str) -> UndoSource:
    from reconciler.documents.report import parse_report  # noqa: PLC0415 - see the package
    from reconciler.documents.undo_source import undo_targets  # noqa: PLC0415 - see the package

    report = parse_report(content, path)
    try:
        relative = Path(os.path.relpath(path, plan_folder)).as_posix()
    except ValueError:
        raise UsageError(
            f"{path} and the plan file are on different drives. Copy the report to the folder of the plan file"
        ) from None
    return UndoSource(path, relative, _digest(content), report, undo_targets(report, path))


def _read(path: str) -> bytes:
    """Read a regular file of limited size.

    Raises:
        PlanFileError: It cannot be read, is not a regular file, or is too large.
    """
    try:
        # A pipe would block, and a device has no end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise PlanFileError(f"cannot read {path}: it is not a regular file")
        with Path(path).open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else ""
        near = or_near_file(path, "reconciler.report") if isinstance(error, FileNotFoundError) else ""
        raise PlanFileError(f"cannot read {path}: {reason or error}{near}") from None
    if len(content) > _LARGEST:
        raise PlanFileError(f"{path} is larger than any report")
    return content


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
