"""What `accept` costs in a file of 10,000 resources: CPU of the whole command, for one value and for a thousand.

The command runs in a process of its own, as users run it, imports included. An emulator in another process answers, so
that the emulator's CPU does not count.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx

from tests.benchmarks.apply import CREDENTIALS, served
from tests.benchmarks.goals import Goal
from tests.benchmarks.measuring import Row, cpu_of_process, reconciler

RESOURCES, MANY, RUNS = 10_000, 1000, 3


def files() -> str:
    """Return the configuration: one service, and users with attributes and comments."""
    lines = ["version: 1", "services:", "  desk:", "    friendly_name: Desk", "    users:"]
    for number in range(RESOURCES - 1):
        lines += [
            f"      user{number}@example.com:  # number {number}",
            f"        friendly_name: User {number}",
            f"        attributes: {{team: blue, level: {number}}}",
        ]
    return "\n".join(lines) + "\n"


def _change(url: str) -> None:
    """Give another name to as many users as are accepted at most."""
    auth = (CREDENTIALS.account_sid, "emulator")
    with httpx.Client(base_url=url, auth=auth, trust_env=False) as client:
        (service,) = [
            row["sid"] for row in client.get("/v1/Services").json()["services"] if row["friendly_name"] == "Desk"
        ]
        for number in range(MANY):
            path = f"/v1/Services/{service}/Users/user{number}@example.com"
            client.post(path, data={"FriendlyName": f"Changed {number}"}).raise_for_status()


def rows() -> Iterator[Row]:
    """Measure the command, the least of some runs."""
    environment = {"TWILIO_ACCOUNT_SID": CREDENTIALS.account_sid, "TWILIO_AUTH_TOKEN": "emulator"}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = folder / "reconciler.yaml"
        path.write_text(text := files(), encoding="utf-8")
        cpu_of_process(reconciler("apply", ".", "--yes", "--emulator", "account.db", folder=folder))
        with served(0, database=str(folder / "account.db"), writes_per_second=None) as url:
            _change(url)
            for goal, count in ((Goal.ACCEPT_ONE, 1), (Goal.ACCEPT_MANY, MANY)):
                names = [f'services.desk.users["user{number}@example.com"].friendly_name' for number in range(count)]
                command = reconciler(
                    "accept", ".", *names, "--yes", "--api-url", url, folder=folder, environment=environment
                )
                found = []
                for _ in range(RUNS):
                    path.write_text(text, encoding="utf-8")
                    found.append(cpu_of_process(command))
                changed = path.read_text(encoding="utf-8").count("friendly_name: Changed")
                assert changed == count
                yield goal.row(min(found), f"median {sorted(found)[RUNS // 2]:.2f} s")
