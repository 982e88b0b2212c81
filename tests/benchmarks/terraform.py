"""Our speed next to Terraform's with its community provider for Twilio: creates and empty plans of three accounts.

Both reach one kind of emulator through one kind of proxy (`twilio_host.py`), with TLS, at 50 ms latency and with
Twilio's limit of 30 writes a second to one service. Each run creates an account from nothing, then plans it without
changes; Terraform, we, and we with `--concurrency 20` take turns. Terraform gets `-parallelism=10`, its default and
ours. Every figure is the median of the runs.

Needs `terraform` and `terraform-provider-twilio` on the PATH; see README.md.
"""

from __future__ import annotations

import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.api.rate_limit import WRITES_PER_SECOND
from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import ROOT, Command, Row, Usage, reconciler, usage_of_process
from tests.benchmarks.twilio_host import Served, TwilioHost, twilio_host
from tests.builders import ACCOUNT

LATENCY, CONCURRENCY = 50.0, 10
ROLES = 5
PAGE = 50
"""Resources on a page of a list."""
SOURCE = "RJPearson94/twilio"
PROGRAMS = ("terraform", "terraform-provider-twilio")


class Shape(NamedTuple):
    """The size of an account, how often it is measured, and the goals of its create and empty plan."""

    name: str
    services: int
    addresses: int
    runs: int
    create: Goal
    plan: Goal


SHAPES = (
    Shape("medium", 10, 100, 5, Goal.TERRAFORM_MEDIUM_CREATE, Goal.TERRAFORM_MEDIUM_PLAN),
    Shape("1,000 addresses", 10, 1000, 3, Goal.TERRAFORM_ADDRESSES_CREATE, Goal.TERRAFORM_ADDRESSES_PLAN),
    Shape("100 services", 100, 100, 3, Goal.TERRAFORM_SERVICES_CREATE, Goal.TERRAFORM_SERVICES_PLAN),
)


class Measured(NamedTuple):
    """One command: what its processes used, and what was served to them."""

    usage: Usage
    served: Served


def configuration(shape: Shape) -> str:
    """Return our configuration of an account."""
    lines = [
        "version: 1",
        "account:",
        f"  sid: {ACCOUNT}",
        "  configuration: {default_closed_timer: P30D}",
        "  webhooks: {post_webhook_url: https://hooks.example.com/all}",
        "services:",
    ]
    for service in range(shape.services):
        lines += [
            f"  s{service}:",
            f"    friendly_name: Service {service}",
            "    configuration: {reachability_enabled: true}",
            "    notifications: {log_enabled: true}",
            "    roles:",
            *(f"      r{role}: {{type: conversation, permissions: [sendMessage]}}" for role in range(ROLES)),
        ]
    lines += ["addresses:", *(f'  "{number}": {{type: sms}}' for number in _numbers(shape))]
    return "\n".join(lines) + "\n"


def terraform_configuration(shape: Shape) -> str:
    """Return Terraform's configuration of the same account, as JSON.

    Each resource has a block of its own: with `for_each`, Terraform takes up to twice as long.
    """
    resources: dict[str, dict[str, object]] = {}

    def add(kind: str, name: str, **values: object) -> None:
        resources.setdefault(f"twilio_conversations_{kind}", {})[name] = values

    add("configuration", "account", default_closed_timer="P30D")
    add("webhook", "account", post_webhook_url="https://hooks.example.com/all")
    for service in range(shape.services):
        key = f"s{service}"
        sid = f"${{twilio_conversations_service.{key}.sid}}"
        add("service", key, friendly_name=f"Service {service}")
        add("service_configuration", key, service_sid=sid, reachability_enabled=True)
        add("service_notification", key, service_sid=sid, log_enabled=True)
        for role in range(ROLES):
            name, permissions = f"r{role}", ["sendMessage"]
            add(
                "role",
                f"{key}-{name}",
                service_sid=sid,
                friendly_name=name,
                type="conversation",
                permissions=permissions,
            )
    for number in _numbers(shape):
        add("address_configuration_default", f"n{number[1:]}", address=number, type="sms")
    providers = {"required_providers": {"twilio": {"source": SOURCE}}}
    return json.dumps({"terraform": providers, "resource": resources}, indent=1)


def _numbers(shape: Shape) -> list[str]:
    return [f"+141555{number:05}" for number in range(shape.addresses)]


class Side(NamedTuple):
    """One of the programs that are compared: the commands that create an account, and that plan it without changes."""

    files: Callable[[Shape], Mapping[str, str]]
    create: Sequence[str]
    plan: Sequence[str]
    environment: Mapping[str, str]


def _terraform(provider: str) -> Side:
    """Return Terraform's side. Its provider is used from where it is, so that Terraform need not verify it."""
    override = f'"{SOURCE}" = {json.dumps(str(Path(provider).resolve().parent))}'
    cli = f"provider_installation {{\n  dev_overrides {{ {override} }}\n  direct {{}}\n}}\n"
    return Side(
        lambda shape: {"main.tf.json": terraform_configuration(shape), "cli.tfrc": cli},
        ["terraform", "apply", "-auto-approve", "-input=false", "-no-color", f"-parallelism={CONCURRENCY}"],
        ["terraform", "plan", "-input=false", "-no-color", f"-parallelism={CONCURRENCY}"],
        {"TF_CLI_CONFIG_FILE": "cli.tfrc", "CHECKPOINT_DISABLE": "1"},
    )


def _ours(*options: str) -> Side:
    return Side(
        lambda shape: {"reconciler.yaml": configuration(shape)},
        reconciler("apply", "--yes", *options).arguments,
        reconciler("plan", *options).arguments,
        {"PYTHONPATH": str(ROOT)},
    )


def _measure(command: Sequence[str], side: Side, folder: Path, host: TwilioHost) -> Measured:
    environment = {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": "emulator",
        **host.environment,
        **side.environment,
    }
    with host.counted() as served:
        usage = usage_of_process(Command(command, folder, environment))
    return Measured(usage, served[0])


def _run(shape: Shape, side: Side) -> tuple[Measured, Measured]:
    """Create an account from nothing, and plan it without changes."""
    with (
        tempfile.TemporaryDirectory() as name,
        twilio_host(Path(name), latency=LATENCY, writes_per_second=WRITES_PER_SECOND) as host,
    ):
        folder = Path(name) / "configuration"
        folder.mkdir()
        for file, text in side.files(shape).items():
            (folder / file).write_text(text, encoding="utf-8")
        return _measure(side.create, side, folder, host), _measure(side.plan, side, folder, host)


def _medians(runs: Sequence[Measured]) -> Measured:
    usage, served = (
        [statistics.median(figures) for figures in zip(*values, strict=True)] for values in zip(*runs, strict=True)
    )
    return Measured(Usage(*usage), Served(*served))


def _text(measured: Measured) -> str:
    """Return what a side used: wall time, CPU time, requests, memory."""
    usage, served = measured
    refused = f" ({served.refused:.0f} refused)" if served.refused else ""
    return (
        f"{usage.seconds:.1f} s, CPU {usage.cpu:.1f} s, {served.requests:.0f} requests{refused}, {usage.memory:.0f} MB"
    )


def _row(goal: Goal, sides: Sequence[Sequence[Measured]], pages: int) -> Iterator[Row]:
    """Compare the runs of Terraform, of us, and of us at 20 requests at once.

    The figure is the median of each run's own ratio: whatever else the machine does slows both sides of a run.

    Args:
        goal: The goal of the row.
        sides: The runs of each side, in the order in which they ran.
        pages: The pages of our longest list, of which each names the next one.
    """
    terraform, ours, ours_20 = (_medians(runs) for runs in sides)
    waits = [
        max(measured.served.requests / CONCURRENCY, rounds) * LATENCY / 1000
        for measured, rounds in ((terraform, 1), (ours, pages))
    ]
    detail = (
        f"{_text(terraform)} : {_text(ours)}; of which latency, at {CONCURRENCY} requests at once: "
        f"{waits[0]:.1f} : {waits[1]:.1f} s; 20 at once: {ours_20.usage.seconds:.1f} s; "
        f"CPU of emulator and proxy: {terraform.served.emulator + terraform.served.proxy:.1f} : "
        f"{ours.served.emulator + ours.served.proxy:.1f} s"
    )
    pairs = zip(sides[0], sides[1], strict=True)
    yield goal.row(statistics.median(theirs.usage.seconds / own.usage.seconds for theirs, own in pairs), detail)


def rows() -> Iterator[Row]:
    """Measure all shapes, the sides in turn; one row with what is missing, if Terraform or its provider is."""
    program, provider = found = [shutil.which(name) for name in PROGRAMS]
    if program is None or provider is None:
        missing = " and ".join(name for name, path in zip(PROGRAMS, found, strict=True) if path is None)
        reason = f"not measured: {missing} not on PATH; see tests/benchmarks/README.md"
        yield Row("comparison with Terraform", "", "", None, detail=reason)
        return
    sides = (_terraform(provider), _ours(), _ours("--concurrency", "20"))
    for side in sides:
        _run(SHAPES[0], side)  # writes Python's compiled files, and reads everything into memory
    for shape in SHAPES:
        runs = [[_run(shape, side) for side in sides] for _ in range(shape.runs)]
        pages = shape.addresses // PAGE
        for index, (goal, rounds) in enumerate(((shape.create, 1), (shape.plan, pages))):
            yield from _row(goal, [[run[side][index] for run in runs] for side in range(len(sides))], rounds)
