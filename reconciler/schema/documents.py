"""JSON Schemas of the documents that commands write with `--format json`, from their classes."""

from __future__ import annotations

from reconciler.documents import conversion
from reconciler.documents.acceptance import AcceptFile
from reconciler.documents.base import Part
from reconciler.documents.comparison import ComparisonFile
from reconciler.documents.drift import DriftFile
from reconciler.documents.drift_log import DriftLogFile
from reconciler.documents.ledger import HistoryFile, LedgerEntry
from reconciler.documents.plan import PlanFile
from reconciler.documents.problems import ErrorFile, ValidationFile
from reconciler.documents.report import ReportFile
from reconciler.documents.sids import SidsFile
from reconciler.schema.values import DRAFT, Schema


def _model_schema(model: type[Part], title: str) -> Schema:
    schema = conversion.json_schema(model)
    return {"$schema": DRAFT, **schema, "title": title}


def plan_schema() -> Schema:
    """Return the JSON Schema of plan files (`plan --format json`, `plan --out`)."""
    return _model_schema(PlanFile, "reconciler plan")


def report_schema() -> Schema:
    """Return the JSON Schema of apply reports (`apply --format json`)."""
    return _model_schema(ReportFile, "reconciler report")


def drift_schema() -> Schema:
    """Return the JSON Schema of drift reports (`drift --format json`)."""
    return _model_schema(DriftFile, "reconciler drift")


def drift_log_schema() -> Schema:
    """Return the JSON Schema of the history of drift (`drift log --format json`)."""
    return _model_schema(DriftLogFile, "reconciler drift log")


def diff_schema() -> Schema:
    """Return the JSON Schema of comparisons of two configurations (`diff --format json`)."""
    return _model_schema(ComparisonFile, "reconciler diff")


def accept_schema() -> Schema:
    """Return the JSON Schema of the edits that accept drift (`accept --format json`)."""
    return _model_schema(AcceptFile, "reconciler accept")


def sids_schema() -> Schema:
    """Return the JSON Schema of the output of `sids`."""
    return _model_schema(SidsFile, "reconciler sids")


def ledger_schema() -> Schema:
    """Return the JSON Schema of an entry of the ledger (`entry.json`, `history show --format json`)."""
    return _model_schema(LedgerEntry, "reconciler ledger")


def history_schema() -> Schema:
    """Return the JSON Schema of the entries of a ledger (`history --format json`)."""
    return _model_schema(HistoryFile, "reconciler history")


def validation_schema() -> Schema:
    """Return the JSON Schema of the result of `validate` for a valid configuration."""
    return _model_schema(ValidationFile, "reconciler validation")


def error_schema() -> Schema:
    """Return the JSON Schema of the error that a command writes in place of its document."""
    return _model_schema(ErrorFile, "reconciler error")
