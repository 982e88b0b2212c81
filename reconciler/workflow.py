"""The verbs as async functions: the one place where the shell (disk, network) and the pure core meet.

Takes what the command line was told, in `Inputs` and `Endpoint`; gives data: a `Config`, a `Planned`, an `Applied`.
Prints nothing, asks nobody (the caller hands in `confirm`), and knows no exit codes beyond the errors it raises.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from reconciler.config.model import Config
from reconciler.plan_file import PlanFile
from reconciler.report import Progress, Report


@dataclass(frozen=True, slots=True)
class Inputs:
    """Which files, and how to read them.

    Attributes:
        path: a root file, or a folder that holds ``reconciler.yaml``.
        environment: the environment to pick; empty for none.
        variables: from ``--var``.
        overlays: files from ``--overlay``, relative to the current folder.
        strict: whether warnings are errors.
        allow_unset: whether unset variables are unknown values (only for validate).
        targets: addresses to narrow to, as text.
        excludes: addresses to leave out, as text.
        approved: addresses whose destructive change is approved, as text.
    """

    path: str = "."
    environment: str = ""
    variables: Mapping[str, str] = field(default_factory=dict)
    overlays: tuple[str, ...] = ()
    strict: bool = False
    allow_unset: bool = False
    targets: tuple[str, ...] = ()
    excludes: tuple[str, ...] = ()
    approved: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API is and who asks.

    Attributes:
        emulator: the emulator's SQLite file, in process; empty for a real API.
        api_url: another API's URL; empty for Twilio.
        profile: a profile of Twilio's CLI; empty for the environment's credentials.
        concurrency: how many requests at once; writes get half of it.
        environment: environment variables, for credentials, region and edge.
    """

    emulator: str = ""
    api_url: str = ""
    profile: str = ""
    concurrency: int = 10
    environment: Mapping[str, str] = field(default_factory=dict)


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


Confirm = Callable[[PlanFile], Awaitable[bool]]
"""Shows a plan and says whether to go on."""


def validate(inputs: Inputs, environment: Mapping[str, str]) -> Config:
    """Read and check the files, offline.

    Raises:
        ConfigError: everything that is wrong with them, all at once.
    """
    raise NotImplementedError


async def plan(inputs: Inputs, endpoint: Endpoint, progress: Progress) -> Planned:
    """Read the files, fetch the account, compare. Sends nothing but GET.

    Raises:
        ReconcilerError: see `reconciler.errors`.
    """
    raise NotImplementedError


async def apply(
    inputs: Inputs, endpoint: Endpoint, progress: Progress, confirm: Confirm, approved: PlanFile | None = None
) -> Applied:
    """Plan afresh and apply it.

    Args:
        inputs: which files.
        endpoint: where the API is.
        progress: who is told how it goes.
        confirm: asked before anything is written, unless there is nothing to do.
        approved: a reviewed plan; every fresh change must be one of its changes.

    Raises:
        StalePlan: the approved plan no longer fits; nothing was sent.
        GuardRefusal: a guard refuses; nothing was sent.
        ReconcilerError: see `reconciler.errors`; nothing was sent.
    """
    raise NotImplementedError
