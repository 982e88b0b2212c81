"""Whatever goes wrong, whenever the process dies, whoever else is at work: one more apply ends in an empty plan.

And nothing exists twice, nothing undeclared was touched, and every report is true.
"""

from __future__ import annotations

import json
import random
import zlib

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.emulator import Rules
from reconciler.emulator.faults import FAULTS, READ_FAULTS
from tests.faults.chaos import EDITED, Edit, Episode, Figures, run
from tests.properties.strategies import Call, accounts, configurations, text

few = settings(
    max_examples=12,
    suppress_health_check=list(HealthCheck),
    # Without shrinking, which takes minutes here: a program that fails can be shrunk when it is wanted.
    phases=(Phase.explicit, Phase.generate),
    report_multiple_bugs=False,
)
many = settings(few, max_examples=1000)

files = st.tuples(configurations().map(text), configurations().map(text))

REPEATABLE = json.dumps(
    {
        "version": 1,
        "services": {
            service: {
                "friendly_name": service,
                "roles": {
                    f"{service} {name}": {"type": "conversation", "permissions": ["sendMessage"]} for name in "abc"
                },
                "conversations": {
                    "hall": {
                        "webhooks": {
                            name: {
                                "target": "webhook",
                                "url": f"https://{name}.example.com/",
                                "filters": ["onMessageAdded"],
                            }
                            for name in "abc"
                        }
                    }
                },
            }
            for service in ("North", "South", "East")
        },
        "credentials": {name: {"type": "fcm", "secret": "s3"} for name in ("one", "two", "three")},
    }
)
"""Files of what the API takes twice."""


Program = tuple[tuple[str, str], tuple[Episode, ...], Rules]


def program(texts: tuple[str, str], calls: list[Call]) -> Program:
    """Up to three applies, of an API of any readings.

    Drawn evenly, where hypothesis would mostly draw what is small and what it had before.
    """
    draw = random.Random(zlib.crc32(repr((texts, calls)).encode()))
    if draw.random() < 0.3:
        texts = (REPEATABLE, texts[1])
    episodes = tuple(episode(draw, is_first=number == 0) for number in range(draw.randint(1, 3)))
    return texts, episodes, readings(draw)


def readings(draw: random.Random) -> Rules:
    """What is unverified, half of the time by the default readings and else by few or many others."""
    share = draw.choice((0.0, 0.0, 0.1, 0.5))
    return Rules(**{name: draw.choice(some) for name, some in Rules.fields().items() if draw.random() < share})


def episode(draw: random.Random, *, is_first: bool) -> Episode:
    chosen = draw.sample((*FAULTS, *READ_FAULTS), draw.randint(1, 5))
    share = draw.choice((0.0, 0.1, 0.3, 0.6))
    # Late work and stale reads are what is hardest to get right, and befall few.
    weights = {name: 3.0 if name in {"reset-taken", "stale", "shifted"} else 1.0 for name in chosen}
    edits = [
        Edit(draw.randrange(25), draw.choice(("create", "update", "delete")), draw.choice(EDITED), draw.randrange(10))
        for _ in range(draw.choice((0, 0, 1, 3)))
    ]
    return Episode(
        {name: share * weight / sum(weights.values()) for name, weight in weights.items()},
        seed=draw.getrandbits(32),
        pages=draw.choice((0, 2, 3)),
        crowd=draw.choice((0, 0, 3)),
        kill=draw.choice((None, (draw.randrange(35), draw.choice(("before", "after"))))),
        edits=tuple(edits),
        attempts=draw.choice((8, 8, 8, 3, 1)),
        is_new=not is_first and draw.random() < 0.5,
    )


@few
@given(files, accounts())
def test_whatever_happens_one_more_apply_converges(texts: tuple[str, str], calls: list[Call]) -> None:
    texts, episodes, rules = program(texts, calls)
    run(texts, calls, episodes, Figures(), rules)


@pytest.mark.slow
def test_whatever_happens_a_thousand_times_one_more_apply_converges(capsys: pytest.CaptureFixture[str]) -> None:
    figures = Figures()

    @many
    @given(files, accounts())
    def all_of_them(texts: tuple[str, str], calls: list[Call]) -> None:
        texts, episodes, rules = program(texts, calls)
        run(texts, calls, episodes, figures, rules)

    all_of_them()
    with capsys.disabled():
        print(f"\nchaos: {figures}")
    assert figures.runs >= 1000
    assert figures.read_otherwise > 300
    assert sum(figures.kills.values()) > 300
