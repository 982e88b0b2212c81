"""The process dies at every request there is, before it is sent or when it has been done; then it is run again."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.emulator import Emulator, Rules, Store
from reconciler.emulator.app import Receive, Scope, Send
from reconciler.emulator.faults import Faults, Faulty
from reconciler.errors import MatchError
from tests.emulator.served import served
from tests.faults.chaos import Chaos, Episode, Figures, Mortal, Side, run
from tests.faults.harness import COUNTS, FILES, counts, everything
from tests.properties.accounts import inhabited
from tests.properties.strategies import Call, accounts, configurations, rules, text
from tests.world import World, read


def requests_of(chaos: Chaos) -> int:
    """How many requests a plan and an apply take."""
    mortal = Mortal(Faulty(chaos.world.emulator, Faults()), chaos, Episode())
    chaos.apply(mortal)
    return mortal.seen


def dies(number: int, side: Side) -> None:
    world = World()
    Chaos(world, (everything(), everything()), Figures()).run((Episode(kill=(number, side)),))
    assert counts(world) == COUNTS


def test_wherever_it_dies_the_next_apply_ends_as_if_it_had_not() -> None:
    """Of each request, before or after it; the slow test tries both."""
    total = requests_of(Chaos(World(), (everything(), everything()), Figures()))
    assert total == 19
    for number in range(total):
        dies(number, "after" if number % 2 else "before")


@pytest.mark.slow
def test_whenever_it_dies_the_next_apply_ends_as_if_it_had_not() -> None:
    for number in range(19):
        dies(number, "before")
        dies(number, "after")


@pytest.mark.slow
def test_whenever_it_dies_on_the_way_from_any_account_to_any_files(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures()

    @settings(
        max_examples=12,
        suppress_health_check=list(HealthCheck),
        phases=(Phase.generate,),
    )
    @given(configurations().map(text), accounts(), st.just(Rules()) | rules)
    def everywhere(files: str, calls: list[Call], readings: Rules) -> None:
        try:
            total = requests_of(Chaos(inhabited(calls, readings), (read(files), read(files)), Figures()))
        except MatchError:
            return
        sides: tuple[Side, Side] = ("before", "after")
        for number in range(total):
            for side in sides:
                run((files, files), calls, (Episode(kill=(number, side)),), figures, readings)

    everywhere()
    with capsys.disabled():
        print(f"\nkills: {figures}")
    assert sum(figures.kills.values()) == figures.runs - figures.skipped > 100


class Fatal(Emulator):
    """An emulator that kills its client at a request.

    Attributes:
        at: which one, counted from the last time this was set.
        is_after: whether when it has been carried out.
        client: whom.
    """

    at = -1
    is_after = False
    client: subprocess.Popen[bytes] | None = None
    seen = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        number, self.seen = self.seen, self.seen + (scope["type"] == "http")
        if number == self.at and not self.is_after:
            self._kill()
        elif number == self.at:
            await super().__call__(scope, receive, _unheard)
            self._kill()
        else:
            await super().__call__(scope, receive, send)

    def _kill(self) -> None:
        assert self.client is not None
        self.client.kill()
        self.client.wait()


async def _unheard(_message: object) -> None:
    """Whoever asked hears nothing."""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_process_that_is_killed_for_real_anywhere_can_be_run_again(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    (tmp_path / "reconciler.yaml").write_text(FILES, encoding="utf-8")
    app = Fatal(Store.open(":memory:"), require_auth=True)
    environment = {
        "PATH": "",
        "TWILIO_ACCOUNT_SID": app.store.account_sid,
        "TWILIO_AUTH_TOKEN": "emulator",
        "FCM": "AAAA" + "x" * 60,
    }
    with served(app) as host:
        command = [sys.executable, "-m", "reconciler", "apply", str(tmp_path), "--yes", "--api-url", host.url]

        def apply() -> int:
            with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment) as it:
                app.client = it
                return it.wait(120)

        for _ in range(3):
            app.seen, app.at, app.is_after = 0, draw.randrange(30), draw.random() < 0.5
            apply()
        app.at = -1
        assert apply() == 0
        # Nothing is left to do, and nothing is there twice.
        before = len(app.requests)
        assert apply() == 0
        assert {record.method for record in list(app.requests)[before:]} == {"GET"}
    assert counts(app) == COUNTS
