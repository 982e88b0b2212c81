"""A configuration as a whole: the example of the contract, what it costs, what it imports."""

from __future__ import annotations

import contextlib
import gc
import subprocess
import sys

import pytest

from reconciler.address import Address
from reconciler.config.model import Lifecycle, Limits
from reconciler.errors import ConfigError, Place
from tests.config.told import problems_of, read, told

SUPPORT = """
version: 1
account:
  sid: AC0123456789abcdef0123456789abcdef
services:
  support:
    friendly_name: Customer Support
    roles:
      agent: {type: conversation, permissions: [sendMessage, leaveConversation]}
"""


def test_everything_that_a_resource_is() -> None:
    config = read({"reconciler.yaml": SUPPORT})
    assert (config.account_sid, config.account_place) == (
        "AC0123456789abcdef0123456789abcdef", Place("reconciler.yaml", 4, 8),
    )  # fmt: skip
    assert (config.environment, config.prune, config.limits, config.approvals, config.warnings) == (
        "", {}, Limits(), (), (),
    )  # fmt: skip
    assert config.lines["reconciler.yaml"][5] == "  support:"
    service, role = config.resources.values()
    assert (service.address, service.kind.name, service.parent, service.place) == (
        Address(("services", "support")), "service", None, Place("reconciler.yaml", 6, 3),
    )  # fmt: skip
    assert (role.address, role.kind.name, role.parent, role.place) == (
        Address(("services", "support", "roles", "agent")), "role", service.address, Place("reconciler.yaml", 9, 7),
    )  # fmt: skip
    assert {path: (value.content, value.place) for path, value in role.values.items()} == {
        "friendly_name": ("agent", Place("reconciler.yaml", 9, 7)),
        "type": ("conversation", Place("reconciler.yaml", 9, 21)),
        "permissions": (("leaveConversation", "sendMessage"), Place("reconciler.yaml", 9, 48)),
    }
    assert (role.pin, role.absent, role.renamed_from, role.lifecycle, role.sensitive, role.derived) == (
        None, False, "", Lifecycle(), frozenset(), {},
    )  # fmt: skip


def test_the_digest_stays_what_it_is() -> None:
    first = read({"reconciler.yaml": SUPPORT}).digest
    assert first.startswith("sha256:")
    assert len(first) == len("sha256:") + 64
    same = SUPPORT.replace("[sendMessage, leaveConversation]", "['leaveConversation' , sendMessage]")
    assert read({"reconciler.yaml": f"# a comment\n{same}\nx-1: y"}).digest == first
    assert read({"reconciler.yaml": SUPPORT.replace("agent", "agents")}).digest != first


def test_times_that_mean_the_same_have_one_digest() -> None:
    text = "account: {{configuration: {{default_inactive_timer: {}}}}}"
    assert read(text.format("PT60M")).digest == read(text.format("pt1h")).digest


def test_all_problems_are_told_at_once_in_order_of_places() -> None:
    files = {
        "reconciler.yaml": "version: 1\ninclude: [b.yaml, a.yaml]\nlimits: {deletes: x}\naccount: {sid: y}",
        "a.yaml": "services: {s: {rols: {}, webhooks: {method: PUT}}}",
        "b.yaml": "addresses: {'+1': {type: sns}}",
    }
    assert [line.split(":")[0:3] for line in told(files)] == [
        ["a.yaml", "1", "16 unknown-key"], ["a.yaml", "1", "45 unknown-choice"],
        ["b.yaml", "1", "26 warning unknown-word"], ["3", "19 wrong-type", ' limits.deletes must be a whole number from 0, not "x" (write digits only)'],  # noqa: E501 - a whole message
        ["4", "16 wrong-sid", " account.sid must be the SID of an account, AC and 32 hexadecimal digits, not \"y\" (copy it from Twilio's console"],  # noqa: E501 - a whole message
    ]  # fmt: skip


def test_a_problem_names_its_resource() -> None:
    (problem,) = problems_of("services: {s: {roles: {'a b': {type: x}}}}")
    assert problem.address == 'services.s.roles["a b"]'


def test_strict_makes_errors_of_warnings() -> None:
    text = "account: {webhooks: {filters: [other]}}"
    assert [problem.severity for problem in problems_of(text)] == ["warning"]
    assert [problem.severity for problem in problems_of(text, strict=True)] == ["error"]


def test_thousands_of_resources_are_read_at_once() -> None:
    roles = "\n".join(
        f"      r{number}: {{type: conversation, permissions: [sendMessage, leaveConversation]}}"
        for number in range(50)
    )
    services = "\n".join(f"  s{number}:\n    roles:\n{roles}" for number in range(40))
    assert len(read(f"services:\n{services}").resources) == 2040


@pytest.mark.parametrize("is_on", [True, False])
@pytest.mark.parametrize("text", ["services: {s: {}}", "services: {s: {typo: 1}}"])
def test_the_garbage_collector_is_on_again_if_it_was(text: str, *, is_on: bool) -> None:
    was_on = gc.isenabled()
    (gc.enable if is_on else gc.disable)()
    try:
        with contextlib.suppress(ConfigError):
            read(text)
        assert gc.isenabled() is is_on
    finally:
        (gc.enable if was_on else gc.disable)()


def test_whoever_needs_the_model_does_not_wait_for_yaml() -> None:
    code = "import sys, reconciler.config, reconciler.config.model; print('yaml' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
