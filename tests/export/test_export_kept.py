"""What files take from outside of them stays a reference when an export writes them anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler import config
from reconciler.errors import UsageError
from reconciler.export import Export, export
from reconciler.export.existing import collect_existing
from reconciler.kinds.fields import Content
from reconciler.state import Live, State
from tests.builders import live, sid, state
from tests.config.memory import MemorySources

HOOK = "https://hooks.example.com/a"


def again(
    written: str | Mapping[str, str], account: State, env: Mapping[str, str] | None = None, *, in_one_file: bool = True
) -> Export:
    """An export over files that are there already."""
    named = {"reconciler.yaml": written} if isinstance(written, str) else written
    sources = MemorySources(named, env)
    former = config.load(sources, allow_unset=True)
    return export(
        account, existing=collect_existing(former, account, sources.environment, sources.read), in_one_file=in_one_file
    )


def line(made: Export, key: str) -> str:
    """The one line that sets a key."""
    found = [line.strip() for text in made.files.values() for line in text.splitlines() if f"{key}:" in line]
    assert len(found) == 1, found
    return found[0]


def hooks(url: str) -> State:
    return state(live("account_webhook", contents={"post_webhook_url": url, "method": "POST"}))


def hook_files(url: str) -> str:
    return f"version: 1\nvariables: {{host: hooks.example.com}}\naccount: {{webhooks: {{post_webhook_url: '{url}'}}}}\n"


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param("${secret:URL}", "${secret:URL}", id="a secret"),
        pytest.param("${env:URL}", "${env:URL}", id="an environment variable"),
        pytest.param("${env:NONE:-https://hooks.example.com/a}", None, id="a default"),
        pytest.param("${file:url.txt}", "${file:url.txt}", id="a file"),
        pytest.param("https://${var:host}/${secret:A}", '"https://hooks.example.com/${secret:A}"', id="and a variable"),
        pytest.param("https://${var:host}/a", HOOK, id="only a variable"),
        pytest.param(HOOK, HOOK, id="a literal"),
    ],
)
def test_what_is_the_same_in_the_account_is_kept_as_it_is_written(written: str, kept: str | None) -> None:
    files = {"reconciler.yaml": hook_files(written), "url.txt": f"{HOOK}\n"}
    made = again(files, hooks(HOOK), {"URL": HOOK, "A": "a"})
    assert line(made, "post_webhook_url") == f"post_webhook_url: {kept or f'{chr(34)}{written}{chr(34)}'}"
    assert made.warnings == ()


STAYS = "account.webhooks: post_webhook_url keeps ${secret:A} from the existing files; "


def test_where_the_account_has_something_else_the_reference_stays_and_it_is_told() -> None:
    made = again(hook_files("https://x.example.com/${secret:A}"), hooks(HOOK), {"A": "other"})
    assert line(made, "post_webhook_url") == 'post_webhook_url: "https://x.example.com/${secret:A}"'
    assert made.warnings == (STAYS + "the account has a different value, which an apply would overwrite",)
    assert made.secrets == ("A",)


def test_where_the_account_has_nothing_any_more_too() -> None:
    made = again(hook_files("https://x.example.com/${secret:A}"), hooks(""), {"A": "other"})
    assert line(made, "post_webhook_url") == 'post_webhook_url: "https://x.example.com/${secret:A}"'
    assert made.warnings == (STAYS + "the account has a different value, which an apply would overwrite",)


def test_where_the_secret_is_not_set_too() -> None:
    made = again(hook_files("https://x.example.com/${secret:A}"), hooks(HOOK))
    assert line(made, "post_webhook_url") == 'post_webhook_url: "https://x.example.com/${secret:A}"'
    assert made.warnings == (STAYS + "it cannot be compared with the account: secret A is not set",)


def test_where_a_variable_is_not_defined_nothing_is_written_but_a_comment() -> None:
    made = again(hook_files("https://${var:elsewhere}/${secret:A}"), hooks("https://x.example.com/live-value"))
    assert not any("live-value" in text for text in made.files.values())
    assert line(made, "post_webhook_url is left out") == (
        "# post_webhook_url is left out: the existing files take it from an unset variable: variable elsewhere is not"
    )
    assert made.left_out == 1


def test_a_secret_that_reveals_itself_is_kept_as_well() -> None:
    made = again(
        hook_files("https://x.example.com/?token=${secret:A}"), hooks("https://x.example.com/?token=b"), {"A": "b"}
    )
    assert line(made, "post_webhook_url") == 'post_webhook_url: "https://x.example.com/?token=${secret:A}"'
    assert made.left_out == 0


def test_what_was_escaped_stays_escaped() -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    told = live(
        "service_notification", contents={"new_message.template": "${env:X} ${PARTICIPANT} b"}, parents=(above.sid,)
    )
    template = "$${env:X} ${PARTICIPANT} ${secret:A}"
    written = f"version: 1\nservices: {{desk: {{notifications: {{new_message: {{template: '{template}'}}}}}}}}"
    made = again(written, state(above, told), {"A": "b"})
    assert line(made, "template") == 'template: "$${env:X} ${PARTICIPANT} ${secret:A}"'
    assert made.warnings == ()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        pytest.param("${env:NONE:-https://${var:host}/a}", "${env:NONE:-https://hooks.example.com/a}", id="a variable"),
        pytest.param(
            "${env:NONE:-${env:N:-${var:u}}}", "${env:NONE:-${env:N:-https://hooks.example.com/a}}", id="deep"
        ),
        pytest.param("${file:none:-${var:e}}", "${file:none:-${env:URL}}", id="what a variable looks up"),
        pytest.param("${env:URL:-${var:nothing}}", "${env:URL:-}", id="an empty one"),
    ],
)
def test_variables_in_defaults_are_put_in_since_an_export_has_none(written: str, kept: str) -> None:
    variables = f"{{host: hooks.example.com, u: '{HOOK}', e: '${{env:URL}}', nothing: ''}}"
    files = f"version: 1\nvariables: {variables}\naccount: {{webhooks: {{post_webhook_url: '{written}'}}}}"
    made = again(files, hooks(HOOK), {"URL": HOOK})
    assert line(made, "post_webhook_url") == f'post_webhook_url: "{kept}"'
    assert made.warnings == ()
    config.load(MemorySources(made.files, {"URL": HOOK}))


def test_a_file_named_in_a_default_and_beside_one_is_named_from_there_too() -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    told = live("service_notification", contents={"new_message.template": "hello"}, parents=(above.sid,))
    template = "${file:a.txt:-${file:b.txt:-${env:NONE:-x}}}"
    files = {
        "reconciler.yaml": "version: 1\n"
        f"services: {{desk: {{notifications: {{new_message: {{template: '{template}'}}}}}}}}",
        "b.txt": "hello",
    }
    made = again(files, state(above, told), in_one_file=False)
    assert line(made, "template") == 'template: "${file:../a.txt:-${file:../b.txt:-${env:NONE:-x}}}"'
    config.load(MemorySources(files | dict(made.files)))


@pytest.mark.parametrize("written", ["${var:sign}${secret:A}", "${env:N:-${var:end}}${secret:A}"])
def test_what_no_file_can_write_is_left_out(written: str) -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    told = live("service_notification", contents={"new_message.template": "$hunter2hunter2"}, parents=(above.sid,))
    variables = "{sign: $, end: 'a}b'}"
    files = (
        f"version: 1\nvariables: {variables}\n"
        f"services: {{desk: {{notifications: {{new_message: {{template: '{written}'}}}}}}}}"
    )
    made = again(files, state(above, told), {"A": "hunter2"})
    assert not any("hunter2" in text for text in made.files.values())
    assert line(made, "template is left out") == (
        "# new_message.template is left out: the existing files take it from A in a form that an export cannot write"
    )


@pytest.mark.parametrize(
    "attributes", ["{a: '${var:sign}${secret:A}', b: '${secret:B}'}", "{l: ['${secret:B}', '${var:sign}${secret:A}']}"]
)
def test_nor_is_a_part_of_it_written(attributes: str) -> None:
    files = ada_files(attributes).replace("version: 1", "version: 1\nvariables: {sign: $}")
    made = again(files, ada(a="$hunter2", b="two", l=["$hunter2"]), {"A": "hunter2", "B": "two"})
    assert not any("hunter2" in text for text in made.files.values())
    assert made.left_out == 1


def test_what_variables_make_look_like_a_lookup_is_escaped() -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    told = live("service_notification", contents={"new_message.template": "x${env:B}b"}, parents=(above.sid,))
    template = "x${var:sign}{env:B}${secret:A}"
    files = (
        "version: 1\nvariables: {sign: $}\n"
        f"services: {{desk: {{notifications: {{new_message: {{template: '{template}'}}}}}}}}"
    )
    made = again(files, state(above, told), {"A": "b"})
    assert line(made, "template") == 'template: "x$${env:B}${secret:A}"'
    assert made.warnings == ()


def test_a_warning_names_what_is_looked_up_and_nothing_else() -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    told = live("service_notification", contents={"new_message.template": "other"}, parents=(above.sid,))
    template = "$${env:X} ${env:NONE:-${secret:A}}"
    files = f"version: 1\nservices: {{desk: {{notifications: {{new_message: {{template: '{template}'}}}}}}}}"
    made = again(files, state(above, told), {"A": "b"})
    (warning,) = made.warnings
    assert warning.startswith(
        "services.desk.notifications: new_message.template keeps ${env:NONE}, ${secret:A} from the existing files; "
    )


def ada(**attributes: Any) -> State:
    above = live("service", 1, {"friendly_name": "desk"})
    return state(above, live("user", 1, {"identity": "ada", "attributes": attributes}, parents=(above.sid,)))


def ada_files(attributes: str) -> str:
    return f"version: 1\nservices: {{desk: {{users: {{ada: {{attributes: {attributes}}}}}}}}}"


@pytest.mark.parametrize(
    ("written", "contents", "kept"),
    [
        pytest.param(
            "{pin: '${secret:A}', z: 1}", {"pin": "a", "z": 2}, '{pin: "${secret:A}", z: 2}', id="others change"
        ),
        pytest.param(
            "{a: {b: ['${secret:A}', x]}}", {"a": {"b": ["a", "z"]}}, '{a: {b: ["${secret:A}", z]}}', id="deep"
        ),
        pytest.param("{pin: '${secret:A}'}", {"z": 2}, '{z: 2, pin: "${secret:A}"}', id="gone"),
        pytest.param("{l: ['${secret:A}']}", {"l": ["a", "b"]}, '{l: ["${secret:A}"]}', id="a longer list"),
        pytest.param(
            "{p: {q: '${secret:A}', r: 1}}", {"p": "text"}, '{p: {q: "${secret:A}", r: 1}}', id="another type"
        ),
        pytest.param("'${secret:J}'", {"n": 1}, "${secret:J}", id="all of it"),
    ],
)
def test_inside_of_json_only_what_comes_from_outside_is_kept(written: str, contents: dict[str, Any], kept: str) -> None:
    made = again(ada_files(written), ada(**contents), {"A": "a", "J": '{"n": 1}'})
    assert line(made, "attributes") == f"attributes: {kept}"


def test_words_from_outside_stay_in_their_set() -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    role: dict[str, Content] = {
        "friendly_name": "agent", "type": "conversation", "permissions": ("editOwnMessage", "sendMessage"),
    }  # fmt: skip
    found = state(above, live("role", 1, role, parents=(above.sid,)))
    permissions = "['${secret:P}', sendMediaMessage]"
    written = (
        f"version: 1\nservices: {{desk: {{roles: {{agent: {{type: conversation, permissions: {permissions}}}}}}}}}"
    )
    made = again(written, found, {"P": "editOwnMessage"})
    assert line(made, "permissions") == 'permissions: [sendMessage, "${secret:P}"]'
    assert made.warnings == ()


def test_a_file_is_named_as_it_is_seen_from_where_it_is_named_now() -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    told = live("service_notification", contents={"new_message.template": "hello"}, parents=(above.sid,))
    push = live("credential", 1, {"friendly_name": "push", "type": "gcm"})
    files = {
        "reconciler.yaml": "version: 1\ninclude: [parts/a.yaml]\n"
        "credentials: {push: {type: gcm, api_key: '${file:k.txt}'}}",
        "parts/a.yaml": "services: {desk: {notifications: {new_message: {template: '${file:t.txt}'}}}}",
        "parts/t.txt": "hello",
        "k.txt": "key",
    }
    made = again(files, state(above, told, push), in_one_file=False)
    assert line(made, "template") == "template: ${file:../parts/t.txt}"
    assert line(made, "api_key") == "api_key: ${file:k.txt}"
    assert made.secrets == ()
    # And it loads from there.
    config.load(MemorySources(files | dict(made.files)))


def test_a_reference_that_no_longer_fits_is_left_out_without_the_live_value() -> None:
    contents: dict[str, Content] = {
        "address": "+14155550100", "type": "sms", "auto_creation.type": "studio",
        "auto_creation.studio_flow_sid": "FW" + "1" * 32, "auto_creation.webhook_url": "https://x.example.com/live",
    }  # fmt: skip
    written = "version: 1\naddresses: {'+14155550100': {auto_creation: {type: webhook, webhook_url: 'https://a.io/${secret:A}'}}}"
    made = again(written, state(live("address_configuration", 1, contents)), {"A": "b"})
    assert "webhook_url: " not in made.files["reconciler.yaml"]
    assert "auto_creation.webhook_url is left out" in made.files["reconciler.yaml"]
    assert "x.example.com" not in made.files["reconciler.yaml"]


def test_the_value_of_a_secret_is_not_written_anywhere_else() -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    found = state(
        live("account_webhook", contents={"post_webhook_url": "https://x.example.com/hunter2hunter2"}),
        above,
        live("service_webhook", contents={"post_webhook_url": "https://y.io/?a=hunter2hunter2"}, parents=(above.sid,)),
    )  # fmt: skip
    made = again(hook_files("https://x.example.com/${secret:A}"), found, {"A": "hunter2hunter2"})
    assert not any("hunter2" in text for text in made.files.values())
    assert "it contains the value of the secret A; write it with ${secret:A}" in made.files["reconciler.yaml"]
    assert made.left_out == 1


@pytest.mark.parametrize(
    ("kind", "contents", "address"),
    [
        ("user", {"identity": "ada-hunter2hunter2"}, "services.desk.users.user"),
        ("role", {"friendly_name": "hunter2hunter2", "permissions": ("sendMessage",)}, "services.desk.roles.role"),
    ],
)
def test_nor_in_a_handle(kind: str, contents: dict[str, Content], address: str) -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    named = live(kind, 1, {"type": "conversation"} | contents, parents=(above.sid,))
    files = "version: 1\nservices: {desk: {notifications: {new_message: {template: '${secret:A}'}}}}"
    made = again(files, state(above, named), {"A": "hunter2hunter2"})
    assert not any("hunter2" in text for text in made.files.values())
    assert [str(pinned) for pinned in made.pinned] == [address]


def test_nor_in_the_handle_of_who_takes_part() -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    talk = live("conversation", 1, {"unique_name": "talk"}, parents=(above.sid,))
    whom = live(
        "participant", 1, {"address": "+14155550199", "proxy_address": "+14155550100"}, parents=(above.sid, talk.sid)
    )
    files = "version: 1\naddresses: {main: {address: '${secret:A}', type: sms}}"
    line_of = live("address_configuration", 1, {"address": "+14155550199", "type": "sms"})
    made = again(files, state(above, talk, whom, line_of), {"A": "+14155550199"})
    assert not any("4155550199" in text for text in made.files.values())


@pytest.mark.parametrize(
    "contents",
    [
        pytest.param({"pin": "hunter2hunter2", "copy": "hunter2hunter2"}, id="beside"),
        pytest.param({"pin": "hunter2hunter2", "copy": {"k": ["x-hunter2hunter2"]}}, id="a part, deep"),
        pytest.param({"pin": "hunter2hunter2", "hunter2hunter2": 1}, id="a key"),
    ],
)
def test_nor_elsewhere_in_the_json_that_looks_it_up(contents: dict[str, Any]) -> None:
    made = again(ada_files("{pin: '${secret:A}'}"), ada(**contents), {"A": "hunter2hunter2"})
    assert not any("hunter2" in text for text in made.files.values())
    assert line(made, "attributes is left out") == (
        "# attributes is left out: it contains the value of the secret A; write it with ${secret:A}"
    )


def test_nor_where_a_list_was_put_in_another_order() -> None:
    made = again(ada_files("{l: [x, '${secret:A}']}"), ada(l=["hunter2hunter2", "x"]), {"A": "hunter2hunter2"})
    assert not any("hunter2" in text for text in made.files.values())
    assert made.left_out == 1


@pytest.mark.parametrize("triggers", ["[help, '${secret:A}']", "[help]"])
def test_nor_among_words(triggers: str) -> None:
    above = live("service", 1, {"friendly_name": "desk"})
    talk = live("conversation", 1, {"unique_name": "talk"}, parents=(above.sid,))
    contents: dict[str, Content] = {
        "target": "trigger", "url": "https://kw.example.com", "method": "POST",
        "triggers": ("help", "hunter2hunter2", "say hunter2hunter2"),
    }  # fmt: skip
    hook = live("conversation_webhook", 1, contents, parents=(above.sid, talk.sid))
    written = (
        "version: 1\nservices: {desk: {notifications: {new_message: {template: '${secret:A}'}}, conversations: {talk: "
        f"{{webhooks: {{word: {{target: trigger, url: 'https://kw.example.com', triggers: {triggers}}}}}}}}}}}}}"
    )
    made = again(written, state(above, talk, hook), {"A": "hunter2hunter2"})
    assert not any("hunter2" in text for text in made.files.values())
    assert "it contains the value of the secret A; write it with ${secret:A}" in made.files["reconciler.yaml"]


# --- what nobody can tell ---------------------------------------------------------------------------------------------


def twins() -> list[Live]:
    return [live("service", number, {"friendly_name": "desk"}) for number in (1, 2)]


def refused(written: str, account: State, env: Mapping[str, str] | None = None) -> str:
    with pytest.raises(UsageError) as caught:
        again(written, account, env)
    return str(caught.value)


def test_what_has_a_name_that_is_not_set_could_be_anything_live() -> None:
    address = live("address_configuration", 1, {"address": "+14155550100", "type": "sms"})
    assert refused("version: 1\naddresses: {main: {address: '${secret:NUMBER}', type: sms}}", state(address)) == (
        "cannot match addresses.main to a live resource (secret NUMBER is not set), and an export would write down "
        "its interpolated values; fix that, or use another folder"
    )


def test_what_stands_below_one_of_two_of_a_name_could_be_either() -> None:
    written = "version: 1\nservices: {desk: {webhooks: {post_webhook_url: 'https://x.example.com/${secret:A}'}}}"
    told = refused(written, state(*twins()), {"A": "b"})
    assert told.startswith("cannot match services.desk.webhooks to a live resource (see `reconciler plan`)")


def test_without_anything_from_outside_a_doubt_does_no_harm() -> None:
    made = again(
        "version: 1\nservices: {desk: {webhooks: {post_webhook_url: https://x.example.com/}}}", state(*twins())
    )
    assert [item.pin for item in made.config.resources.values()] == [sid("IS", 1), sid("IS", 2)]


def test_what_is_gone_from_the_account_is_gone_from_the_files() -> None:
    written = "version: 1\nservices: {gone: {webhooks: {post_webhook_url: 'https://x.example.com/${secret:A}'}}}"
    assert "gone" not in again(written, state(), {"A": "b"}).files["reconciler.yaml"]


def test_files_of_several_environments_are_not_written_over() -> None:
    written = "version: 1\nenvironments: {prod: {account_sid: ACfedcba9876543210fedcba9876543210}}"
    assert refused(written, state()) == (
        "the existing configuration has environments (prod), which an export of one account would remove; use "
        "another folder, or omit --force to add what is missing"
    )


def test_what_is_recognised_by_a_secret_that_was_exchanged_could_be_anything_live() -> None:
    address = live("address_configuration", 1, {"address": "+14155550100", "type": "sms"})
    written = "version: 1\naddresses: {main: {address: '${secret:NUMBER}', type: sms}}"
    assert refused(written, state(address), {"NUMBER": "+14155550199"}) == (
        "cannot match addresses.main to a live resource (its address is interpolated, and no live resource has that "
        "value), and an export would write down its interpolated values; fix that, or use another folder"
    )
    # Where nothing is left over it is gone, and nothing can be written in its place.
    assert again(written, state(), {"NUMBER": "+14155550199"}).config.resources.keys() == set()
