"""The schemas in a real editor's server: what yaml-language-server offers, explains and underlines in our files.

`.ci/run` installs the server and names it in YAML_LANGUAGE_SERVER; where that is not set, these tests are skipped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.editors.lsp import LanguageServer
from tests.editors.test_schema_of_files import EVERY_FILE, UNSET

pytestmark = [
    pytest.mark.editor,
    pytest.mark.skipif(
        not os.environ.get("YAML_LANGUAGE_SERVER") or shutil.which("node") is None,
        reason="needs node, and the path of yaml-language-server in YAML_LANGUAGE_SERVER",
    ),
]
ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "examples" / "quickstart" / "reconciler.yaml"
CONFIG = "# yaml-language-server: $schema=../../schemas/config.schema.json\n"
OVERLAY = CONFIG.replace("config", "overlay")
ACCOUNT = "AC0123456789abcdef0123456789abcdef"
TEXT = f"{CONFIG}version: 1\n"


def settings(*tags: str) -> dict[str, Any]:
    """What an editor tells the server; no schema from the network."""
    return {
        "yaml": {
            "validate": True, "hover": True, "completion": True, "format": {"enable": False}, "schemas": {},
            "schemaStore": {"enable": False, "url": ""}, "customTags": list(tags),
        },
        "http": {}, "[yaml]": {}, "editor": {}, "files": {},
    }  # fmt: skip


@pytest.fixture(scope="module")
def editor() -> Iterator[LanguageServer]:
    server = os.environ["YAML_LANGUAGE_SERVER"]
    with LanguageServer(["node", server, "--stdio"], settings("!unset scalar")) as running:
        yield running


# --- diagnostics -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EVERY_FILE, ids=lambda path: str(path.relative_to(ROOT / "examples")))
def test_nothing_is_underlined_in_an_example(editor: LanguageServer, path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert editor.diagnostics(path, text) == ()
    # The very file is checked against the schema: a key that nobody knows is underlined in it.
    wrong = editor.diagnostics(path, f"{text}\nnonsense: 1\n")
    assert [one.message for one in wrong] == ["Property nonsense is not allowed."]


def test_nothing_is_underlined_in_an_overlay_that_takes_things_out(editor: LanguageServer) -> None:
    assert editor.diagnostics(FILE, OVERLAY + UNSET) == ()


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("services:\n  a: {friendly_nam: x}", 4, "Property friendly_nam is not allowed."),
        ("servces: {}", 3, "Property servces is not allowed."),
        (
            "services:\n  a:\n    roles:\n      b: {type: conversations}",
            6,
            'Value is not accepted. Valid values: "conversation", "service".',
        ),
        (
            "services:\n  a:\n    roles:\n      b:\n        permissions: sendMessage",
            7,
            'Incorrect type. Expected "array".',
        ),
        (
            "services:\n  a:\n    webhooks:\n      method: POST\n      post_webhook_url: hooks.example.com",
            7,
            "Expected an absolute URL, such as https://hooks.example.com/path.",
        ),
        (
            "account:\n  sid: IS0123456789abcdef0123456789abcdef",
            4,
            "Expected the SID of an account: AC and 32 hexadecimal digits.",
        ),
        (
            "account:\n  configuration:\n    default_closed_timer: 10 minutes",
            5,
            "Expected an ISO 8601 duration, such as PT15M, PT1H, or P30D.",
        ),
        ("limits:\n  deletes: many", 4, 'Incorrect type. Expected "integer".'),
        (
            "addresses:\n  a:\n    auto_creation: {type: studio, studio_retry_count: 4}",
            5,
            "Value is above the maximum of 3.",
        ),
        ("approvals:\n  - action: delete", 4, 'Missing property "address".'),
        ("services:\n  a:\n    configuration: {sid: IS0}", 5, "Property sid is not allowed."),
    ],
)  # fmt: skip
def test_a_mistake_is_underlined_where_it_stands(editor: LanguageServer, text: str, line: int, message: str) -> None:
    assert [(one.line, one.message) for one in editor.diagnostics(FILE, TEXT + text)] == [(line, message)]


@pytest.mark.parametrize(
    "text",
    [
        "services:\n  a:\n    roles:\n      b: {type: Conversation, permissions: [whatTwilioAddsLater]}",
        "services:\n  a:\n    notifications: {log_enabled: yes, new_message: {enabled: '${env:LOG:-true}'}}",
        "services:\n  a:\n    notifications:\n      # enabled: true\n",
        "addresses:\n  +14155550100:\n    address_country: NO\n    friendly_name: 2024-01-01",
        "x-shared: &it {type: service, permissions: [joinConversation]}\nservices:\n  a: {roles: {b: {<<: *it}}}",
    ],
)
def test_what_the_tool_takes_is_not_underlined(editor: LanguageServer, text: str) -> None:
    assert editor.diagnostics(FILE, TEXT + text) == ()


# --- completion ------------------------------------------------------------------------------------------------------

ROLE = "services:\n  a:\n    roles:\n      b:\n        "


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("|", {"include", "account", "services", "addresses", "credentials", "environments", "prune", "limits"}),
        ("services:\n  a:\n    |", {"friendly_name", "configuration", "roles", "users", "prune", "template", "sid"}),
        (ROLE + "|", {"type", "permissions", "lifecycle", "sensitive", "absent", "renamed_from"}),
        (ROLE + "lifecycle:\n          |", {"prevent_destroy", "prevent_create", "ignore_changes"}),
        ("services:\n  a:\n    notifications:\n      new_message:\n        |", {"enabled", "template", "with_media"}),
        ("addresses:\n  a:\n    auto_creation:\n      |", {"enabled", "type", "service", "webhook_url"}),
    ],
)
def test_keys_are_offered_at_every_depth(editor: LanguageServer, text: str, offered: set[str]) -> None:
    found = editor.completion(FILE, TEXT + text)
    assert offered <= found.keys()
    assert all(found[key].documentation for key in offered)


@pytest.mark.parametrize(
    ("text", "offered", "withheld"),
    [
        (ROLE + "type: |", {"conversation", "service"}, {"sms"}),
        (ROLE + "permissions:\n          - |", {"sendMessage", "joinConversation", "addParticipant"}, {"POST"}),
        (ROLE + "permissions: [sendMessage, |]", {"leaveConversation"}, {"POST"}),
        (ROLE + "absent: |", {"true", "false"}, {"conversation"}),
        ("services:\n  a:\n    webhooks:\n      filters: [|]", {"onMessageAdd", "onMessageAdded"}, {"onUserAdded"}),
        ("services:\n  a:\n    webhooks:\n      method: |", {"GET", "POST"}, {"PATCH"}),
        ("addresses:\n  a:\n    type: |", {"sms", "whatsapp", "messenger"}, {"studio"}),
        ("services:\n  a:\n    prune: [|]", {"roles", "users", "conversations"}, {"addresses"}),
        (ROLE + "lifecycle: {ignore_changes: [|]}", {"permissions", "type"}, {"state"}),
    ],
)  # fmt: skip
def test_known_values_are_offered(editor: LanguageServer, text: str, offered: set[str], withheld: set[str]) -> None:
    found = editor.completion(FILE, TEXT + text).keys()
    assert offered <= found
    assert not withheld & found


@pytest.mark.parametrize(
    ("text", "label", "inserted"),
    [
        ("services:\n  |", "new service", "${1:customer-support}:\n    friendly_name: ${2:Customer Support}"),
        (
            "services:\n  a:\n    roles:\n      |",
            "new role",
            "${1:agent}:\n  type: ${2|conversation,service|}\n  permissions:\n    - ${3:sendMessage}",
        ),
        (
            "environments:\n  |",
            "new environment",
            f"${{1:staging}}:\n  account_sid: ${{2:{ACCOUNT}}}\n  variables:\n    ${{3:host}}: ${{4:value}}",
        ),
    ],
)
def test_snippets_are_offered_for_what_is_written_again_and_again(
    editor: LanguageServer, text: str, label: str, inserted: str
) -> None:
    snippet = editor.completion(FILE, TEXT + text)[label]
    assert (snippet.text, snippet.is_snippet) == (inserted, True)
    assert snippet.documentation


def test_an_interpolated_example_is_inserted_as_text(editor: LanguageServer) -> None:
    """A snippet's place holder looks like our interpolation."""
    found = editor.completion(FILE, TEXT + "credentials:\n  a:\n    private_key: |")
    assert found["${secret:APN_KEY}"].text == "\\${secret:APN_KEY\\}"


# --- hover -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("ser|vices: {}", "A Conversations service: it contains roles, users, conversations, and their settings."),
        (
            ROLE + "permiss|ions: []",
            "The permissions of the role. The list replaces the live one",
        ),
        (
            ROLE + "ty|pe: service",
            "Whether the role applies in a conversation (participants)",
        ),
        (ROLE + "type: serv|ice", "* `conversation`"),
        (ROLE + "lifecycle: {ignore_|changes: []}", "Fields whose differences are ignored."),
        ("account:\n  webhooks: {pre_web|hook_url: null}", "Called before an event"),
        ("account:\n  webhooks: {pre_web|hook_url: '${var:x}'}", "Called before an event"),
        ("addresses:\n  a:\n    auto_cr|eation: {}", "Automatic creation of conversations."),
        (
            f"environments:\n  a: {{account|_sid: {ACCOUNT}}}",
            "SID of this environment",
        ),
    ],
)
@pytest.mark.parametrize("modeline", [CONFIG, OVERLAY], ids=["config", "overlay"])
def test_what_is_pointed_at_is_explained(editor: LanguageServer, modeline: str, text: str, told: str) -> None:
    if modeline == OVERLAY and text.startswith("environments"):
        pytest.skip("an overlay defines no environments")
    shown = editor.hover(FILE, f"{modeline}{text}").replace("\\", "")
    assert told in shown
    assert " || " not in shown
