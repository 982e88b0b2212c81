"""The options of a plan, which are parsed before the planner is imported. Pure data."""

from __future__ import annotations

from dataclasses import replace

from reconciler.address import Address
from reconciler.config.model import Approval, Config
from reconciler.config.selection import Selection, select
from reconciler.errors import Problem
from reconciler.lazy_dataclass import dataclass
from reconciler.planning.kept_decisions import NOT_REVIEWED, Reviewed


@dataclass(frozen=True, slots=True)
class UndoneReport:
    """The report whose apply a plan undoes.

    Attributes:
        path: the path of its file, relative to the folder of the plan file.
        digest: ``sha256:…`` of the file.
        is_empty: whether that apply changed nothing.
    """

    path: str
    digest: str
    is_empty: bool = False


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """Options of a plan.

    Attributes:
        rotate: resend the write-only values of these resources.
        targets: plan only these addresses, everything below them, and their dependencies; empty for everything.
        excludes: leave out these addresses, everything below them, and their dependents.
        approved: destructive changes that are approved on the command line.
        brought: those of them that come from a saved plan; they may approve changes that are already done.
        reviewed: the decisions of the reviewed plan that this one continues.
        searches: also search collections in which nothing is declared for unmanaged resources.
        undo: the report whose apply the plan undoes; None if it undoes none.
        baseline: the value of ``--baseline``; empty for that of the ledger.
        ours: whether the configuration wins every conflict.
        settings: also look for live settings that are not declared.
        count_limit: the number up to which resources are counted that a delete affects; 0 to count nothing.
        notes: what to warn about besides, such as the state of the ledger.
    """

    targets: tuple[Address, ...] = ()
    excludes: tuple[Address, ...] = ()
    approved: tuple[Approval, ...] = ()
    rotate: tuple[Address, ...] = ()
    brought: tuple[Approval, ...] = ()
    reviewed: Reviewed = NOT_REVIEWED
    searches: bool = False
    undo: UndoneReport | None = None
    baseline: str = ""
    ours: bool = False
    settings: bool = False
    count_limit: int = 0
    notes: tuple[Problem, ...] = ()

    def selection(self, config: Config) -> Selection:
        """The part of a configuration that the plan covers."""
        selected = select(config, self.targets, self.excludes)
        return replace(selected, searches=self.searches, settings=self.settings)
