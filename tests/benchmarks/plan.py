"""What a plan of ten thousand resources costs, in requests and CPU, as ratios.

    python -m tests.benchmarks.plan

Requests against the ideal (one for each list's page and each singleton that is needed), CPU against reading the same
answers and parsing the same YAML without looking at either.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import yaml

from reconciler.documents.plan import plan_document
from tests.world import World, read

SERVICES, ROLES = 100, 100
PAGE = 50
Result = TypeVar("Result")


def cpu(work: Callable[[], Result]) -> tuple[float, Result]:
    """CPU seconds of one run, and what it gave."""
    started = time.process_time()
    result = work()
    return time.process_time() - started, result


def files() -> str:
    """One hundred services of one hundred roles."""
    lines = ["version: 1", "limits: {deletes: 0}", "services:"]
    for service in range(SERVICES):
        lines += [f"  s{service}:", f"    friendly_name: Service {service:03}", "    roles:"]
        lines += [
            f"      r{role}: {{type: conversation, permissions: [sendMessage, leaveConversation]}}"
            for role in range(ROLES)
        ]
    return "\n".join(lines) + "\n"


def main() -> None:
    text = files()
    parsing, _ = cpu(lambda: yaml.compose(text, Loader=yaml.CSafeLoader))
    loading, config = cpu(lambda: read(text))
    account = World()
    creating, made = cpu(lambda: account.plan(config))
    applying, report = cpu(lambda: account.do(made))
    account.forget_requests()
    fetching, again = cpu(lambda: account.plan(config))
    pages = -(-(ROLES + 4) // PAGE)
    ideal = 1 + -(-(SERVICES + 1) // PAGE) + SERVICES * (pages + 1)
    writing, _ = cpu(lambda: plan_document(made, key=b"", tool_version="", created_at="").to_json())
    print(f"resources            {len(config.resources)}")
    print(f"load the files       {loading:.2f} s CPU, {loading / parsing:.1f} times the bare parse ({parsing:.2f} s)")
    print(f"plan, all to create  {creating:.2f} s CPU for {len(made.changes)} changes; as a plan file {writing:.2f} s")
    each, over = report.requests / len(config.resources), len(account.requests) / ideal
    print(f"apply                {applying:.2f} s CPU with the emulator's, {each:.2f} requests for each resource")
    print(f"plan, nothing to do  {fetching:.2f} s CPU with the emulator's, {len(again.changes)} changes")
    print(f"requests of a plan   {len(account.requests)}, {over:.2f} times the ideal")


if __name__ == "__main__":
    main()
