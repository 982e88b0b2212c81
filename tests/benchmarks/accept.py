"""How long `accept` takes in a file of many resources: ``python -m tests.benchmarks.accept [RESOURCES]``.

Prints the CPU time for one value, and for many; the targets are 3 and 6 seconds for 10,000 resources.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from reconciler.testing import EmulatedAccount
from tests.accept.drifting import Desk

MANY = 1000


def main(resources: int) -> None:
    """Print the times."""
    lines = ["version: 1", "services:", "  desk:", "    friendly_name: Desk", "    users:"]
    for number in range(resources):
        lines += [
            f"      user{number}@example.com:  # number {number}",
            f"        friendly_name: User {number}",
            f"        attributes: {{team: blue, level: {number}}}",
        ]
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "reconciler.yaml"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        account = EmulatedAccount()
        one = Desk(path, account=account)
        one.apply()
        (service,) = [row["sid"] for row in account.get("/v1/Services")["services"] if row["friendly_name"] == "Desk"]
        one.read()
        for count in (1, min(MANY, resources)):
            for number in range(count):
                account.post(
                    f"/v1/Services/{service}/Users/user{number}@example.com", {"FriendlyName": f"Changed {count}"}
                )
            names = [f'services.desk.users["user{number}@example.com"].friendly_name' for number in range(count)]
            begun = time.process_time()
            one.read()
            planned = time.process_time()
            found = one.accept(*names)
            ended = time.process_time()
            print(f"{len(found.accepted)} accepted: {ended - planned:.2f} s of CPU; a plan: {planned - begun:.2f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
