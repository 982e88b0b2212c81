"""The options that a refusal offers: each of them works, and no other one does."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.accept.drifting import Desk, drift

HEAD = "version: 1\n"
ADA = "services: {desk: {users: {ada: {friendly_name: Ada, attributes: {n: 1, m: 1}}}}}\n"
BLANK = {"prod.yaml": HEAD}
NAME, ATTRIBUTES = "services.desk.users.ada.friendly_name", "services.desk.users.ada.attributes"


def environments(prod: str, rest: str = ADA, dev: str = "", top: str = "") -> str:
    return f"{HEAD}{top}environments: {{prod: {{{prod}}}, dev: {{{dev}}}}}\n{rest}"


OVERLAY = "overlays: [prod.yaml]"
INTERPOLATED = ADA.replace("n: 1", 'n: "${env:N}"')
TEMPLATE = f"templates: {{t: {ADA.removeprefix('services: {desk: ').removesuffix('}' + chr(10))}}}\n"
USES = TEMPLATE + "services: {desk: {template: t}, other: {template: t}}\n"

# The files, what is accepted, and the options that the refusal without one offers.
OFFERED: Mapping[str, tuple[Mapping[str, str], str, set[str]]] = {
    "a value, and an overlay": ({"reconciler.yaml": environments(OVERLAY), **BLANK}, NAME, {"overlay", "base"}),
    "a value, and no overlay": ({"reconciler.yaml": environments("")}, NAME, {"base"}),
    "a value, and an overlay of both": (
        {"reconciler.yaml": environments(OVERLAY, dev=OVERLAY), **BLANK},
        NAME,
        {"base"},
    ),
    "an inner value, and an overlay": (
        {"reconciler.yaml": environments(OVERLAY), **BLANK},
        ATTRIBUTES,
        {"overlay", "base"},
    ),
    "an interpolated inner value, and an overlay": (
        {"reconciler.yaml": environments(OVERLAY, INTERPOLATED), **BLANK},
        ATTRIBUTES,
        {"overlay"},
    ),
    "an interpolated inner value, and no overlay": (
        {"reconciler.yaml": environments("", INTERPOLATED)},
        ATTRIBUTES,
        set(),
    ),
    "an interpolated inner value, and an overlay of both": (
        {"reconciler.yaml": environments(OVERLAY, INTERPOLATED, dev=OVERLAY), **BLANK},
        ATTRIBUTES,
        set(),
    ),
    "an inner value of a template": ({"reconciler.yaml": HEAD + USES}, ATTRIBUTES, {"template"}),
    "an interpolated inner value of a template": (
        {"reconciler.yaml": HEAD + USES.replace("n: 1", 'n: "${env:N}"')},
        ATTRIBUTES,
        set(),
    ),
    "a value of a template, and an overlay": (
        {"reconciler.yaml": environments(OVERLAY, USES.replace(", other: {template: t}", "")), **BLANK},
        NAME,
        {"overlay", "base"},
    ),
}


@pytest.mark.parametrize("title", OFFERED)
def test_a_refusal_offers_what_works_and_nothing_else(tmp_path: Path, title: str) -> None:
    files, name, offered = OFFERED[title]
    for path, text in files.items():
        (tmp_path / path).write_text(text)
    env = "prod" if "environments" in files["reconciler.yaml"] else ""
    one = Desk(tmp_path, env, variables={"N": "1"})
    one.apply()
    made, _ = one.read()
    [live] = [live for address, live in made.live.items() if str(address) == "services.desk.users.ada"]
    path = name.rsplit(".", 1)[1]
    assert drift(one.account, live, path, "Changed" if path == "friendly_name" else {"n": 2, "m": 1})
    [refusal] = one.accept(name).refused
    for at in ("overlay", "base", "template"):
        found = one.accept(name, at=at)
        works = not found.refused
        assert works == (at in offered), (at, found.refused)
        assert (f"--at {at} " in refusal.hint) == works, refusal
        for file, text in files.items():
            (tmp_path / file).write_text(text)
    assert refusal.hint
