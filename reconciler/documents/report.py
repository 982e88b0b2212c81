"""The report document: what an apply did, without secrets.

Takes a `Report` and the `PlanFile` that was applied, or the JSON of a report, which is hostile input; returns
`ReportFile`. Does no I/O.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from dataclasses import field, replace
from operator import not_
from typing import Any, Literal

from reconciler.documents.base import Part, described, is_none
from reconciler.documents.journal import SavedReplace
from reconciler.documents.parts import ChangePart, IrreversiblePart, OptionsPart, WarningPart
from reconciler.documents.plan import PlanFile
from reconciler.documents.saved import parse_as
from reconciler.documents.writing import to_content, to_text
from reconciler.errors import Cause, Refusal
from reconciler.json_text import Json
from reconciler.lazy_dataclass import dataclass
from reconciler.redaction import spelled_out
from reconciler.report import ChangeResult, Outcome, Report, Written


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalPart(Part):
    """The response of the API that rejected a request."""

    method: str = field(metadata=described("The HTTP method."))
    path: str = field(metadata=described("The path and query of the request, without the host."))
    status: int = field(metadata=described("The HTTP status."))
    code: int = field(metadata=described("Twilio's error code, or the status if there is none."))
    message: str = field(metadata=described("Twilio's message."))
    more_info: str = field(default="", metadata=described("The URL of Twilio's page about the error."))
    request_id: str = field(default="", metadata=described("The request ID, for Twilio's support."))


def step_in_words(step: str) -> tuple[str, str]:
    """Describe a step, and return the address of its change: step IDs are for programs only.

    Args:
        step: the ID of a step, ``services.support.roles.agent#create``.
    """
    address, _, op = step.rpartition("#")
    if not address:
        return "a dependency", ""
    return f"the {op if op in _OPS else 'update'} of", address


_OPS = frozenset({"create", "update", "delete"})


@dataclass(frozen=True, slots=True, kw_only=True)
class OutcomePart(Part):
    """The outcome of one API call."""

    step: str = field(metadata=described("The step's ID, as in the plan."))
    op: Literal["create", "update", "delete"] = field(metadata=described("The operation."))
    status: Literal["done", "unchanged", "failed", "skipped", "withheld", "interrupted"] = field(
        metadata=described("The outcome; `interrupted` means that it is unknown whether the call took effect.")
    )
    sid: str = field(default="", metadata=described("The resource, if known."))
    name: str = field(
        default="",
        metadata=described(
            "For a delete, the natural key of the deleted resource: of a replace, that of the old one.", exclude_if=not_
        ),
    )
    message: str = field(default="", metadata=described("The reason; for a completed step, a warning."))
    because: str = field(default="", metadata=described("The ID of the step whose failure caused a skip."))
    refusal: RefusalPart | None = field(
        default=None, metadata=described("The response of the API, if it rejected the request.")
    )
    cause: Cause = field(default="", metadata=described("The cause of a failure, in one word."))
    address: str = field(
        default="",
        metadata=described(
            "The resource that the step wrote to, if that is not the resource of the change.", exclude_if=not_
        ),
    )
    kind: str = field(default="", metadata=described("The kind of that resource.", exclude_if=not_))
    parents: tuple[str, ...] = field(
        default=(),
        metadata=described("SIDs of the resources that contain the resource, outermost first.", exclude_if=not_),
    )
    before: dict[str, Json] | None = field(
        default=None,
        metadata=described(
            "The values before, by field, in the forms of a plan: of an update, those that it wrote; of a "
            "delete, all. Absent if the resource did not exist.",
            exclude_if=is_none,
        ),
    )
    after: dict[str, Json] | None = field(
        default=None,
        metadata=described(
            "The values afterwards: of an update, those that it wrote; of a create, all. Absent if the "
            "resource no longer exists. If the outcome is `interrupted`, the values that were sent.",
            exclude_if=is_none,
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultPart(Part):
    """The outcome of one change."""

    address: str = field(metadata=described("The resource's address."))
    kind: str = field(metadata=described("The resource's kind."))
    action: Literal["create", "update", "replace", "delete"] = field(metadata=described("The action."))
    name: str = field(metadata=described("The natural key; empty for a singleton."))
    service: str = field(default="", metadata=described("The name of its service; empty at the top of the account."))
    status: Literal["done", "partly", "failed", "skipped", "withheld", "interrupted"] = field(
        metadata=described("The worst outcome of its steps; `partly` if some are done and some are not.")
    )
    outcomes: tuple[OutcomePart, ...] = field(metadata=described("The outcomes of its steps, in order."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSummaryPart(Part):
    """The number of changes by outcome; the actions count completed ones."""

    create: int
    update: int
    replace: int
    delete: int
    partly: int = field(metadata=described("Changes of which some steps are done and some are not."))
    failed: int
    skipped: int
    withheld: int
    interrupted: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierRunPart(Part):
    """An earlier run with the same file that did not complete, which this one continued."""

    entry: int = field(
        default=0,
        metadata=described("The number of its entry in the ledger; absent without a ledger.", ge=0, exclude_if=not_),
    )
    ended: bool = field(default=True, metadata=described("False if it was killed.", exclude_if=bool))
    changes: tuple[ResultPart, ...] = field(metadata=described("The changes that wrote something, or may have."))


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile(Part):
    """What an apply did."""

    format: Literal["reconciler.report"] = "reconciler.report"
    format_version: Literal[1, 2] = 2
    tool_version: str
    account_sid: str
    planned_at: str = field(metadata=described("When the applied plan was made."))
    config_digest: str = field(metadata=described("A digest of the configuration's meaning."))
    source_commit: str = field(
        default="",
        metadata=described(
            "The commit that was checked out, if the configuration is in a git repository.", exclude_if=not_
        ),
    )
    source_root: str = field(
        default="", metadata=described("The root file, relative to the top of its git repository.", exclude_if=not_)
    )
    entry: int = field(
        default=0,
        metadata=described("The number of the ledger's entry; absent without a ledger.", ge=0, exclude_if=not_),
    )
    options: OptionsPart
    exit_code: int = field(metadata=described("The exit code."))
    interrupted: bool = field(metadata=described("Whether the user stopped it."))
    seconds: float = field(metadata=described("The duration."))
    requests: int = field(metadata=described("Requests sent, reads and writes."))
    writes: int = field(metadata=described("The number of writes among them."))
    resent: int = field(default=0, metadata=described("The number of retries among the requests."))
    summary: ReportSummaryPart
    changes: tuple[ResultPart, ...] = field(metadata=described("The outcome of each change of the plan, in its order."))
    earlier: tuple[EarlierRunPart, ...] = field(
        default=(),
        metadata=described(
            "The earlier runs with the same file that did not complete, oldest first: an undo takes them back, too.",
            exclude_if=not_,
        ),
    )
    unreadable: tuple[WarningPart, ...] = field(
        default=(),
        metadata=described("Collections that could not be read, with the resources that could not be applied."),
    )
    unrecorded: str = field(
        default="",
        metadata=described(
            "Why the ledger does not have the outcome; absent if it has, or without a ledger.", exclude_if=not_
        ),
    )
    irreversible: tuple[IrreversiblePart, ...] = field(
        default=(), metadata=described("Of an undo, what cannot be undone.", exclude_if=not_)
    )
    follow_up: tuple[str, ...] = field(
        default=(),
        metadata=described(
            "Of an undo, the commands that make the configuration agree with the account.", exclude_if=not_
        ),
    )
    ended: bool = field(
        default=True,
        metadata=described(
            "False in a report that was written during an apply that was killed or still runs.", exclude_if=bool
        ),
    )
    unfinished: tuple[SavedReplace, ...] = field(
        default=(),
        metadata=described(
            "Replaces that were begun and are not complete, with the values that only the account had; without "
            "those that may not be shown.",
            exclude_if=not_,
        ),
    )
    unfinished_signature: str = field(
        default="",
        metadata=described(
            "A signature of `unfinished`, keyed by `RECONCILER_PLAN_KEY` or the credentials: a later apply "
            "uses none without it.",
            exclude_if=not_,
        ),
    )
    seal: str = field(
        default="",
        metadata=described(
            "A digest of everything else, keyed by `RECONCILER_PLAN_KEY` or the credentials: the undo of an "
            "edited report requires approvals.",
            exclude_if=not_,
        ),
    )

    def to_json(self) -> str:
        """Render the document as indented ASCII that ends in a newline."""
        return spelled_out(to_text(self, indent=2)) + "\n"

    def sealed(self, key: bytes) -> ReportFile:
        """Return the report with its seal.

        Args:
            key: the key of plans' seals and digests.
        """
        return replace(self, seal=self._seal(key))

    def has_valid_seal(self, key: bytes) -> bool:
        """Check that the report is unchanged since it was sealed with this key."""
        return hmac.compare_digest(self.seal.encode(errors="replace"), self._seal(key).encode())

    @property
    def runs(self) -> tuple[EarlierRunPart, ...]:
        """All runs that the report is about, this one last."""
        return (*self.earlier, EarlierRunPart(entry=self.entry, ended=self.ended, changes=self.changes))

    @property
    def has_failed(self) -> bool:
        """Whether the apply was killed, or left something undone that no guard withheld."""
        return not self.ended or any(change.status not in {"done", "withheld"} for change in self.changes)

    def runs_to_continue(self, config_digest: str, *, has_changes: bool) -> tuple[EarlierRunPart, ...]:
        """Return the runs that a new one with the same file continues, so that an undo of it takes them back, too.

        A run that failed or was killed is always continued; one that was complete but for what a guard withheld, with
        the same configuration only. A complete one is not, but a run without changes does not forget it either.

        Args:
            config_digest: the digest of the configuration that is applied now.
            has_changes: whether the new run has something to do.
        """
        is_same = self.config_digest == config_digest
        is_withheld = any(change.status == "withheld" for change in self.changes)
        if not self.has_failed and not (is_same and (is_withheld or not has_changes)):
            return ()
        runs = (replace(run, changes=tuple(filter(_may_have_written, run.changes))) for run in self.runs)
        return tuple(run for run in runs if run.changes)

    def _seal(self, key: bytes) -> str:
        """Compute the HMAC of the canonical JSON without the seal itself."""
        parts = to_content(self, exclude={"seal"})
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return "hmac-sha256:" + hmac.new(key, b"reconciler report seal\0" + text.encode(), hashlib.sha256).hexdigest()


def _may_have_written(change: ResultPart) -> bool:
    return any(outcome.before is not None or outcome.after is not None for outcome in change.outcomes)


def report_document(report: Report, plan: PlanFile) -> ReportFile:
    """Turn a report into a document without secrets.

    Args:
        report: the report.
        plan: the plan that was applied.
    """
    statuses = Counter(result.status for result in report.results)
    done = report.counts()
    planned = {change.address: change for change in plan.changes}
    return ReportFile(
        tool_version=plan.tool_version,
        account_sid=plan.account_sid,
        planned_at=plan.created_at,
        config_digest=plan.config_digest,
        source_commit=report.origin.source_commit,
        source_root=report.origin.source_root,
        entry=report.origin.entry,
        options=plan.options,
        exit_code=report.exit_code,
        interrupted=report.interrupted,
        seconds=round(report.seconds, 3),
        requests=report.requests,
        writes=report.writes,
        resent=report.resent,
        summary=ReportSummaryPart(
            create=done["create"],
            update=done["update"],
            replace=done["replace"],
            delete=done["delete"],
            partly=statuses["partly"],
            failed=statuses["failed"],
            skipped=statuses["skipped"],
            withheld=statuses["withheld"],
            interrupted=statuses["interrupted"],
        ),
        changes=tuple(_result(result, planned.get(str(result.change.address))) for result in report.results),
        unreadable=plan.unreadable,
        unrecorded=report.unrecorded,
        irreversible=plan.irreversible,
        follow_up=report.origin.follow_up if _has_undone(report) else (),
    )


def _has_undone(report: Report) -> bool:
    """Whether a step took effect, or may have, or there was nothing left to do."""
    statuses = {outcome.status for result in report.results for outcome in result.outcomes}
    return not report.results or bool(statuses & {"done", "unchanged", "interrupted"})


def parse_report(text: str | bytes, name: str) -> ReportFile:
    """Parse a saved report.

    Args:
        text: its text.
        name: what to call it in an error, usually its file.

    Raises:
        PlanFileError: it is not a report, or one of another format version.
    """
    return parse_as(ReportFile, text, name, "report", "reconciler apply --format json")


def _result(result: ChangeResult, planned: ChangePart | None) -> ResultPart:
    change = result.change
    # The names in the document of the plan are redacted.
    named = planned or change
    return ResultPart(
        address=str(change.address),
        kind=change.kind.name,
        action=change.action,
        name=named.name,
        service=named.service,
        status=result.status,
        outcomes=tuple(_outcome(outcome) for outcome in result.outcomes),
    )


def _outcome(outcome: Outcome) -> OutcomePart:
    return OutcomePart(
        step=outcome.step,
        op=outcome.op,
        status=outcome.status,
        sid=outcome.sid,
        name=_text(outcome.name),
        message=_text(outcome.message),
        because=outcome.because,
        cause=outcome.cause,
        refusal=None if outcome.refusal is None else _refusal(outcome.refusal),
        **({} if outcome.written is None else _written(outcome, outcome.written)),
    )


def _written(outcome: Outcome, written: Written) -> dict[str, Any]:
    is_own = written.address == outcome.change
    return {
        "address": "" if is_own else written.address,
        "kind": "" if is_own else written.kind,
        "parents": written.parents,
        "before": None if written.before is None else dict(written.before),
        "after": None if written.after is None else dict(written.after),
    }


def _refusal(refusal: Refusal) -> RefusalPart:
    return RefusalPart(
        method=_text(refusal.method),
        path=_text(refusal.path),
        status=refusal.status,
        code=refusal.code,
        message=_text(refusal.message),
        more_info=_text(refusal.more_info),
        request_id=_text(refusal.request_id),
    )


def _text(words: str) -> str:
    """Replace lone surrogates in a foreign text, which JSON can spell but no file can contain."""
    return words if words.isascii() else words.encode("utf-8", "replace").decode("utf-8")
