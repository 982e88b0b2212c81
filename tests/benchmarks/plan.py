"""What a plan of ten thousand resources costs, in requests and CPU, as ratios.

Requests against the ideal (one for each list's page and each singleton that is needed), CPU against reading the same
answers and parsing the same YAML without looking at either.
"""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from reconciler.documents.plan import plan_document
from tests.benchmarks.measuring import Row, cpu
from tests.world import World, read

SERVICES, ROLES = 100, 100
PAGE = 50


def files(services: int = SERVICES) -> str:
    """So many services of one hundred roles."""
    lines = ["version: 1", "limits: {deletes: 0}", "services:"]
    for service in range(services):
        lines += [f"  s{service}:", f"    friendly_name: Service {service:03}", "    roles:"]
        lines += [
            f"      r{role}: {{type: conversation, permissions: [sendMessage, leaveConversation]}}"
            for role in range(ROLES)
        ]
    return "\n".join(lines) + "\n"


def rows() -> Iterator[Row]:
    """Measure load, plan, and apply."""
    text = files()
    parsing, _ = cpu(lambda: yaml.compose(text, Loader=yaml.CSafeLoader))
    loading, config = cpu(lambda: read(text))
    account = World()
    creating, plan = cpu(lambda: account.plan(config))
    applying, report = cpu(lambda: account.do(plan))
    account.forget_requests()
    fetching, _ = cpu(lambda: account.plan(config))
    pages = -(-(ROLES + 4) // PAGE)
    ideal = 1 + -(-(SERVICES + 1) // PAGE) + SERVICES * (pages + 1)
    writing, _ = cpu(lambda: plan_document(plan, key=b"", tool_version="", created_at="").to_json())
    yield Row(
        "load 10,000 resources", "composing nodes", "x", loading / parsing, detail=f"{loading:.2f} : {parsing:.2f} s"
    )
    yield Row("plan 10,000 creates, emulator included", "", "s", creating)
    yield Row("plan file of 10,000 creates", "", "s", writing)
    yield Row("apply of 10,000 creates, emulator included", "", "s", applying)
    yield Row("requests of that apply", "resources", "x", report.requests / len(config.resources))
    yield Row("plan of 10,000 without changes, emulator included", "", "s", fetching)
    yield Row("requests of that plan", "pages and singletons", "x", len(account.requests) / ideal)
