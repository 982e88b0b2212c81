"""The `accept` commands that plan and drift print, for every origin of a value: each works as printed, or is absent."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.commands import Run as Cli

EMULATED = ("--emulator", "demo.db")
HEAD = "version: 1\n"
ADA = "services: {s: {users: {ada: {friendly_name: Ada}}}}\n"
OTHER = "services: {s: {users: {ada: {friendly_name: Changed}}}}\n"
BOTH = "services: {s: {users: {ada: {friendly_name: Ada}, bob: {friendly_name: Ada}}}}\n"
CHANGED = "services: {s: {users: {ada: {friendly_name: Changed}, bob: {friendly_name: Changed}}}}\n"
ONE = "services.s.users.ada.friendly_name"


@dataclass(frozen=True)
class Case:
    """A configuration whose account differs.

    Attributes:
        files: The files; the root file without its first line.
        live: What the account has, as a configuration without its first line.
        accept: The words that a plan suggests to accept it, without the common options; empty for none.
        by_hand: What a plan says instead.
        options: The options of plan and drift.
    """

    files: Mapping[str, str]
    live: str = OTHER
    accept: str = ONE
    by_hand: tuple[str, ...] = ()
    options: tuple[str, ...] = ()


def name(text: str, **more: str) -> Mapping[str, str]:
    """Return a configuration with a name as it is written."""
    return {"reconciler.yaml": f"services: {{s: {{users: {{ada: {{friendly_name: {text}}}}}}}}}\n", **more}


def variable(definition: str, text: str = '"${var:n}"') -> Mapping[str, str]:
    return {"reconciler.yaml": f"{definition}\n{name(text)['reconciler.yaml']}"}


def environments(dev: str, rest: str = ADA, **more: str) -> Mapping[str, str]:
    return {"reconciler.yaml": f"environments: {{dev: {{{dev}}}, prod: {{}}}}\n{rest}", **more}


DEV = ("--env", "dev")
OVERLAY = {"dev.yaml": "services: {s: {users: {}}}\n"}
TEMPLATE = """\
templates: {t: {users: {ada: {friendly_name: Ada}}}}
services: {s: {template: t}, other: {template: t}}
"""
PLACE = "(reconciler.yaml:2:45)"
ENV = "change the environment variable, or write the value in the file"

CASES = {
    "literal": Case(name("Ada")),
    "environment variable": Case(
        name('"${env:N}"'), accept="", by_hand=(f"{ONE}: the value comes from environment variable N {PLACE}; {ENV}",)
    ),
    "environment variable with a default": Case(
        name('"${env:UNSET:-Ada}"'),
        accept="",
        by_hand=(f"{ONE}: the value comes from environment variable UNSET {PLACE}; {ENV}",),
    ),
    "file": Case(
        name('"${file:n.txt}"', **{"n.txt": "Ada"}),
        accept="",
        by_hand=(f"{ONE}: the value comes from file n.txt {PLACE}; change that file",),
    ),
    "secret": Case(name('"${secret:N}"'), accept="", by_hand=(f"{ONE}: the value is sensitive {PLACE}",)),
    "text around a variable": Case(
        variable("variables: {n: A}", '"${var:n}da"'),
        accept="",
        by_hand=(
            (
                f"{ONE}: the value is a text with interpolations (reconciler.yaml:3:45); change '${{var:n}}da' by "
                "hand, or write the live value in its place"
            ),
        ),
    ),
    "variable": Case(variable("variables: {n: Ada}")),
    "variable of a variable": Case(
        variable('variables: {m: Ada, n: "${var:m}"}'),
        accept="",
        by_hand=(f"{ONE}: variable n contains interpolations (reconciler.yaml:3:45); change its definition by hand",),
    ),
    "variable of the command line": Case(
        variable("variables: {n: A}"),
        accept="",
        options=("--var", "n=Ada"),
        by_hand=(f"{ONE}: the value comes from --var n (reconciler.yaml:3:45); use --var n with the live value",),
    ),
    "variable of two that differ": Case(
        {"reconciler.yaml": "variables: {n: Ada}\n" + BOTH.replace(": Ada", ': "${var:n}"')},
        CHANGED,
        accept=f"{ONE} services.s.users.bob.friendly_name",
    ),
    "variable of one that differs": Case(
        {"reconciler.yaml": "variables: {n: Ada}\n" + BOTH.replace(": Ada", ': "${var:n}"')},
        CHANGED.replace("bob: {friendly_name: Changed}", "bob: {friendly_name: Ada}"),
        accept="",
        by_hand=(
            (
                f"{ONE}: the value comes from variable n, which services.s.users.bob.friendly_name uses as well "
                "(reconciler.yaml:3:45); write the live value in place of ${var:n}, or change the variable by hand"
            ),
        ),
    ),
    "variable of this environment": Case(
        variable("environments: {dev: {variables: {n: Ada}}, prod: {variables: {n: Other}}}"), options=DEV
    ),
    "variable of every environment": Case(
        variable("variables: {n: Ada}\nenvironments: {dev: {}, prod: {}}"),
        accept="",
        options=DEV,
        by_hand=(
            (
                f"{ONE}: the value comes from variable n, which other environments use: prod (reconciler.yaml:4:45); "
                "define n under the variables of environment dev, or change it for all by hand"
            ),
        ),
    ),
    "alias": Case(
        {"reconciler.yaml": "services: {s: {friendly_name: &n Ada, users: {ada: {friendly_name: *n}}}}\n"},
        "services: {s: {friendly_name: Ada, users: {ada: {friendly_name: Changed}}}}\n",
        accept="",
    ),
    "anchor": Case(
        {"reconciler.yaml": "services: {s: {users: {ada: {friendly_name: &n Ada}, bob: {friendly_name: *n}}}}\n"},
        CHANGED,
        accept="",
    ),
    "merge key": Case(
        {"reconciler.yaml": "services: {s: {users: {ada: &n {friendly_name: Ada}, bob: {<<: *n}}}}\n"},
        CHANGED,
        accept="",
    ),
    "another environment": Case(environments(""), accept=f"{ONE} --at base", options=DEV),
    "another environment, and an overlay": Case(
        environments("overlays: [dev.yaml]", **OVERLAY), accept=f"{ONE} --at overlay", options=DEV
    ),
    "another environment with the same overlay": Case(
        {
            "reconciler.yaml": "environments: {dev: {overlays: [dev.yaml]}, prod: {overlays: [dev.yaml]}}\n" + ADA,
            **OVERLAY,
        },
        accept=f"{ONE} --at base",
        options=DEV,
    ),
    "in the overlay": Case(
        environments("overlays: [dev.yaml]", **{"dev.yaml": "services: {s: {users: {ada: {friendly_name: Ada}}}}\n"}),
        options=DEV,
    ),
    "only in the overlay": Case(
        environments("overlays: [dev.yaml]", "services: {s: {}}\n", **{"dev.yaml": ADA}), options=DEV
    ),
    "template": Case(
        {"reconciler.yaml": TEMPLATE}, OTHER.replace("}}}}\n", "}}}, other: {users: {ada: {friendly_name: Ada}}}}\n")
    ),
    "template of two that differ": Case(
        {"reconciler.yaml": TEMPLATE},
        OTHER.replace("}}}}\n", "}}}, other: {users: {ada: {friendly_name: Changed}}}}\n"),
        accept=f"services.other.users.ada.friendly_name {ONE}",
    ),
    "template in two environments": Case(
        {"reconciler.yaml": "environments: {dev: {overlays: [dev.yaml]}, prod: {}}\n" + TEMPLATE, **OVERLAY},
        OTHER.replace("}}}}\n", "}}}, other: {users: {ada: {friendly_name: Ada}}}}\n"),
        accept=f"{ONE} --at overlay",
        options=DEV,
    ),
    "inside attributes": Case(
        {"reconciler.yaml": 'services: {s: {users: {ada: {attributes: {a: 1, b: "${env:N}"}}}}}\n'},
        "services: {s: {users: {ada: {attributes: {a: 2, b: Ada}}}}}\n",
        accept="services.s.users.ada.attributes",
    ),
    "a variable inside attributes": Case(
        {"reconciler.yaml": 'services: {s: {users: {ada: {attributes: {a: 1, b: "${env:N}"}}}}}\n'},
        "services: {s: {users: {ada: {attributes: {a: 1, b: Changed}}}}}\n",
        accept="",
    ),
    "a variable inside attributes, and an overlay": Case(
        environments(
            "overlays: [dev.yaml]", 'services: {s: {users: {ada: {attributes: {b: "${env:N}"}}}}}\n', **OVERLAY
        ),
        "services: {s: {users: {ada: {attributes: {b: Changed}}}}}\n",
        accept="services.s.users.ada.attributes --at overlay",
        options=DEV,
    ),
    "a word of a set": Case(
        {"reconciler.yaml": 'services: {s: {webhooks: {filters: [onMessageAdded, "${env:HOOK}"]}}}\n'},
        "services: {s: {webhooks: {filters: [onMessageAdded, onMessageUpdated]}}}\n",
        accept="",
    ),
    "fields of both kinds": Case(
        {"reconciler.yaml": 'services: {s: {users: {ada: {friendly_name: "${env:N}", attributes: {a: 1}}}}}\n'},
        "services: {s: {users: {ada: {friendly_name: Changed, attributes: {a: 2}}}}}\n",
        accept="services.s.users.ada.attributes",
    ),
}


@dataclass(frozen=True)
class Folder:
    """A configuration, and an account in demo.db.

    Attributes:
        cli: Runs commands.
        path: The folder.
        files: The texts of the files, which `restore` writes.
        options: The options of every command.
    """

    cli: Cli
    path: Path
    files: Mapping[str, str]
    options: tuple[str, ...] = ()

    def restore(self) -> None:
        for path, text in self.files.items():
            (self.path / path).write_text((HEAD if path.endswith(".yaml") else "") + text)

    def apply(self, live: str) -> None:
        """Apply another configuration."""
        (self.path / "live.yaml").write_text(HEAD + live)
        assert self.cli("apply", "live.yaml", *EMULATED, "--yes").code == 0

    def json(self, command: str, *options: str) -> Any:
        return self.cli(command, *self.options, *options, *EMULATED, "--format", "json").json

    def accept(self, command: str) -> None:
        """Run a suggested command as it is printed."""
        program, *words = shlex.split(command)
        done = self.cli(*words, "--yes")
        assert (program, done.code) == ("reconciler", 0), (command, done.err)
        left = self.json("drift", "--fail-on", "unmanaged")
        differences = {part["address"]: [field["path"] for field in part["fields"]] for part in left["differences"]}
        names = {f"{address}.{path}" for address, paths in differences.items() for path in paths} | set(differences)
        names |= {part["address"] for part in left["unmanaged"]}
        names |= {f"{part['address']}.{part['field']}" for part in left["undeclared_settings"]}
        assert names.isdisjoint(words)


@pytest.mark.parametrize("title", CASES)
def test_every_suggested_accept_works_as_printed(
    cli: Cli, tmp_path: Path, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = CASES[title]
    monkeypatch.setenv("N", "Ada")
    monkeypatch.setenv("HOOK", "onConversationAdded")
    folder = Folder(cli, tmp_path, case.files, case.options)
    folder.apply(case.live)
    folder.restore()
    commands = folder.json("plan")["commands"]
    common = " ".join([*case.options, *EMULATED]).replace("n=Ada", "'n=…'")
    assert commands.get("accept", "") == (f"reconciler accept {case.accept} {common}" if case.accept else "")
    if case.by_hand:
        assert tuple(commands["by_hand"]) == case.by_hand
    steps = [part["next_steps"] for part in folder.json("drift")["differences"]]
    assert all(ways["accept"] or ways["by_hand"] for ways in steps)
    for command in {commands.get("accept", ""), *(ways["accept"] for ways in steps)} - {""}:
        folder.accept(command)
        folder.restore()


MISSING = {
    "literal": ({"reconciler.yaml": ADA}, (), "services.s.users.ada"),
    "alias": ({"reconciler.yaml": "services: {s: {users: {bob: &u {friendly_name: Ada}, ada: *u}}}\n"}, (), ""),
    "template": ({"reconciler.yaml": TEMPLATE}, (), "services.s.users.ada"),
    "another environment": (environments(""), DEV, "services.s.users.ada --at base"),
    "another environment, and an overlay": (
        environments("overlays: [dev.yaml]", **OVERLAY),
        DEV,
        "services.s.users.ada --at overlay",
    ),
    "template in two environments": (
        {"reconciler.yaml": "environments: {dev: {overlays: [dev.yaml]}, prod: {}}\n" + TEMPLATE, **OVERLAY},
        DEV,
        "services.s.users.ada",
    ),
}


@pytest.mark.parametrize("title", MISSING)
def test_a_missing_resource_is_accepted_as_a_drift_says(cli: Cli, tmp_path: Path, title: str) -> None:
    files, options, words = MISSING[title]
    folder = Folder(cli, tmp_path, files, options)
    rest = ", other: {users: {ada: {friendly_name: Ada}}}" if "other" in files["reconciler.yaml"] else ""
    folder.apply(f"services: {{s: {{users: {{bob: {{friendly_name: Ada}}}}}}{rest}}}\n")
    folder.restore()
    [ways] = [
        part["next_steps"] for part in folder.json("drift")["differences"] if part["address"] == "services.s.users.ada"
    ]
    common = " ".join([*options, *EMULATED])
    assert ways["accept"] == (f"reconciler accept {words} {common}" if words else "")
    assert bool(words) or ways["by_hand"].startswith("services.s.users.ada: the value comes through a YAML alias")
    if words:
        folder.accept(ways["accept"])


SHARED = ((environments("")), DEV, "base"), (environments("overlays: [dev.yaml]", **OVERLAY), DEV, "overlay")


@pytest.mark.parametrize(("files", "options", "at"), [({"reconciler.yaml": ADA}, (), ""), *SHARED])
def test_unmanaged_resources_and_undeclared_settings_are_added_as_a_drift_says(
    cli: Cli, tmp_path: Path, files: Mapping[str, str], options: tuple[str, ...], at: str
) -> None:
    folder = Folder(cli, tmp_path, files, options)
    folder.apply(
        "addresses: {'+14155550100': {type: sms}}\nservices: {s: {users: {ada: {friendly_name: Ada}}, "
        "webhooks: {pre_webhook_url: 'https://x.example.com/'}, roles: {r: {type: service, permissions: "
        "[joinConversation]}}}, other: {}}\n"
    )
    folder.restore()
    found = folder.json("drift", "--fail-on", "unmanaged")
    commands = [part["next_steps"]["accept"] for part in (*found["unmanaged"], *found["undeclared_settings"])]
    assert len(commands) >= 4
    assert any(" --at " in command for command in commands) == bool(at)
    assert all(f" --at {at} " in command for command in commands if " --at " in command)
    for command in commands:
        folder.accept(command)
        folder.restore()


def test_what_is_in_a_missing_service_is_accepted_with_it(cli: Cli, tmp_path: Path) -> None:
    folder = Folder(cli, tmp_path, {"reconciler.yaml": "services: {s: {webhooks: {method: GET}}, t: {}}\n"})
    folder.apply("services: {t: {}}\n")
    folder.restore()
    commands = {part["next_steps"]["accept"] for part in folder.json("drift")["differences"]}
    assert commands == {"reconciler accept services.s --emulator demo.db"}
    folder.accept(*commands)


MANY = {
    # What else differs in the service, and the words of the command.
    "nothing": ("", "services.s.users"),
    "a name that accept refuses": (
        ", webhooks: {filters: [onMessageAdded, '${env:HOOK}']}",
        "services.s.users",
    ),
    "a role that is missing": (", roles: {new: {type: service, permissions: [joinConversation]}}", "services.s.users"),
    "a user that is missing": (
        "",
        " ".join(f"services.s.users.u{number}" for number in (0, 1, 10, 11, *range(2, 8))),
    ),
}


@pytest.mark.parametrize("title", MANY)
def test_the_command_for_many_fields_names_what_contains_them(
    cli: Cli, tmp_path: Path, title: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK", "onMessageUpdated")
    rest, words = MANY[title]
    users = [f"u{number}: {{friendly_name: Ada, attributes: {{a: 1}}}}" for number in range(12)]
    live = f"services: {{s: {{users: {{{', '.join(users)}}}{rest and ', webhooks: {filters: [onMessageAdded]}'}}}}}\n"
    folder = Folder(cli, tmp_path, {})
    folder.apply(live.replace("Ada", "Changed").replace("a: 1", "a: 2"))
    users += ["new: {}"] if title == "a user that is missing" else []
    folder = Folder(cli, tmp_path, {"reconciler.yaml": f"services: {{s: {{users: {{{', '.join(users)}}}{rest}}}}}\n"})
    folder.restore()
    commands = folder.json("plan")["commands"]
    assert commands["accept"] == f"reconciler accept {words} --emulator demo.db"
    folder.accept(commands["accept"])
    left = {part["address"] for part in folder.json("drift")["differences"]}
    omitted = set(commands.get("accept_omits", ()))
    assert left == {name for name in omitted if not name.endswith((".friendly_name", ".attributes", ".filters"))} | {
        name.rsplit(".", 1)[0] for name in omitted if name.endswith((".friendly_name", ".attributes", ".filters"))
    }


ROLE = "{type: service, permissions: [joinConversation]}"
SPEAKER = "{type: conversation, permissions: [sendMessage]}"
BASE = "services: {s: {users: {a: {friendly_name: A}, b: {friendly_name: B}, c: {friendly_name: C}}}}\n"

# The configuration, the account, the baseline, and the ways out of each resource.
SITUATIONS: Mapping[str, tuple[str, str, str, Mapping[str, set[str]]]] = {
    "another type": (
        f"services: {{s: {{roles: {{r: {SPEAKER}}}}}}}\n",
        f"services: {{s: {{roles: {{r: {ROLE}}}}}}}\n",
        "",
        {"services.s.roles.r": {"accept", "revert", "ignore"}},
    ),
    "another type, protected": (
        f"services: {{s: {{roles: {{r: {SPEAKER.replace('}', ', lifecycle: {prevent_destroy: true}}')}}}}}}}\n",
        f"services: {{s: {{roles: {{r: {ROLE}}}}}}}\n",
        "",
        {"services.s.roles.r": {"accept", "ignore"}},
    ),
    "not to be created": (
        f"services: {{s: {{roles: {{r: {ROLE.replace('}', ', lifecycle: {prevent_create: true}}')}}}}}}}\n",
        "services: {s: {}}\n",
        "",
        {"services.s.roles.r": {"accept", "ignore"}},
    ),
    "absent": (
        "services: {s: {absent: true}, t: {roles: {r: {absent: true}}}}\n",
        f"services: {{s: {{}}, t: {{roles: {{r: {ROLE}}}}}}}\n",
        "",
        {"services.s": {"accept", "revert", "ignore"}, "services.t.roles.r": {"accept", "revert", "ignore"}},
    ),
    "pruned": (
        "services: {t: {prune: [roles], roles: {}}}\nprune: [services]\n",
        f"services: {{s: {{}}, t: {{roles: {{r: {ROLE}}}}}}}\n",
        "",
        {
            "services.s": {"accept", "revert", "ignore"},
            "services.t.roles.r": {"accept", "revert", "ignore"},
            "services.Default Conversations Service": {"accept", "ignore"},
        },
    ),
    "changed on both sides": (
        BASE.replace("A}", "A1}"),
        BASE.replace("A}", "A2}").replace("B}", "B2}"),
        BASE,
        {"services.s.users.a": {"accept", "revert", "ignore"}, "services.s.users.b": {"accept", "revert", "ignore"}},
    ),
    "changed, and no longer declared": (
        BASE.replace(", c: {friendly_name: C}", ""),
        BASE.replace("C}", "C2}"),
        BASE,
        {"services.s.users.c": {"accept", "revert", "ignore", "forget"}},
    ),
    "deleted": (
        BASE,
        BASE.replace(", c: {friendly_name: C}", ""),
        BASE,
        {"services.s.users.c": {"accept", "revert", "ignore"}},
    ),
}


def _pasted(address: str, text: str) -> Any:
    """Return YAML of a way out as a part of the configuration."""
    found = yaml.safe_load(text)
    if text.startswith(("lifecycle:", "absent:")):
        for part in reversed(address.split(".")):
            found = {part: found}
    return found


def _merged(one: Any, other: Any) -> Any:
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **{key: _merged(one.get(key), value) for key, value in other.items()}}
    return other


@pytest.mark.parametrize("title", SITUATIONS)
def test_every_way_out_of_a_drift_works_as_printed(cli: Cli, tmp_path: Path, title: str) -> None:
    now, live, base, wanted = SITUATIONS[title]
    folder = Folder(cli, tmp_path, {"reconciler.yaml": now}, ("--baseline", "base.yaml") if base else ())
    (tmp_path / "base.yaml").write_text(HEAD + base)
    folder.apply(live)
    start = (tmp_path / "demo.db").read_bytes()
    folder.restore()
    ways: dict[str, dict[str, str]] = {}
    for part in folder.json("drift")["differences"]:
        collection = part["address"].partition('["')[0]
        name = part["address"] if collection == part["address"] else f"{collection}.{part['name']}"
        ways[name] = {way: text for way, text in part["next_steps"].items() if text} | {"": part["address"]}
    assert {name: found.keys() - {""} for name, found in ways.items()} == wanted
    for name, found in ways.items():
        for way, text in found.items():
            program, *words = shlex.split(text)
            if way and program == "reconciler":
                done = cli(*words, *([] if words[0] == "drift" else ["--yes"]))
                assert done.code in ({0, 2} if words[0] == "drift" else {0}), (text, done.err)
            elif way:
                path = tmp_path / "reconciler.yaml"
                path.write_text(yaml.safe_dump(_merged(yaml.safe_load(path.read_text()), _pasted(name, text))))
            left = {part["address"] for part in folder.json("drift")["differences"]}
            assert (found[""] in left) == (not way or words[:1] == ["drift"]), (way, text)
            folder.restore()
            (tmp_path / "demo.db").write_bytes(start)
