"""Declarative configuration as code for Twilio Conversations v1.

    from reconciler import Reconciler

    plan = await Reconciler("conversations", env="prod").plan()

Everything in `__all__` is public and loaded on first use: importing this package alone imports nothing else. Type
checkers read the stub `__init__.pyi`.
"""

__version__ = "0.2.0"

_ERRORS = "reconciler.errors"
_HOMES = {
    "AcceptFile": "reconciler.documents.acceptance",
    "ApiError": _ERRORS,
    "ConfigError": _ERRORS,
    "DriftFile": "reconciler.documents.drift",
    "Emulator": "reconciler.emulator",
    "Export": "reconciler.export",
    "GuardRefusal": _ERRORS,
    "Interrupted": _ERRORS,
    "JournalError": _ERRORS,
    "LedgerError": _ERRORS,
    "LedgerOptions": "reconciler.ledger.options",
    "MatchError": _ERRORS,
    "PlanFile": "reconciler.documents.plan",
    "PlanFileError": _ERRORS,
    "Reconciler": "reconciler.workflow.library",
    "ReconcilerError": _ERRORS,
    "ReportFile": "reconciler.documents.report",
    "StalePlan": _ERRORS,
    "SyncReconciler": "reconciler.workflow.library",
    "UsageError": _ERRORS,
    "ValidationFile": "reconciler.documents.problems",
}
"""The module of each public name."""

__all__ = [
    "AcceptFile",
    "ApiError",
    "ConfigError",
    "DriftFile",
    "Emulator",
    "Export",
    "GuardRefusal",
    "Interrupted",
    "JournalError",
    "LedgerError",
    "LedgerOptions",
    "MatchError",
    "PlanFile",
    "PlanFileError",
    "Reconciler",
    "ReconcilerError",
    "ReportFile",
    "StalePlan",
    "SyncReconciler",
    "UsageError",
    "ValidationFile",
    "__version__",
]


def __getattr__(name: str) -> object:
    """Import a public name's module on first use.

    Raises:
        AttributeError: there is no public name like that.
    """
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - not needed for the version alone

    found = getattr(import_module(home), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
