"""Several files: includes, overlays, `!unset`, templates."""

from __future__ import annotations

from reconciler.config.model import Config
from tests.config.told import content, problems_of, read, told

ROOT = "reconciler.yaml"


def says(config: Config) -> dict[str, dict[str, object]]:
    """Contents by address and path."""
    return {
        str(item.address): {path: value.content for path, value in item.values.items()}
        for item in config.resources.values()
    }


# --- includes ---


def test_includes_merge_by_mapping() -> None:
    files = {
        ROOT: "version: 1\ninclude: [a.yaml, sub/*.yaml]\nservices: {s: {roles: {one: {type: service}}}}",
        "a.yaml": "services: {s: {roles: {two: {type: service}}}}\naddresses:\n",
        "sub/b.yaml": "include: [deep/c.yaml]\nservices: {t: {}}",
        "sub/deep/c.yaml": "version: 1\naddresses: {'+1': {}}\nx-own: 1",
        "sub/.hidden.yaml": "services: {hidden: {}}",
    }
    assert list(says(read(files))) == [
        'addresses["+1"]', "services.s", "services.s.roles.one", "services.s.roles.two", "services.t",
    ]  # fmt: skip


def test_a_file_that_two_patterns_name_is_read_once() -> None:
    files = {ROOT: "version: 1\ninclude: [a.yaml, '*.yaml', a.yaml]", "a.yaml": "services: {s: {friendly_name: x}}"}
    assert says(read(files)) == {"services.s": {"friendly_name": "x"}}


def test_a_value_set_twice_names_both_places() -> None:
    files = {
        ROOT: "version: 1\ninclude: [a.yaml]\nservices: {s: {friendly_name: x}}",
        "a.yaml": "services: {s: {friendly_name: x, webhooks: {filters: [onMessageAdd]}}}\nlimits: {deletes: 1}",
    }
    (problem,) = problems_of(files)
    assert (str(problem.place), problem.code, problem.message) == (
        "a.yaml:1:16", "set-twice", "services.s.friendly_name is set twice",
    )  # fmt: skip
    assert [(str(place), words) for place, words in problem.related] == [
        ("reconciler.yaml:3:16", "it is set here first")
    ]


def test_prune_and_approvals_unite() -> None:
    files = {
        ROOT: "version: 1\ninclude: [a.yaml]\naddresses: {}\nservices: {s: {roles: {}, prune: [roles]}}\n"
        "prune: [addresses]\napprovals: [{address: services.s}]",
        "a.yaml": "prune: {services: {match: a*}}\napprovals: [{address: services.t, action: replace}]\n"
        "services: {s: {prune: [roles]}}",
    }
    config = read(files)
    assert [str(collection) for collection in config.prune] == ["addresses", "services", "services.s.roles"]
    assert [(str(item.address), item.action) for item in config.approvals] == [
        ("services.s", "delete"),
        ("services.t", "replace"),
    ]


def test_files_that_include_each_other_are_named() -> None:
    files = {
        ROOT: "version: 1\ninclude: [a.yaml]",
        "a.yaml": "include: [sub/b.yaml]",
        "sub/b.yaml": "include: [../a.yaml]",
    }
    assert told(files) == [
        (
            "sub/b.yaml:1:11 include-cycle: include cycle: a.yaml includes sub/b.yaml includes "
            "a.yaml (remove one of these includes)"
        )
    ]


def test_a_long_row_of_includes_ends() -> None:
    files = {f"{number}.yaml": f"include: [{number + 1}.yaml]" for number in range(2000)}
    assert told({ROOT: "version: 1\ninclude: [0.yaml]", **files}) == [
        "49.yaml:1:11 too-deep: includes are nested more than 50 deep (include them from the root file)"
    ]


def test_includes_that_cannot_be_read() -> None:
    text = "include: [missing.yaml, none/*.yaml, ../up.yaml, /etc/passwd, '${var:x}.yaml', [a]]"
    assert told(text) == [
        "2:11 unreadable-file: missing.yaml does not exist (check the name)",
        (
            '2:25 warning include-nothing: "none/*.yaml" matches no file (patterns are relative to their file; '
            "remove the pattern if there is nothing to include)"
        ),
        (
            '2:38 outside-folder: "../up.yaml" is outside of the root file\'s folder '
            "(use a file in that folder or below it)"
        ),
        (
            '2:50 outside-folder: "/etc/passwd" is outside of the root file\'s folder '
            "(use a file in that folder or below it)"
        ),
        (
            "2:63 interpolated-path: file names are not interpolated "
            "(write out the path; use overlays for differences between environments)"
        ),
        "2:80 wrong-type: each item of include must be text (write it without nesting)",
    ]


def test_include_is_a_list() -> None:
    assert told("include: a.yaml") == ["2:10 wrong-type: include must be a list (write a list: [a.yaml])"]


# --- overlays ---


def test_an_overlay_merges_mappings_replaces_lists_and_takes_out() -> None:
    files = {
        ROOT: """version: 1
services:
  s:
    webhooks: {method: POST, filters: [onMessageAdd, onMessageAdded]}
    notifications: {log_enabled: true, new_message: {enabled: true, sound: ring}}
    roles: {one: {type: service}, two: {type: service}}
  t: {}
""",
        "o.yaml": """
services:
  s:
    webhooks: {filters: [onMessageRemove], post_webhook_url: https://a.example}
    notifications: {new_message: {sound: !unset , enabled: null}}
    roles: {two: !unset , three: {type: conversation}}
  t: !unset
""",
    }
    config = read(files, overlays=["o.yaml"])
    assert says(config) == {
        "services.s": {"friendly_name": "s"},
        "services.s.notifications": {"log_enabled": True, "new_message.enabled": None},
        "services.s.roles.one": {"friendly_name": "one", "type": "service"},
        "services.s.roles.three": {"friendly_name": "three", "type": "conversation"},
        "services.s.webhooks": {
            "method": "POST", "filters": ("onMessageRemove",), "post_webhook_url": "https://a.example",
        },
    }  # fmt: skip
    webhooks = next(item for item in config.resources.values() if item.kind.name == "service_webhook")
    assert [(str(value.place), value.place.via) for value in webhooks.values.values()] == [
        ("reconciler.yaml:4:24", ""), ("o.yaml:4:25", "overlay o.yaml"), ("o.yaml:4:62", "overlay o.yaml"),
    ]  # fmt: skip
    assert str(webhooks.place) == "reconciler.yaml:4:5"


def test_a_null_block_of_an_overlay_changes_nothing() -> None:
    files = {
        ROOT: "version: 1\nservices: {s: {webhooks: {method: POST}, roles: {r: {type: service}}}}",
        "o.yaml": "services:\n  s:\n    webhooks:\n      # method: GET\n    roles: {r: ~}",
    }
    assert says(read(files, overlays=["o.yaml"])) == says(read(files))


def test_the_environments_overlays_come_before_those_of_the_command_line() -> None:
    files = {
        ROOT: "version: 1\ninclude: [envs/envs.yaml]\nlimits: {deletes: 1}",
        "envs/envs.yaml": "environments: {prod: {overlays: [prod.yaml]}}",
        "envs/prod.yaml": "limits: {deletes: 2, updates: 2}",
        "last.yaml": "limits: {deletes: 3}",
    }
    limits = read(files, environment="prod", overlays=["last.yaml"]).limits
    assert (limits.deletes, limits.updates) == (3, 2)


def test_taking_out_what_is_not_there_is_a_warning() -> None:
    files = {
        ROOT: "version: 1\nservices: {s: {}}",
        "o.yaml": "services: {s: {webhooks: !unset }, n: {roles: {r: !unset }}}",
    }
    assert told(files, overlays=["o.yaml"]) == [
        "o.yaml:1:26 warning unset-in-vain: !unset removes webhooks, which is not set (remove the line)",
        "o.yaml:1:51 warning unset-in-vain: !unset removes r, which is not set (remove the line)",
    ]


def test_unset_has_no_place_where_nothing_lies_below() -> None:
    assert told("services: {s: !unset , t: {webhooks: {filters: [!unset ]}, roles: !unset 1}}\nx-1: !unset {}") == [
        (
            "2:15 unset-misplaced: !unset removes s, but there is nothing to remove it from "
            "(use it in an overlay, or in a service that uses a template)"
        ),
        (
            "2:49 unset-in-list: !unset cannot remove a single item from a list "
            "(write the whole list as it should be; lists are replaced, not merged)"
        ),
        (
            "2:67 unset-misplaced: !unset removes roles, but there is nothing to remove it from "
            "(use it in an overlay, or in a service that uses a template)"
        ),
        "2:67 unset-with-value: !unset takes no value (write !unset and nothing else)",
        "3:6 unset-with-value: !unset takes no value (write !unset and nothing else)",
    ]


def test_overlays_that_cannot_be_read() -> None:
    assert told("environments: {e: {overlays: [no.yaml, ../o.yaml]}}", environment="e", overlays=["x.yaml", "/y"]) == [
        (
            '- outside-folder: the overlay "/y" is outside of the root file\'s folder '
            "(use a file in that folder or below it)"
        ),
        (
            "- unreadable-file: x.yaml does not exist "
            "(check the name given to --overlay; it is relative to the current folder)"
        ),
        "2:31 unreadable-file: no.yaml does not exist (check the name)",
        (
            '2:40 outside-folder: "../o.yaml" is outside of the root file\'s folder '
            "(use a file in that folder or below it)"
        ),
    ]


def test_an_overlay_defines_no_environment() -> None:
    files = {ROOT: "version: 1\nenvironments: {a: {overlays: [o.yaml]}}", "o.yaml": "environments: {b: {}}"}
    assert told(files, environment="a") == [
        (
            "o.yaml:1:16 misplaced-environment: an overlay cannot define an environment, since environments "
            "select overlays "
            "(define it in the base files)"
        )
    ]


# --- templates ---

TEMPLATE = """
templates:
  standard:
    roles: {agent: {type: conversation, permissions: [sendMessage]}, boss: {type: service}}
    notifications: {log_enabled: true, new_message: {enabled: true, sound: ring}}
"""


def test_a_template_lies_under_the_services_that_name_it() -> None:
    config = read(
        f"""{TEMPLATE}
services:
  a: {{template: standard}}
  b:
    template: standard
    roles: {{agent: {{permissions: [leaveConversation]}}, boss: !unset }}
    notifications: {{new_message: {{sound: bell}}}}
  c: {{}}
"""
    )
    assert says(config) == {
        "services.a": {"friendly_name": "a"},
        "services.a.notifications": {
            "log_enabled": True, "new_message.enabled": True, "new_message.sound": "ring",
        },
        "services.a.roles.agent": {
            "friendly_name": "agent", "type": "conversation", "permissions": ("sendMessage",),
        },
        "services.a.roles.boss": {"friendly_name": "boss", "type": "service"},
        "services.b": {"friendly_name": "b"},
        "services.b.notifications": {
            "log_enabled": True, "new_message.enabled": True, "new_message.sound": "bell",
        },
        "services.b.roles.agent": {
            "friendly_name": "agent", "type": "conversation", "permissions": ("leaveConversation",),
        },
        "services.c": {"friendly_name": "c"},
    }  # fmt: skip
    agent = next(item for item in config.resources.values() if str(item.address) == "services.b.roles.agent")
    assert {path: (str(value.place), value.place.via) for path, value in agent.values.items()} == {
        "friendly_name": ("reconciler.yaml:12:13", ""),
        "type": ("reconciler.yaml:5:27", "template standard"),
        "permissions": ("reconciler.yaml:12:34", ""),
    }


def test_a_resource_of_a_template_can_be_taken_out_by_an_overlay() -> None:
    files = {
        ROOT: f"version: 1\n{TEMPLATE}\nservices: {{a: {{template: standard, roles: {{boss: {{permissions: [x]}}}}}}}}",
        "o.yaml": "services: {a: {roles: {boss: !unset , agent: !unset }, notifications: !unset }}",
    }
    assert told(files, overlays=["o.yaml"]) == []
    assert list(says(read(files, overlays=["o.yaml"]))) == ["services.a"]


def test_templates_that_are_wrong() -> None:
    assert told(
        "templates: {t: 5, u: {template: t}, v: {roles: {r: {tpe: x}}, sid: IS1}}\n"
        "services: {a: {template: w}, b: {template: [t]}}"
    ) == [
        (
            '2:16 wrong-type: template "t" must be a mapping of the fields that services share '
            "(write keys with colons, indented below)"
        ),
        "2:23 nested-template: a template cannot use another template (write out the shared values)",
        '2:53 unknown-key: a role has no key "tpe" (did you mean type?)',
        "2:63 misplaced-pin: a template cannot be pinned: a SID belongs to one service (write `sid` in the service)",
        '3:26 unknown-template: unknown template "w" (use one of t, u and v)',
        "3:44 wrong-type: template must be the name of a template (write template: NAME)",
    ]


def test_a_problem_of_a_template_is_told_once() -> None:
    text = "templates: {t: {webhooks: {method: PUT}}}\nservices: {a: {template: t}, b: {template: t}}"
    assert told(text) == ['2:36 unknown-choice: method cannot be "PUT" (write GET or POST)']


def test_templates_cannot_make_a_configuration_too_large() -> None:
    roles = ", ".join(f"r{number}: {{}}" for number in range(2000))
    services = "\n".join(f"  s{number}: {{template: t}}" for number in range(2000))
    assert told(f"templates: {{t: {{roles: {{{roles}}}}}}}\nservices:\n{services}") == [
        (
            "503:20 too-large: templates make this configuration more than 1000000 nodes larger "
            "(make the template smaller, or use it less often)"
        )
    ]


def test_template_in_a_service_keeps_quoted_text() -> None:
    text = "templates: {t: {webhooks: {post_webhook_url: https://a.example}}}\nservices: {a: {template: 't'}}"
    assert content(text, "services.a.webhooks", "post_webhook_url") == "https://a.example"


def test_a_value_that_is_set_twice_is_named_by_its_address() -> None:
    files = {
        "reconciler.yaml": 'version: 1\ninclude: [a.yaml]\naddresses: {"+14155550101": {friendly_name: a}}\n',
        "a.yaml": 'addresses: {"+14155550101": {friendly_name: b}}\n',
    }
    assert [item.message for item in problems_of(files)] == ['addresses["+14155550101"].friendly_name is set twice']
