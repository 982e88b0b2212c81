"""The options that a refusal offers: each of them works, and no other one does."""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.accept.candidates import candidates
from reconciler.accept.edits import build_groups
from reconciler.accept.model import At, Group, Refusal
from reconciler.api import wire
from reconciler.sources.disk import DiskSources
from reconciler.workflow.editing import Checker, Editable
from reconciler.workflow.planning import plan_options
from tests.accept.drifting import Desk, drift

AT: tuple[At, ...] = ("", "overlay", "base", "template")
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
    "an inner value of a template of two services, and an overlay": (
        {"reconciler.yaml": environments(OVERLAY, USES), **BLANK},
        ATTRIBUTES,
        {"overlay", "base"},
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


# --- every place ------------------------------------------------------------------------------------------------------

PLACES = [
    "".join(places)
    for count in range(1, 4)
    for places in itertools.combinations(("base", "overlay", "template"), count)
]
OVERLAYS: Mapping[str, Mapping[str, list[str]] | None] = {
    "no environments": None,
    "no overlay": {"prod": [], "dev": []},
    "an overlay": {"prod": ["prod.yaml"], "dev": []},
    "an overlay each": {"prod": ["prod.yaml"], "dev": ["dev.yaml"]},
    "an overlay of both": {"prod": ["prod.yaml"], "dev": ["prod.yaml"]},
    "a second overlay": {"prod": ["prod.yaml", "last.yaml"], "dev": ["prod.yaml"]},
}


def written_everywhere(folder: Path, overlays: Mapping[str, list[str]] | None, services: int) -> Desk:
    """Write users and roles in every combination of places."""

    def part(place: str) -> dict[str, Any]:
        users: dict[str, Any] = {}
        roles: dict[str, Any] = {}
        for places in PLACES:
            if place in places:
                users[f"gone-{places}"] = {"friendly_name": place}
                users[f"kept-{places}"] = {
                    "friendly_name": place,
                    "attributes": {"same": 1, "gone": place, "other": {"gone": place, place: 1}},
                }
                roles[f"gone-{places}"] = {"type": "service", "permissions": ["addParticipant"]}
        return {"users": users, "roles": roles}

    desk = {"friendly_name": "Desk", "template": "t", **part("base")}
    others = {f"other{number}": {"friendly_name": f"Other {number}", "template": "t"} for number in range(1, services)}
    root: dict[str, Any] = {"version": 1, "templates": {"t": part("template")}, "services": {"desk": desk, **others}}
    if overlays is not None:
        root["environments"] = {name: {"overlays": paths} for name, paths in overlays.items()}
    files = {"reconciler.yaml": root}
    for path in dict.fromkeys(itertools.chain.from_iterable((overlays or {}).values())):
        files[path] = {"services": {"desk": part("overlay")}} if path == "prod.yaml" else {"services": {"desk": {}}}
    for path, value in files.items():
        (folder / path).write_text(yaml.safe_dump(value, sort_keys=False))
    return Desk(folder, "prod" if overlays is not None else "")


@pytest.mark.parametrize(
    ("title", "services"),
    [
        pytest.param(title, services, marks=() if (title, services) == ("a second overlay", 2) else pytest.mark.slow)
        for title in OVERLAYS
        for services in (1, 2)
    ],
)
def test_no_refusal_offers_what_is_refused_as_well(tmp_path: Path, title: str, services: int) -> None:
    one = written_everywhere(tmp_path, OVERLAYS[title], services)
    one.apply()
    made, state = one.read()
    for live in [live for address, live in made.live.items() if address.parts[1] == "desk" and len(address.parts) > 2]:
        where = wire.instance_path(live.kind, live.parents, live.sid)
        if "gone-" in str(live.name):
            one.account.delete(where)
        else:
            attributes = json.dumps({"same": 1, "other": {"new": 1}})
            one.account.post(where, {"FriendlyName": "new", "Attributes": attributes})
    made, state = one.read()
    loaded = Editable.load(one.inputs, DiskSources(one.inputs.path, {}))
    config = loaded.selected.config
    checker = Checker(loaded, made, state, plan_options(one.inputs))
    found = [candidate.item for candidate in candidates(made, state, config)]
    is_overlaid = "prod.yaml" in (OVERLAYS[title] or {}).get("prod", [])
    assert len(found) == 4 * len(PLACES if is_overlaid else [places for places in PLACES if places != "overlay"])
    wrong: list[str] = []
    made_groups: list[list[Group]] = []  # the checker tells them apart by their identity
    for item in found:
        refusals: dict[At, Refusal | None] = {}
        for at in AT:
            groups, refused = build_groups([item], loaded.files, loaded.environments, one.inputs.environment, at)
            made_groups.append(groups)
            right, failed = checker.checked(groups)
            refusals[at] = next(iter([*refused, *failed]), None)
            if right and at in {"", "overlay"}:
                changed = {name for group in groups for name, _, _ in group.allowed}
                assert changed == {one.inputs.environment}, (item.name, at)
        for at, refusal in refusals.items():
            if refusal is None:
                continue
            offered = {other for other in AT if (f"--at {other}" if other else "without --at") in refusal.hint}
            works = {other for other, found in refusals.items() if found is None}
            if not offered <= works or (works and not at and not offered) or "would be wrong" in refusal.reason:
                wrong.append(f"{item.name} --at {at!r}: {refusal.reason}\n  = {refusal.hint}\n  what works: {works}")
    assert not wrong, "\n".join(wrong)
