"""Values that YAML cuts without an error, and declarations that could never be created."""

from __future__ import annotations

import pytest

from reconciler.config.layout import Layout
from reconciler.kinds import KINDS
from tests.config.memory import MemorySources
from tests.config.told import Files, content, problems_of, read, sources

LAYOUT = Layout.of(KINDS)
CUT = "swallowed-text"


def codes(files: Files, env: dict[str, str] | None = None) -> list[str]:
    return [item.code for item in problems_of(files, env, layout=LAYOUT)]


# --- comments ---


@pytest.mark.parametrize(
    "text",
    [
        "services: {s: {friendly_name: Sales #1\n}}",
        "services:\n  s:\n    friendly_name: Sales #1",
        "services:\n  s:\n    friendly_name: Sales\t#1 team",
        "services:\n  s:\n    users: {u: {attributes: {note: Sales #1\n}}}",
        "variables:\n  name: Sales #1\nservices:\n  s:\n    friendly_name: ${var:name}",
        "services:\n  s:\n    webhooks: {post_webhook_url: https://a.example/x #top\n}",
    ],
)
def test_text_after_a_number_sign_may_be_meant(text: str) -> None:
    assert codes(text) == [CUT]


def test_the_warning_names_the_field_and_the_way_out() -> None:
    (problem,) = problems_of("services:\n  s:\n    friendly_name: Sales #1", layout=LAYOUT)
    assert (str(problem.place), problem.address) == ("reconciler.yaml:4:20", "services.s")
    assert problem.message == 'friendly_name ends before " #", where YAML begins a comment'
    assert problem.hint == "quote the value to keep the rest, or write a space after the #"


@pytest.mark.parametrize(
    "line",
    [
        "Sales # the first team",
        "Sales  #1",
        "Sales ## 1",
        "Sales#1",
        '"Sales #1"',
        '"Sales" #1',
        "Sales #",
    ],
)
def test_these_are_comments_or_whole_values(line: str) -> None:
    assert codes(f"services:\n  s:\n    friendly_name: {line}") == []


def test_words_and_switches_lose_nothing() -> None:
    text = "services:\n  s:\n    configuration:\n      reachability_enabled: true #old\n"
    assert codes(text) == []


def test_globs_and_former_names_are_checked_too() -> None:
    text = "services:\n  s:\n    renamed_from: Sales #1\naddresses: {}\nprune:\n  addresses:\n    match: a* #1"
    assert codes(text) == [CUT, CUT]


# --- anchors and tags ---


@pytest.mark.parametrize("line", ["&amp x", "&R D", "! x", "&amp"])
def test_an_unused_anchor_or_a_bare_tag_may_be_meant_as_text(line: str) -> None:
    found = problems_of(f"services:\n  s:\n    friendly_name: {line}", layout=LAYOUT)
    assert [str(item.place) for item in found if item.code == CUT] == ["reconciler.yaml:4:20"]


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  s: {friendly_name: &name Sales, webhooks: {method: POST}}\n  t: {friendly_name: x, sid: *name}",
        "x-names: {later: &name Sales}",
        "services:\n  s:\n    friendly_name: &amp 'Sales'",
        "services:\n  s: &all\n    friendly_name: Sales",
    ],
)
def test_anchors_that_are_meant_are_left_alone(text: str) -> None:
    assert CUT not in codes(text)


def test_a_null_tag_with_text_is_an_error() -> None:
    assert codes("services:\n  s:\n    friendly_name: !!null x") == ["null-with-value"]
    assert content("services:\n  s:\n    users: {u: {friendly_name: !!null null}}", "services.s.users.u",
                   "friendly_name") is None  # fmt: skip


# --- what could never be created ---


def test_a_participant_without_identity_and_address_is_an_error() -> None:
    text = "services: {s: {conversations: {c: {participants: {p: {%s}}}}}}"
    (problem,) = problems_of(text % "attributes: {a: 1}", layout=LAYOUT)
    assert (problem.code, problem.severity) == ("incomplete-resource", "error")
    assert problem.message == "a participant requires an identity or an address"
    for fine in (
        "identity: x",
        "address: +14155550100, proxy_address: +14155550101",
        f"sid: MB{7:032x}",
        "absent: true",
    ):
        assert "incomplete-resource" not in codes(text % fine)
    assert codes(text % "identity: '${env:WHO}'") == ["unset-environment"]


def test_a_webhook_address_without_a_url_is_a_warning() -> None:
    text = "addresses: {'+14155550100': {auto_creation: {type: webhook, enabled: true}%s}}"
    (problem,) = problems_of(text % "", layout=LAYOUT)
    assert (problem.code, problem.severity) == ("incomplete-resource", "warning")
    assert problem.message == "auto_creation.type webhook requires auto_creation.webhook_url"
    assert problem.hint == "set auto_creation.webhook_url; only an existing resource can omit it"
    for existing in (f", sid: IG{7:032x}", ", absent: true", ", lifecycle: {prevent_create: true}"):
        assert codes(text % existing) == []


def test_a_credential_may_leave_out_its_secret() -> None:
    assert codes("credentials: {c: {type: fcm}}") == []


# --- keys of Firebase ---


@pytest.mark.parametrize(
    ("secret", "code"),
    [
        ("hunter2", ["unusual-key"]),
        ("{", ["malformed-key"]),
        ('{"project_id": "p", "client_email": "c", "private_key": "k"}', []),
    ],
)
def test_a_secret_of_firebase_is_json(secret: str, code: list[str]) -> None:
    assert codes("credentials: {c: {type: fcm, secret: '${secret:KEY}'}}", {"KEY": secret}) == code


# --- repeated patterns ---


def test_a_pattern_that_is_repeated_is_matched_once(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 0
    glob = MemorySources.glob

    def counted(self: MemorySources, pattern: str) -> object:
        nonlocal count
        count += 1
        return glob(self, pattern)

    monkeypatch.setattr(MemorySources, "glob", counted)
    repeated = ", ".join(["'parts/*.yaml'"] * 2000)
    files: Files = {
        "reconciler.yaml": f"version: 1\ninclude: [{repeated}]\n",
        **{f"parts/{index}.yaml": f"services: {{s{index}: {{}}}}" for index in range(45)},
    }
    assert codes(files) == []
    assert count == 1
    assert sources(files).root == "reconciler.yaml"


# --- empty rules and nulls ---

PRUNED = "services: {s: {roles: {}}}\naddresses: {}\n"


@pytest.mark.parametrize(
    "rules", ["prune: {addresses: }", "prune:\n  addresses:\n  #   match: a*", "prune: {addresses: ~}"]
)
def test_an_empty_rule_does_not_prune_everything(rules: str) -> None:
    (problem,) = problems_of(PRUNED + rules, layout=LAYOUT)
    assert (problem.code, problem.message) == ("empty-prune", "prune.addresses is empty")
    assert problem.hint == "write addresses: {} to prune all of them, or remove addresses from prune to keep them"


def test_a_null_in_an_overlay_switches_pruning_off() -> None:
    base = f"version: 1\n{PRUNED}prune: {{addresses: {{match: 'a*'}}}}\n"
    files = {"reconciler.yaml": base, "off.yaml": "prune: null", "empty.yaml": "prune: {addresses: null}"}
    assert read(files, overlays=["off.yaml"]).prune == {}
    found = problems_of(files, layout=LAYOUT, overlays=["empty.yaml"])
    assert [item.code for item in found] == ["empty-prune"]


def test_a_list_or_an_empty_mapping_prunes_everything() -> None:
    for rules in ("prune: [addresses]", "prune: {addresses: {}}"):
        assert [str(address) for address in read(PRUNED + rules).prune] == ["addresses"]


def test_a_switch_names_what_can_be_pruned() -> None:
    (problem,) = problems_of("services:\n  s: {prune: true}", layout=LAYOUT)
    assert problem.hint == "write a list: prune: [roles, users, conversations]"


@pytest.mark.parametrize("laid", ["skills: null", "skills: ~"])
def test_a_null_over_a_mapping_in_attributes_is_null(laid: str) -> None:
    user = "services: {s: {users: {u: {attributes: {%s}}}}}"
    files = {"reconciler.yaml": "version: 1\n" + user % "x: 1, skills: {sales: 1}", "over.yaml": user % laid}
    assert content(files, "services.s.users.u", "attributes", overlays=["over.yaml"]) == {"x": 1, "skills": None}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("friendly_name: null", "friendly_name: NEW"),
        ("attributes: {skills: null}", "attributes: {skills: 1}"),
        ("attributes: {skills: {a: 1}}", "attributes: {skills: null}"),
    ],
)
def test_a_null_and_a_value_in_two_files_are_set_twice(one: str, other: str) -> None:
    user = "services: {s: {users: {u: {%s}}}}"
    files = {"reconciler.yaml": "version: 1\ninclude: [other.yaml]\n" + user % one, "other.yaml": user % other}
    assert codes(files) == ["set-twice"]


def test_an_empty_block_in_one_file_adds_nothing() -> None:
    files = {
        "reconciler.yaml": "version: 1\ninclude: [other.yaml]\nservices: {s: {users: }}",
        "other.yaml": "services: {s: {users: {u: {}}}}",
    }
    assert codes(files) == []


@pytest.mark.parametrize(
    ("host", "plain"),
    [("hooks.ex\u0430mple.com", "hooks.xn--exmple-4nf.com"), ("a.com\u3002evil.net", "a.com.evil.net")],
)
def test_a_host_beyond_ascii_is_shown_in_ascii(host: str, plain: str) -> None:
    text = f"services: {{s: {{webhooks: {{post_webhook_url: 'https://{host}/in'}}}}}}"
    found = [item.message for item in problems_of(text, layout=LAYOUT) if item.code == "non-ascii-host"]
    assert found == [f"post_webhook_url has a host with non-ASCII characters: {plain}"]
