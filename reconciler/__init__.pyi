from reconciler.documents.acceptance import AcceptFile as AcceptFile
from reconciler.documents.drift import DriftFile as DriftFile
from reconciler.documents.plan import PlanFile as PlanFile
from reconciler.documents.problems import ValidationFile as ValidationFile
from reconciler.documents.report import ReportFile as ReportFile
from reconciler.emulator import Emulator as Emulator
from reconciler.errors import ApiError as ApiError
from reconciler.errors import ConfigError as ConfigError
from reconciler.errors import GuardRefusal as GuardRefusal
from reconciler.errors import Interrupted as Interrupted
from reconciler.errors import JournalError as JournalError
from reconciler.errors import LedgerError as LedgerError
from reconciler.errors import MatchError as MatchError
from reconciler.errors import PlanFileError as PlanFileError
from reconciler.errors import ReconcilerError as ReconcilerError
from reconciler.errors import StalePlan as StalePlan
from reconciler.errors import UsageError as UsageError
from reconciler.export import Export as Export
from reconciler.ledger.options import LedgerOptions as LedgerOptions
from reconciler.workflow.library import Reconciler as Reconciler
from reconciler.workflow.library import SyncReconciler as SyncReconciler

__version__: str

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
