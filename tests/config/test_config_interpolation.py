"""`${env:…}`, `${var:…}`, `${file:…}`, `${secret:…}`, variables and environments."""

from __future__ import annotations

import pytest

from reconciler.address import Address
from reconciler.config.model import Unknown, Value
from tests.config.told import Files, content, problems_of, read, told


def name(text: str, env: dict[str, str] | None = None, files: dict[str, str] | None = None, **options: object) -> Value:
    """What a service's friendly_name becomes, written as `text` in YAML."""
    every: Files = {"reconciler.yaml": f"version: 1\nservices:\n  s:\n    friendly_name: {text}\n", **(files or {})}
    return next(iter(read(every, env, **options).resources.values())).values["friendly_name"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env:A}", "from env"),
        ("x ${env:A} y", "x from env y"),
        ("${env:NO:-other}", "other"),
        ("${env:EMPTY:-other}", "other"),
        ("'${env:NO:-}.'", "."),
        ("${env:NO:-${env:A}!}", "from env!"),
        ("${env:NO:-${env:NO:-deep}}", "deep"),
        ("'$${env:A}'", "${env:A}"),
        ("'$$${env:A}'", "$${env:A}"),
        ("'$${nonsense:A} ${env:A}'", "${nonsense:A} from env"),
        ("'$${PARTICIPANT} of $${CONVERSATION}'", "${PARTICIPANT} of ${CONVERSATION}"),
        ("'$${ENV:A} $${env} $env:A} $${}'", "${ENV:A} ${env} $env:A} ${}"),
        ("${env:BLANK:-other}", "other"),
        ("${file:empty.txt:-other}", "other"),
        ("${file:blank.txt:-other}", "other"),
        ("${file:one.txt}", "one line"),
        ("${file:two.txt}", "one\ntwo\n"),
        ("${file:no.txt:-none}", "none"),
    ],
)
def test_what_a_text_becomes(text: str, expected: str) -> None:
    files = {"one.txt": "one line\r\n", "two.txt": "one\ntwo\n", "empty.txt": "", "blank.txt": " \n"}
    assert name(text, {"A": "from env", "EMPTY": "", "BLANK": " \t\n"}, files).content == expected


def test_handles_and_keys_are_not_interpolated() -> None:
    assert told("services: {'${env:A}': {}}", {"A": "a"}) == [
        (
            '2:12 malformed-handle: the handle "${env:A}" cannot be interpolated '
            "(write a name, and interpolate the natural key below it)"
        )
    ]


def test_a_whole_value_takes_the_fields_type() -> None:
    text = """
variables: {yes: on, timer: pt15m, count: 3, none: null, text: "null", main: +14155550100}
account: {configuration: {default_inactive_timer: "${var:timer}"}}
services: {s: {configuration: {reachability_enabled: "${env:ON}"}, notifications: {log_enabled: "${var:yes}",
  new_message: {sound: "${var:none}", template: "${var:text}"}}}}
addresses: {a: {address: "${var:main}", auto_creation: {studio_retry_count: "${var:count}"}}}
"""
    config = read(text, {"ON": "FALSE"})
    assert {path: value.content for item in config.resources.values() for path, value in item.values.items()} == {
        "default_inactive_timer": "PT15M", "friendly_name": "s", "reachability_enabled": False, "log_enabled": True,
        "new_message.sound": None, "new_message.template": "null", "address": "+14155550100",
        "auto_creation.studio_retry_count": 3,
    }  # fmt: skip


def test_a_file_is_relative_to_the_file_that_names_it() -> None:
    files = {
        "reconciler.yaml": "version: 1\ninclude: [sub/a.yaml]",
        "sub/a.yaml": "services: {s: {friendly_name: '${file:name.txt}'}}",
        "sub/name.txt": "inner",
        "name.txt": "outer",
    }
    assert content(files, "services.s", "friendly_name") == "inner"


def test_a_secret_makes_its_value_sensitive_through_variables() -> None:
    value = name("'${var:a}'", {"S": "hunter2"}, variables={"a": "x"})
    assert (value.content, value.sensitive, value.secrets) == ("x", False, ())
    text = """
variables: {token: "t=${secret:S}", query: "?${var:token}&u=${secret:R}"}
services: {s: {webhooks: {post_webhook_url: "https://a.example/${var:query}"}}}
"""
    value = list(read(text, {"S": "hunter2", "R": "r"}).resources.values())[1].values["post_webhook_url"]
    assert value.content == "https://a.example/?t=hunter2&u=r"
    assert (value.sensitive, value.secrets) == (True, ("R", "S"))
    assert value.place.via == "variable query"


def test_a_value_says_which_variable_it_came_by() -> None:
    files = {
        "reconciler.yaml": "version: 1\nvariables: {a: 1, b: 1, c: 1, d: 1}\n"
        "environments: {e: {variables: {b: 2, c: 2, d: 2}, overlays: [o.yaml]}}\n"
        "services: {s: {friendly_name: '${var:a}${var:b}${var:c}${var:d}'}}",
        "o.yaml": "variables: {c: 3, d: 3}",
    }
    value = read(files, environment="e", variables={"d": "4"}).resources
    (named,) = (item.values["friendly_name"] for item in value.values())
    assert named.content == "1234"
    assert str(named.place) == "reconciler.yaml:4:31"
    assert named.place.via == (
        "variable a, variable b of environment e, variable c of overlay o.yaml, variable d of --var"
    )


def test_an_overlay_takes_a_variable_out() -> None:
    files = {
        "reconciler.yaml": "version: 1\nvariables: {a: 1, b: 2}\nservices: {s: {friendly_name: '${var:a}${var:b}'}}",
        "o.yaml": "variables: {a: !unset }",
    }
    assert told(files, overlays=["o.yaml"]) == [
        "3:32 undefined-variable: variable a is not defined (define it under variables, or pass --var a=…)"
    ]


def test_what_cannot_be_looked_up() -> None:
    text = """
variables:
  host: ${env:HOST}
services:
  s: {friendly_name: "${var:hots} ${var:host}"}
  t: {friendly_name: "${evn:A} ${env:B}"}
  u: {friendly_name: "${foo:A}"}
  v: {friendly_name: "a ${env:A"}
  w: {friendly_name: "${env:1}"}
  x: {friendly_name: "${file:}"}
  y: {friendly_name: "${secret:S:-x}"}
  z: {friendly_name: "${file:../x} ${file:no}"}
"""
    assert told(text) == [
        "4:9 unset-environment: environment variable HOST is not set (set it, or give a default: ${env:HOST:-…})",
        "6:23 undefined-variable: variable hots is not defined (did you mean host?)",
        (
            '7:23 unknown-namespace: "${evn:…}" has an unknown namespace '
            "(did you mean ${env:…}? or write $${ for a literal ${)"
        ),
        (
            '8:23 unknown-namespace: "${foo:…}" has an unknown namespace '
            "(use one of env, var, file and secret; write $${ for a literal ${)"
        ),
        "9:25 unclosed-interpolation: ${env: has no closing brace (close it with }, or write $${ for a literal ${)",
        (
            '10:23 malformed-interpolation: "1" is not a valid name '
            "(names have letters, digits, dots, dashes and underscores, and begin with a letter)"
        ),
        '11:23 malformed-interpolation: "${file:}" has no name (add the path of a file)',
        (
            "12:23 secret-default: secret S cannot have a default, which would not be secret "
            "(remove the default, or use ${env:…} for values that are not secret)"
        ),
        '13:23 outside-folder: "../x" is outside of the root file\'s folder (use a file in that folder or below it)',
        "13:36 unreadable-file: no does not exist (check the name)",
    ]


def test_variables_that_refer_to_each_other_in_a_circle_are_named_once() -> None:
    text = "variables: {b: '${var:c}', c: '${var:a}', a: 'x${var:b}', d: '${var:a}'}\nservices: {'${var:a}': {friendly_name: '${var:b}'}, s: {friendly_name: '${var:d}'}}"  # noqa: E501 - two lines of a file
    assert [line for line in told(text) if "handle" not in line] == [
        ("2:46 variable-cycle: variable cycle: a → b → c → a (give one of them a literal value)")
    ]


def test_variables_of_variables_cannot_grow_without_limit() -> None:
    rows = "\n".join(f"  v{number}: '{f'${{var:v{number - 1}}}' * 10}'" for number in range(1, 12))
    assert told(f"variables:\n  v0: aaaaaaaaaa\n{rows}\nservices: {{s: {{friendly_name: '${{var:v11}}'}}}}") == [
        "9:7 too-large: interpolation makes this text longer than 1000000 characters (use fewer variables of variables)"
    ]


def test_what_interpolation_makes_in_all_is_limited() -> None:
    rows = "\n".join(f"  s{number}: {{friendly_name: 'x${{var:big}}'}}" for number in range(100))
    problems = problems_of(f"variables: {{big: {'a' * 900_000}}}\nservices:\n{rows}")
    assert {problem.code for problem in problems} == {"too-long", "too-large"}


def test_a_long_row_of_variables_ends() -> None:
    rows = "\n".join(f"  v{number}: ${{var:v{number + 1}}}" for number in range(3000))
    assert {line.split(" ", 1)[1] for line in told(f"variables:\n{rows}\n  v3000: x")} == {
        "too-deep: more than 60 variables or defaults refer to each other in a chain (shorten the chain)"
    }


def test_a_deep_row_of_defaults_ends() -> None:
    text = "x" + "${env:A:-" * 10_000 + "}" * 10_000
    assert told(f"services: {{s: {{friendly_name: '{text}'}}}}") == [
        "2:33 too-deep: interpolations are nested more than 20 deep (simplify it)"
    ]


@pytest.mark.parametrize("value", ["a\0b", "a\udcffb"])
def test_an_environment_variable_that_is_not_text(value: str) -> None:
    assert told("services: {s: {friendly_name: '${env:A}'}}", {"A": value}) == [
        "2:32 not-text: the environment variable A is not text (set it to text)"
    ]


def test_files_that_are_not_text() -> None:
    files: Files = {
        "reconciler.yaml": "version: 1\nservices: {s: {friendly_name: '${file:a}${file:b}'}}", "a": b"\xff", "b": b"\0",
    }  # fmt: skip
    assert told(files) == [
        "2:32 unreadable-file: a is not UTF-8 text (save it as UTF-8 text)",
        "2:41 unreadable-file: b is not text: it contains a NUL character",
    ]


def test_what_is_not_set_is_unknown_where_that_is_allowed() -> None:
    text = """
services:
  s:
    friendly_name: "${env:A}"
    webhooks: {pre_webhook_url: "https://a.example/${secret:S}?${var:V}", filters: ["${env:F}", onMessageAdd]}
    configuration: {default_conversation_role: "${env:R}"}
"""
    config = read(text, allow_unset=True)
    values = {path: value for item in config.resources.values() for path, value in item.values.items()}
    assert {path: value.content for path, value in values.items()} == {
        "friendly_name": Unknown("environment variable A is not set", "${env:A}"),
        "default_conversation_role": Unknown("environment variable R is not set", "${env:R}"),
        "filters": Unknown("environment variable F is not set", '["${env:F}", "onMessageAdd"]'),
        "pre_webhook_url": Unknown(
            "secret S is not set; variable V is not defined", "https://a.example/${secret:S}?${var:V}"
        ),
    }
    assert (values["pre_webhook_url"].sensitive, values["pre_webhook_url"].secrets) == (True, ("S",))


def test_by_name_nothing_of_the_environment_is_read() -> None:
    text = """
variables: {host: "${env:HOST:-a.example}", path: "/x/${secret:S}"}
services:
  s:
    webhooks: {pre_webhook_url: "https://${var:host}${var:path}", post_webhook_url: "https://b.example/$${env:HOST}"}
"""
    config = read(text, {"HOST": "h0st", "S": "s3cret"}, by_name=True)
    webhooks = config.resources[Address.of("services", "s", "webhooks")]
    assert {path: value.content for path, value in webhooks.values.items()} == {
        "pre_webhook_url": Unknown(
            "environment variable HOST is not set; secret S is not set", "https://${env:HOST:-a.example}/x/${secret:S}"
        ),
        "post_webhook_url": "https://b.example/${env:HOST}",
    }


# --- environments ---

ENVIRONMENTS = """
environments:
  prod: {variables: {number: "+14155550100"}}
  staging: {variables: {number: "+14155550111", other: x}}
addresses: {main: {address: "${var:number}"}}
"""


@pytest.mark.parametrize(("environment", "expected"), [("prod", "+14155550100"), ("staging", "+14155550111")])
def test_an_environment_brings_its_variables(environment: str, expected: str) -> None:
    assert content(ENVIRONMENTS, "addresses.main", "address", environment=environment) == expected
    assert read(ENVIRONMENTS, environment=environment).environment == environment


def test_a_variable_of_environments_asks_for_one() -> None:
    assert told(ENVIRONMENTS) == [
        (
            "6:30 undefined-variable: variable number is not defined "
            "(choose an environment that defines it: --env prod|staging)"
        )
    ]


def test_a_variable_that_another_environment_defines() -> None:
    assert told(f"{ENVIRONMENTS}services: {{s: {{friendly_name: '${{var:other}}'}}}}", environment="prod") == [
        (
            "7:32 undefined-variable: variable other is not defined "
            "(environment staging defines it; define it for prod as well)"
        )
    ]


def test_an_unknown_environment_is_one_problem() -> None:
    assert told(ENVIRONMENTS, environment="prd") == [
        '- unknown-environment: unknown environment "prd" (did you mean prod?)'
    ]
    assert told("services: {}", environment="prod") == [
        '- unknown-environment: unknown environment "prod" (the configuration defines none; add it under environments)'
    ]


def test_every_environment_is_checked() -> None:
    text = """
environments:
  a: {account: x, variables: [x], overlays: x.yaml}
  b: 5
  c: {variables: {x: [1]}, account_sid: MG0123456789abcdef0123456789abcdef}
variables: x
"""
    assert told(text) == [
        '4:7 unknown-key: an environment has no key "account" (did you mean account_sid?)',
        "4:30 wrong-type: variables must be a mapping (write keys with colons, indented below)",
        "4:45 wrong-type: overlays must be a list (write a list: [x.yaml])",
        "5:6 wrong-type: environment b must be a mapping (write keys with colons, indented below)",
        '6:22 wrong-type: variable "x" must be a single value (lists and mappings can be shared with YAML anchors)',
        (
            '6:41 wrong-sid: environments.c.account_sid is "MG0123456789abcdef0123456789abcdef", the SID of a '
            "messaging service (write the SID of an account, AC and 32 hexadecimal digits)"
        ),
        "7:12 wrong-type: variables must be a mapping (write keys with colons, indented below)",
    ]


def test_a_variable_of_the_command_line_that_nothing_uses() -> None:
    text = "variables: {host: a}\nservices: {s: {friendly_name: '${var:host}'}}"
    assert told(text, variables={"hots": "x"}) == [
        '- warning unused-variable: the variable "hots" of --var is not used (did you mean host?)'
    ]
    assert content(text, "services.s", "friendly_name", variables={"host": "b"}) == "b"


OVERRIDE = """
variables: {host: a.example.com, path: x}
environments:
  prod: {variables: {%s: prod.example.com}}
services: {s: {webhooks: {post_webhook_url: "https://${var:host}/${var:path}"}}}
"""


def test_a_variable_of_an_environment_that_overrides_nothing_because_of_a_typo() -> None:
    assert told(OVERRIDE % "hots", environment="prod") == [
        '5:28 warning unused-variable: the variable "hots" of environment prod is not used (did you mean host?)'
    ]


def test_a_variable_of_an_overlay_that_overrides_nothing_because_of_a_typo() -> None:
    files = {"reconciler.yaml": "version: 1" + OVERRIDE % "host", "o.yaml": "variables: {hsot: b.example.com}\n"}
    (problem,) = problems_of(files, overlays=["o.yaml"])
    assert (problem.code, problem.severity, problem.hint) == ("unused-variable", "warning", "did you mean host?")
    assert str(problem.place).startswith("o.yaml:1:")


@pytest.mark.parametrize("name", ["host", "other", "region"])
def test_a_variable_of_an_environment_that_is_no_typo(name: str) -> None:
    assert told(OVERRIDE % name, environment="prod") == []


def test_a_variable_beside_the_one_that_it_resembles_is_no_typo() -> None:
    assert told(OVERRIDE % "host: b.example.com, hosts", environment="prod") == []


@pytest.mark.parametrize("name", ["a b", "", "1st", "a:b", "\u00fc"])
def test_a_variable_that_nothing_can_name(name: str) -> None:
    assert [(item.code, item.severity) for item in problems_of(f'variables: {{"{name}": x}}')] == [
        ("malformed-name", "warning")
    ]


@pytest.mark.parametrize("name", ["a", "_b", "a-b.c_1"])
def test_a_variable_that_something_can_name(name: str) -> None:
    assert told(f'variables: {{"{name}": x}}') == []
