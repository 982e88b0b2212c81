"""What an apply did, as it may be shown and kept: typed, in JSON, with nothing secret in it.

Takes a `Report` and the `PlanFile` it belongs to; gives `ReportFile`, which every renderer of a report reads. The
counterpart of `reconciler.documents.plan`. Does no I/O.
"""

from __future__ import annotations

from collections import Counter
from typing import Literal

from pydantic import Field

from reconciler.documents.entries import OptionsEntry, Part, WarningEntry
from reconciler.documents.journal import JournalEntry
from reconciler.documents.plan import PlanFile
from reconciler.documents.saved import parse_as
from reconciler.errors import Cause, Refusal
from reconciler.redaction import spelled_out
from reconciler.report import ChangeResult, Outcome, Report


class RefusalEntry(Part):
    """What the API said when it refused."""

    method: str = Field(description="The HTTP verb.")
    path: str = Field(description="Path and query that were asked, without the host.")
    status: int = Field(description="The HTTP status.")
    code: int = Field(description="Twilio's error code, or the status where the answer gave none.")
    message: str = Field(description="Twilio's words.")
    more_info: str = Field(default="", description="Twilio's page on the error.")
    request_id: str = Field(default="", description="What to tell Twilio's support.")


def step_in_words(step: str) -> tuple[str, str]:
    """What a step does, in words, and the address of its change: the ids of steps are for programs only.

    Args:
        step: the id of a step, ``services.support.roles.agent#create``.
    """
    address, _, op = step.rpartition("#")
    if not address:
        return "what it needs", ""
    return f"the {op if op in _OPS else 'update'} of", address


_OPS = frozenset({"create", "update", "delete"})


class OutcomeEntry(Part):
    """How one call to the API ended."""

    step: str = Field(description="The step's id, as in the plan.")
    op: Literal["create", "update", "delete"] = Field(description="What was asked, or would have been.")
    status: Literal["done", "unchanged", "failed", "skipped", "withheld", "interrupted"] = Field(
        description="How it ended; `interrupted`: whether it took place is not known."
    )
    sid: str = Field(default="", description="The resource, where it is known.")
    name: str = Field(
        default="",
        exclude_if=lambda name: not name,
        description="For a delete, the natural key of the deleted resource: of a replace, that of the old one.",
    )
    message: str = Field(default="", description="Why, in a sentence; for what is done a doubt that is left.")
    because: str = Field(default="", description="The id of the step whose failure caused a skip.")
    refusal: RefusalEntry | None = Field(default=None, description="What the API said, when it refused.")
    cause: Cause = Field(default="", description="The sort of a failure, in a word.")


class ResultEntry(Part):
    """How one change ended."""

    address: str = Field(description="Where it stands in the files, or would stand.")
    kind: str = Field(description="What it is.")
    action: Literal["create", "update", "replace", "delete"] = Field(description="What was to happen to it.")
    name: str = Field(description="Its natural key; empty for a singleton.")
    service: str = Field(default="", description="The name of its service; empty at the top of the account.")
    status: Literal["done", "partly", "failed", "skipped", "withheld", "interrupted"] = Field(
        description="The worst of its outcomes; `partly` when some steps are done and some are not."
    )
    outcomes: tuple[OutcomeEntry, ...] = Field(description="Those of its steps, in their order.")


class ReportSummaryEntry(Part):
    """How many of each: the actions count what was done in full."""

    create: int
    update: int
    replace: int
    delete: int
    partly: int = Field(description="Changes of which some steps are done and some are not.")
    failed: int
    skipped: int
    withheld: int
    interrupted: int


class ReportFile(Part):
    """What an apply did."""

    format: Literal["reconciler.report"] = "reconciler.report"
    format_version: Literal[1] = 1
    tool_version: str
    account_sid: str
    planned_at: str = Field(description="When the plan that was applied was made.")
    config_digest: str = Field(description="What the files meant, as a digest.")
    options: OptionsEntry
    exit_code: int = Field(description="What the command ended with.")
    interrupted: bool = Field(description="Whether a person stopped it.")
    seconds: float = Field(description="How long it took.")
    requests: int = Field(description="Requests sent, reads and writes.")
    writes: int = Field(description="How many of them were writes.")
    resent: int = Field(default=0, description="How many of the requests had been sent before.")
    summary: ReportSummaryEntry
    changes: tuple[ResultEntry, ...] = Field(description="One for each change of the plan, in its order.")
    unreadable: tuple[WarningEntry, ...] = Field(
        default=(), description="Collections that may not be read, with what could not be applied because of that."
    )
    ended: bool = Field(
        default=True,
        exclude_if=bool,
        description="False in a report that was written while the apply ran: it was killed, or still runs.",
    )
    unfinished: tuple[JournalEntry, ...] = Field(
        default=(),
        exclude_if=lambda entries: not entries,
        description="Replaces that were begun and are not complete, with the values that only the account had; without "
        "those that may not be shown.",
    )
    unfinished_signature: str = Field(
        default="",
        exclude_if=lambda signature: not signature,
        description="A signature of `unfinished`, keyed by `RECONCILER_PLAN_KEY` or the credentials: a later apply "
        "uses no entries without it.",
    )

    def to_json(self) -> str:
        """The text of the file: indented, in the order of the format, in ASCII, ending in a newline."""
        return spelled_out(self.model_dump_json(indent=2, ensure_ascii=True)) + "\n"


def report_document(report: Report, plan: PlanFile) -> ReportFile:
    """A report in the form that may be shown.

    Args:
        report: how the apply went.
        plan: what was applied.
    """
    statuses = Counter(result.status for result in report.results)
    done = report.counts()
    return ReportFile(
        tool_version=plan.tool_version,
        account_sid=plan.account_sid,
        planned_at=plan.created_at,
        config_digest=plan.config_digest,
        options=plan.options,
        exit_code=report.exit_code,
        interrupted=report.interrupted,
        seconds=round(report.seconds, 3),
        requests=report.requests,
        writes=report.writes,
        resent=report.resent,
        summary=ReportSummaryEntry(
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
        changes=tuple(_result(result) for result in report.results),
        unreadable=plan.unreadable,
    )


def parse_report(text: str | bytes, name: str) -> ReportFile:
    """Read a saved report, which is hostile input.

    Args:
        text: its content.
        name: what to call it in an error.

    Raises:
        PlanFileError: when it is none, or one of another format version.
    """
    return parse_as(ReportFile, text, name, "report", "reconciler apply --format json")


def _result(result: ChangeResult) -> ResultEntry:
    change = result.change
    return ResultEntry(
        address=str(change.address),
        kind=change.kind.name,
        action=change.action,
        name=change.name,
        service=change.service,
        status=result.status,
        outcomes=tuple(_outcome(outcome) for outcome in result.outcomes),
    )


def _outcome(outcome: Outcome) -> OutcomeEntry:
    return OutcomeEntry(
        step=outcome.step,
        op=outcome.op,
        status=outcome.status,
        sid=outcome.sid,
        name=_text(outcome.name),
        message=_text(outcome.message),
        because=outcome.because,
        cause=outcome.cause,
        refusal=None if outcome.refusal is None else _refusal(outcome.refusal),
    )


def _refusal(refusal: Refusal) -> RefusalEntry:
    return RefusalEntry(
        method=_text(refusal.method),
        path=_text(refusal.path),
        status=refusal.status,
        code=refusal.code,
        message=_text(refusal.message),
        more_info=_text(refusal.more_info),
        request_id=_text(refusal.request_id),
    )


def _text(words: str) -> str:
    """Somebody else's words, without halves of characters, which JSON can spell and no file can hold."""
    return words if words.isascii() else words.encode("utf-8", "replace").decode("utf-8")
