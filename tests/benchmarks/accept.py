"""What `accept` costs in a file of many resources: one value, and many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from reconciler.testing import EmulatedAccount
from tests.accept.drifting import Desk
from tests.benchmarks.measuring import Row, cpu

RESOURCES, MANY = 3000, 300


def rows() -> Iterator[Row]:
    """Measure it after one changed value, and after many, as a ratio to the plan before it."""
    lines = ["version: 1", "services:", "  desk:", "    friendly_name: Desk", "    users:"]
    for number in range(RESOURCES):
        lines += [
            f"      user{number}@example.com:  # number {number}",
            f"        friendly_name: User {number}",
            f"        attributes: {{team: blue, level: {number}}}",
        ]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "reconciler.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        account = EmulatedAccount()
        desk = Desk(path, account=account)
        desk.apply()
        (service,) = [row["sid"] for row in account.get("/v1/Services")["services"] if row["friendly_name"] == "Desk"]
        desk.read()
        for count in (1, MANY):
            for number in range(count):
                account.post(
                    f"/v1/Services/{service}/Users/user{number}@example.com", {"FriendlyName": f"Changed {count}"}
                )
            names = [f'services.desk.users["user{number}@example.com"].friendly_name' for number in range(count)]
            planning, _ = cpu(desk.read)
            accepting, found = cpu(partial(desk.accept, *names))
            title = f"accept {len(found.accepted)} of {RESOURCES:,} resources"
            yield Row(title, "plan", "x", accepting / planning, detail=f"{accepting:.2f} s : {planning:.2f} s")
