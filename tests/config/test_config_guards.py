"""References, identities, and what the files say about the tool itself."""
# ruff: noqa: E501 - whole messages read better on one line

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.config.model import Approval, Limits, Reference
from reconciler.errors import Place
from tests.config.told import content, problems_of, read, told

SID = "0123456789abcdef0123456789abcdef"

# --- references ---

SERVICE = """
services:
  s:
    roles:
      agent: {type: conversation}
      boss: {type: service}
      adopted: {friendly_name: channel admin, type: conversation}
      untyped: {}
      gone: {absent: true}
    configuration:
"""


def reference(name: str, field: str = "default_conversation_role") -> object:
    return content(f"{SERVICE}      {field}: {name}\n", "services.s.configuration", field)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("agent", Reference(Address(("services", "s", "roles", "agent")), "role")),
        ("untyped", Reference(Address(("services", "s", "roles", "untyped")), "role")),
        (
            "channel user",
            Reference(Address(("services", "s", "roles", "channel user")), "role", "channel user"),
        ),
        ("channel admin", Reference(Address(("services", "s", "roles", "adopted")), "role")),
        (f"RL{SID}", f"RL{SID}"),
    ],
)
def test_a_reference(name: str, expected: object) -> None:
    assert reference(name) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("agnet", '12:34 unknown-reference: default_conversation_role refers to "agnet", but there is no such role in services.s (did you mean agent?)'),
        ("chanel user", '12:34 unknown-reference: default_conversation_role refers to "chanel user", but there is no such role in services.s (did you mean channel user?)'),
        ("Channel User", '12:34 unknown-reference: default_conversation_role refers to "Channel User", but there is no such role in services.s (did you mean channel user?)'),
        ("zzzzzz", '12:34 unknown-reference: default_conversation_role refers to "zzzzzz", but there is no such role in services.s (declare it, or write a SID: RL…)'),
        ("boss", "12:34 wrong-role-type: default_conversation_role takes a role of type conversation, but services.s.roles.boss is of type service (use a role of type conversation)"),
        ("service user", '12:34 wrong-role-type: default_conversation_role takes a role of type conversation, but "service user" is of type service (use a role of type conversation)'),
        ("gone", "12:34 reference-to-absent: default_conversation_role refers to services.s.roles.gone, which must not exist (refer to another resource, or remove absent)"),
        (f"IS{SID}", f'12:34 wrong-sid: default_conversation_role is "IS{SID}", the SID of a service (write the SID of a role, RL and 32 hexadecimal digits)'),
        ("null", "12:34 not-clearable: default_conversation_role cannot be cleared: Twilio can replace a reference but not remove it (give it a value, or remove the line to leave the field unmanaged)"),
    ],
)  # fmt: skip
def test_a_reference_that_is_wrong(name: str, expected: str) -> None:
    assert told(f"{SERVICE}      default_conversation_role: {name}\n") == [expected]


def test_services_are_referred_to_from_the_account_and_from_addresses() -> None:
    text = """
account: {configuration: {default_service: s}}
services: {s: {}, default: {}}
addresses: {a: {auto_creation: {service: default}}, b: {auto_creation: {service: t}}}
"""
    assert [line for line in told(text) if "unusual-address" not in line] == [
        '5:82 unknown-reference: auto_creation.service refers to "t", but there is no such service (declare it, or write a SID: IS…)'
    ]


def test_what_is_absent_may_refer_to_what_is_absent() -> None:
    text = "services: {s: {absent: true, roles: {r: {absent: true}}, configuration: {default_conversation_role: r}}}"
    assert told(text) == []


def test_roles_belong_to_their_service() -> None:
    text = "services: {s: {roles: {r: {type: service}}}, t: {configuration: {default_chat_service_role: r}}}"
    assert [line.split(":")[1] for line in told(text)] == ["93 unknown-reference"]


# --- identities ---


def test_one_resource_declared_twice() -> None:
    text = """
services:
  a: {friendly_name: X}
  b: {friendly_name: X}
  X: {}
  c: {sid: ISSID, friendly_name: X}
addresses:
  '+1': {}
  one: {address: '+1'}
""".replace("SID", SID)
    problems = problems_of(text)
    assert [(str(item.place), item.message, [str(place) for place, _ in item.related]) for item in problems] == [
        ("reconciler.yaml:5:22", 'services.b and services.a are the same resource: both have the friendly_name "X"', ["reconciler.yaml:4:22"]),
        ("reconciler.yaml:6:3", 'services.X and services.a are the same resource: both have the friendly_name "X"', ["reconciler.yaml:4:22"]),
        ("reconciler.yaml:10:18", 'addresses.one and addresses["+1"] are the same resource: both have the address "+1"', ["reconciler.yaml:9:3"]),
    ]  # fmt: skip


def test_roles_of_one_name_are_told_apart_by_their_type() -> None:
    text = """
services:
  s:
    roles:
      a: {friendly_name: X, type: service}
      b: {friendly_name: X, type: conversation}
  t: {roles: {a: {friendly_name: X, type: service}, b: {friendly_name: X}}}
"""
    assert told(text) == [
        '8:72 declared-twice: services.t.roles.b and services.t.roles.a are the same resource: both have the friendly_name "X" (remove one of them, or give them different names)'
    ]


def test_pins_that_contradict() -> None:
    text = """
account: {configuration: {default_service: a}}
services:
  a: {sid: ISSID}
  b: {sid: ISSID}
  c: {sid: default}
""".replace("SID", SID)
    problems = problems_of(text)
    assert [(str(item.place), item.message, [str(place) for place, _ in item.related]) for item in problems] == [
        ("reconciler.yaml:6:12", f"services.b and services.a are pinned to the same resource: IS{SID}", ["reconciler.yaml:5:12"]),
        ("reconciler.yaml:7:12", "services.c is pinned as the default service, but default_service is services.a", ["reconciler.yaml:3:44"]),
    ]  # fmt: skip


def test_the_default_service_may_name_itself() -> None:
    config = read("account: {configuration: {default_service: main}}\nservices: {main: {sid: default}}")
    service = config.resources[Address(("services", "main"))]
    assert (service.pin, dict(service.values)) == ("default", {})


# --- the account ---

ACCOUNT = f"AC{SID}"


def test_the_account_is_a_guard() -> None:
    config = read(f"variables: {{sid: {ACCOUNT}}}\naccount: {{sid: '${{var:sid}}'}}")
    assert (config.account_sid, str(config.account_place)) == (ACCOUNT, "reconciler.yaml:3:16")


def test_the_account_of_an_environment_that_nobody_picked() -> None:
    text = f"account: {{sid: '${{var:sid}}'}}\nenvironments: {{e: {{variables: {{sid: {ACCOUNT}}}}}}}"
    assert told(text) == [
        "2:17 undefined-variable: variable sid is not defined (choose an environment that defines it: --env e)"
    ]
    assert read(text, allow_unset=True).account_sid is None


def test_the_environments_account_wins() -> None:
    other = ACCOUNT.replace("0", "1")
    text = (
        f"account: {{sid: {ACCOUNT}}}\nenvironments: {{e: {{account_sid: {other}}}, f: {{account_sid: '${{var:x}}'}}}}"
    )
    assert read(text).account_sid == ACCOUNT
    config = read(text, environment="e")
    assert (config.account_sid, str(config.account_place)) == (other, "reconciler.yaml:3:33")


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("${env:A}", "account.sid does not protect the account if it comes from an environment variable (write the account's SID, or a variable defined in the files)"),
        ("${env:NO}", "account.sid does not protect the account if it comes from an environment variable (write the account's SID, or a variable defined in the files)"),
        (f"${{env:NO:-{ACCOUNT}}}", "account.sid does not protect the account if it comes from an environment variable (write the account's SID, or a variable defined in the files)"),
        ("${secret:A}", "account.sid does not protect the account if it comes from a secret (write the account's SID, or a variable defined in the files)"),
        ("${file:a}", "account.sid does not protect the account if it comes from a file (write the account's SID, or a variable defined in the files)"),
        ("${var:option}", "account.sid does not protect the account if it comes from --var (write the account's SID, or a variable defined in the files)"),
        ("${var:env}", "account.sid does not protect the account if it comes from an environment variable (write the account's SID, or a variable defined in the files)"),
        (f"MG{SID}", f'account.sid is "MG{SID}", the SID of a messaging service (write the SID of an account, AC and 32 hexadecimal digits)'),
    ],
)  # fmt: skip
def test_a_guard_that_guards_nothing(written: str, expected: str) -> None:
    files = {
        "reconciler.yaml": f"version: 1\naccount: {{sid: '{written}'}}\nvariables: {{option: x, env: '${{env:A}}'}}",
        "a": ACCOUNT,
    }
    (line,) = [line for line in told(files, {"A": ACCOUNT}, variables={"option": ACCOUNT}) if "unused" not in line]
    assert line.split(": ", 1)[1] == expected


# --- prune, limits, approvals, unmanaged ---


def test_prune() -> None:
    text = """
prune: {addresses: {match: "+1*", except: ["+14155550122", "+1999*"]}, services: {}}
addresses: {}
services: {s: {roles: {}, prune: [roles]}}
"""
    assert {
        str(collection): (prune.kind.name, str(prune.place), prune.match, prune.keep)
        for collection, prune in read(text).prune.items()
    } == {
        "addresses": ("address_configuration", "reconciler.yaml:3:9", ("+1*",), ("+14155550122", "+1999*")),
        "services": ("service", "reconciler.yaml:3:72", (), ()),
        "services.s.roles": ("role", "reconciler.yaml:5:35", (), ()),
    }


def test_a_template_may_prune() -> None:
    text = "templates: {t: {prune: [roles]}}\nservices: {a: {template: t, roles: {}}, b: {template: t}}"
    assert told(text) == [
        "2:25 prune-of-nothing: prune lists roles, but services.b has no roles (write roles: {} to prune all of them)"
    ]


def test_prune_that_is_wrong() -> None:
    text = """
prune: [addresses, roles, adresses, [a], webhooks]
services:
  a: {roles: , prune: [roles]}
  b: {roles: {}, prune: [roles, roles, configuration]}
  c: {roles: {}, prune: {roles: {match: [], except: ~, matches: x}}}
  d: {roles: {}, prune: roles}
  e: {roles: {}, prune: {roles: all}, webhooks: {prune: [x]}}
"""
    assert told(text) == [
        (
            "3:9 prune-of-nothing: prune lists addresses, but the configuration has no addresses (write addresses: {} to "
            "prune all of them)"
        ),
        '3:20 unknown-collection: "roles" cannot be pruned here (these can be pruned here: addresses and services)',
        '3:27 unknown-collection: "adresses" cannot be pruned here (did you mean addresses?)',
        (
            "3:37 wrong-type: each item of prune must be the name of a collection (to give rules, write prune as a "
            "mapping: {addresses: {match: …}})"
        ),
        '3:42 unknown-collection: "webhooks" cannot be pruned here (these can be pruned here: addresses and services)',
        "5:24 prune-of-nothing: prune lists roles, but services.a has no roles (write roles: {} to prune all of them)",
        '6:33 warning duplicate-item: prune lists "roles" twice (remove one of them)',
        '6:40 unknown-collection: "configuration" cannot be pruned here (the only one is roles)',
        "7:41 wrong-type: match is empty (write at least one glob, or remove the line)",
        "7:53 wrong-type: except is empty (write at least one glob, or remove the line)",
        '7:56 unknown-key: prune of roles has no key "matches" (did you mean match?)',
        "8:25 wrong-type: prune must be a list or a mapping (write a list: prune: [roles])",
        (
            "9:33 wrong-type: prune of roles must be a mapping (write roles: {} for all of them, or roles: "
            "{match: …, except: […]})"
        ),
        "9:50 unknown-key: nothing in a service webhook can be pruned (remove the line)",
    ]


def test_limits() -> None:
    assert read("").limits == Limits(deletes=10, updates=None, creates=None)
    assert read("limits: {deletes: 0, updates: '200', creates: \"${var:n}\"}\nvariables: {n: 7}").limits == Limits(
        0, 200, 7
    )
    assert told("limits: {deletes: -1, updates: many, creates: }") == [
        '2:19 wrong-type: limits.deletes must be a whole number from 0, not "-1" (write digits only)',
        '2:32 wrong-type: limits.updates must be a whole number from 0, not "many" (write digits only)',
        "2:47 wrong-type: limits.creates has no value (give it a value, or remove the line)",
    ]


def test_approvals() -> None:
    text = f"""
approvals:
  - {{address: services.b.roles.r, action: replace}}
  - {{address: 'services["IS{SID}"]'}}
  - {{address: 'services["IS{SID}"]', action: delete}}
"""
    config = read(text)
    place = Place("reconciler.yaml", 6, 15)
    assert config.approvals == (
        Approval(Address(("services", f"IS{SID}")), "delete", place),
        Approval(Address(("services", "b", "roles", "r")), "replace", Place("reconciler.yaml", 4, 15)),
    )


def test_approvals_that_are_wrong() -> None:
    text = """
approvals:
  - x
  - {addres: services.a}
  - {address: services.a, action: destroy}
  - {address: services}
  - {address: services.a.webhooks}
  - {address: servces.a}
  - {address: "services.["}
  - {address: services.a.roles.b.c}
"""
    assert told(text) == [
        (
            "4:5 wrong-type: an approval must be a mapping with address and action (write "
            "{address: services.support, action: delete})"
        ),
        "5:5 missing-key: an approval has no address (add address: …)",
        '5:6 unknown-key: an approval has no key "addres" (did you mean address?)',
        '6:35 unknown-choice: the action of an approval must be delete, replace, or update, not "destroy" (write delete, replace, or update)',
        '7:15 malformed-address: no resource that can be deleted or replaced has the address "services" (use an address shown by `reconciler plan`)',
        '8:15 malformed-address: no resource that can be deleted or replaced has the address "services.a.webhooks" (use an address shown by `reconciler plan`)',
        '9:15 malformed-address: no resource that can be deleted or replaced has the address "servces.a" (did you mean services.a?)',
        '10:15 malformed-address: "services.[" is not a valid address (use an address shown by `reconciler plan`)',
        '11:15 malformed-address: no resource that can be deleted or replaced has the address "services.a.roles.b.c" (use an address shown by `reconciler plan`)',
    ]
    assert told("approvals: services.a") == [
        "2:12 wrong-type: approvals must be a list (write a list: [{address: services.support, action: delete}])"
    ]


def test_unmanaged() -> None:
    assert read("unmanaged: {ignore: ['services.*', b]}").unmanaged_ignore == ("b", "services.*")
    assert told("unmanaged: {ignroe: [], ignore: x}") == [
        '2:13 unknown-key: unmanaged has no key "ignroe" (did you mean ignore?)',
        "2:33 wrong-type: ignore must be a list (write a list with a - before each glob)",
    ]
