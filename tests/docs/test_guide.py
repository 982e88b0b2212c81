"""The guide and the pages of the action against what they describe: their tables are complete."""

from __future__ import annotations

from collections.abc import Iterator

import yaml

from reconciler import errors
from reconciler.cli import exit_codes
from reconciler.cli.drift import drift
from tests.docs.pages import REPOSITORY, blocks, table

GUIDE = "reconciler/docs/guide.md"
ACTION = ".github/actions/reconcile/README.md"


def tree(error: type[BaseException]) -> Iterator[type[BaseException]]:
    yield error
    for below in error.__subclasses__():
        yield from tree(below)


def test_the_table_of_exit_codes_is_complete() -> None:
    codes = [int(row[0]) for row in table(GUIDE, "code")]
    assert sorted(codes) == sorted(exit_codes.PRECEDENCE)
    raised = {error.exit_code for error in tree(errors.ReconcilerError) if issubclass(error, errors.ReconcilerError)}
    assert raised == {1, 3, 4, 130}
    assert raised | {exit_codes.DONE, exit_codes.DIFFERENCES, exit_codes.WITHHELD, exit_codes.BUG} == set(codes)


def test_the_tables_of_the_action_are_the_action() -> None:
    action = yaml.safe_load((REPOSITORY / ".github/actions/reconcile/action.yml").read_text(encoding="utf-8"))
    inputs = {name: (what["description"], what.get("default")) for name, what in action["inputs"].items()}
    assert inputs == {
        name.strip("`"): (what.removesuffix("."), None if default == "required" else default.strip("`"))
        for name, what, default in table(ACTION, "input")
    }
    assert {name: what["description"] for name, what in action["outputs"].items()} == {
        name.strip("`"): what.removesuffix(".") for name, what in table(ACTION, "output")
    }


def test_the_pages_use_the_action_and_the_hook_as_they_are() -> None:
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    action = yaml.safe_load((REPOSITORY / ".github/actions/reconcile/action.yml").read_text(encoding="utf-8"))
    steps = [step for block in blocks(ACTION, "yaml") for step in yaml.safe_load(block.text)]
    ours = [step["with"] for step in steps if step["uses"].startswith("example-org/")]
    cron_job, deployment, repositories = (
        yaml.safe_load(block.text) for block in blocks(GUIDE, "yaml") if block.comment == "not a configuration"
    )
    options = []
    for template in (cron_job["spec"]["jobTemplate"]["spec"]["template"], deployment["spec"]["template"]):
        [container] = template["spec"]["containers"]
        program, verb, *words = container["command"]
        assert (program, verb) == ("reconciler", "drift")
        given = drift.make_context(verb, words, resilient_parsing=True).params
        options.append([given[name] for name in ("history", "metrics", "every", "health")])
    assert options == [
        ["/state/drift.db", "/state/drift.prom", 0, ""],
        ["", "/state/drift.prom", 900, "/state/health.json"],
    ]
    assert [given["command"] for given in ours] == ["install", "plan", "plan", "accept"]
    assert all(given.keys() <= action["inputs"].keys() for given in ours)
    assert [hook["id"] for hook in repositories["repos"][0]["hooks"]] == [hook["id"] for hook in hooks]


def test_every_top_level_key_is_in_the_table() -> None:
    from reconciler.config.layout import standard_layout

    layout = standard_layout()
    assert {row[0].strip("`") for row in table(GUIDE, "key")} == {*layout.top_keys, "x-…"}
