"""Values that change silently, or that are valid and probably not meant: each is an error or a warning with its fix."""

from __future__ import annotations

import json
import unicodedata

import pytest

from reconciler.config.layout import Layout
from reconciler.kinds import KINDS
from tests.config.told import Files, content, problems_of, read, told

LAYOUT = Layout.of(KINDS)
HOOK = "services: {{s: {{webhooks: {{post_webhook_url: {}}}}}}}"


def warnings_of(files: Files, env: dict[str, str] | None = None, **options: object) -> list[tuple[str, str]]:
    """Code and message of everything that is wrong, with `!` before the code of an error."""
    problems = problems_of(files, env, layout=LAYOUT, **options)
    return [(("!" if item.severity == "error" else "") + item.code, item.message) for item in problems]


# --- an environment variable that is set but empty ---


@pytest.mark.parametrize("value", ["", " ", "\t", "\n", "\u00a0"])
@pytest.mark.parametrize(
    "text",
    [
        "services: {s: {friendly_name: '${env:HOOK}'}}",
        "services: {s: {friendly_name: 'bot-${env:HOOK}'}}",
        "services: {s: {webhooks: {post_webhook_url: '${env:HOOK}'}}}",
        "services: {s: {webhooks: {post_webhook_url: 'https://a.example/?tenant=${env:HOOK}'}}}",
        "services: {s: {webhooks: {post_webhook_url: '${secret:HOOK}'}}}",
        "services: {s: {webhooks: {filters: ['${env:HOOK}']}}}",
        "services: {s: {users: {u: {attributes: {a: ['${env:HOOK}']}}}}}",
        "services: {s: {users: {u: {attributes: '${env:HOOK}'}}}}",
        "services: {s: {users: {u: {role: '${env:HOOK}'}}}}",
        "services: {s: {notifications: {log_enabled: '${env:HOOK}'}}}",
        "variables: {v: '${env:HOOK}'}\nservices: {s: {friendly_name: '${var:v}'}}",
        "services: {s: {friendly_name: '${env:NO:-${env:HOOK}}'}}",
        "services: {s: {friendly_name: '${file:empty.txt}'}}",
    ],
)
def test_an_empty_variable_counts_as_unset_everywhere(text: str, value: str) -> None:
    files = {"reconciler.yaml": f"version: 1\n{text}\n", "empty.txt": value}
    why = "is empty" if not value else "contains only whitespace"
    (problem,) = problems_of(files, {"HOOK": value}, layout=LAYOUT)
    expected = {
        f"environment variable HOOK {why}, which counts as not set", f"secret HOOK {why}, which counts as not set",
        "empty.txt is empty, which counts as missing",
    }  # fmt: skip
    assert problem.severity == "error"
    assert problem.message in expected


def test_an_empty_text_in_the_files_still_clears() -> None:
    for text in ('""', "''", "${env:NO:-}", "${var:none}"):
        files = f"variables: {{none: ''}}\nservices: {{s: {{webhooks: {{post_webhook_url: {json.dumps(text)}}}}}}}"
        if text.startswith("$"):
            assert content(files, "services.s.webhooks", "post_webhook_url") == ""
    assert content(HOOK.format('""'), "services.s.webhooks", "post_webhook_url") == ""


@pytest.mark.parametrize("value", ["", " ", "\t"])
def test_a_variable_of_the_command_line_without_a_value(value: str) -> None:
    text = "variables: {host: a.example}\nservices: {s: {friendly_name: '${var:host}'}}"
    assert told(text, variables={"host": value}) == [
        (
            '- empty-variable: --var "host" has no value '
            '(check the source of its value; to clear a value, define host: "" in the files)'
        )
    ]


# --- ${NAME} without a namespace ---


@pytest.mark.parametrize(
    ("token", "hint"),
    [
        ("${HOOK}", "write ${env:HOOK} or ${secret:HOOK}; write $${HOOK} for the literal text"),
        ("${HOOK_TOKEN}", "write ${secret:HOOK_TOKEN} or ${env:HOOK_TOKEN}; write $${HOOK_TOKEN} for the literal text"),
        ("${HOOK:-x}", "write ${env:HOOK:-x} or ${secret:HOOK}; write $${HOOK:-x} for the literal text"),
        ("${host}", "did you mean ${var:host}? write $${host} for the literal text"),
        ("${var.host}", "did you mean ${var:host}? write $${var.host} for the literal text"),
        ("${env.HOOK}", "did you mean ${env:HOOK}? write $${env.HOOK} for the literal text"),
        ("${ HOOK }", "write ${env:HOOK} or ${secret:HOOK}; write $${ HOOK } for the literal text"),
        ("${ env:HOOK }", "did you mean ${env:HOOK}? write $${ env:HOOK } for the literal text"),
        (
            "${{ secrets.HOOK }}",
            (
                "CI expressions are not evaluated here; pass the value as an environment variable and write "
                "${env:NAME} or ${secret:NAME}; write $${{ secrets.HOOK }} for the literal text"
            ),
        ),
        ("${}", "write $${} for the literal text"),
        ("${5}", "write $${5} for the literal text"),
        ("${", "write $${ for the literal text"),
    ],
)
def test_a_lookup_without_a_namespace_says_what_was_meant(token: str, hint: str) -> None:
    text = f"variables: {{host: a}}\nservices: {{s: {{friendly_name: 'a {token} ${{var:host}}'}}}}"
    assert told(text) == [f'3:34 missing-namespace: "{token}" has no namespace, so it is not interpolated ({hint})']


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("services: {s: {webhooks: {post_webhook_url: 'https://${NAME}/'}}}", "2:54"),
        ("services: {s: {webhooks: {filters: [onMessageAdded, '${NAME}']}}}", "2:54"),
        ("services: {s: {roles: {r: {type: conversation, permissions: ['${NAME}']}}}}", "2:63"),
        ("services: {s: {roles: {r: {type: '${NAME}', permissions: [sendMessage]}}}}", "2:35"),
        ("services: {s: {users: {u: {attributes: {a: {b: ['x ${NAME}']}}}}}}", "2:52"),
        ('services: {s: {users: {u: {attributes: \'{"a": "${NAME}"}\'}}}}', "2:48"),
        ("services: {s: {users: {u: {role: '${NAME}'}}}}", "2:35"),
        ("services: {s: {users: {u: {friendly_name: '${env:NO:-${NAME}}'}}}}", "2:54"),
        ("services: {s: {sid: '${NAME}'}}", "2:22"),
        ("services: {s: {renamed_from: '${NAME}'}}", "2:31"),
        ("services: {s: {notifications: {new_message: {sound: '${NAME}'}}}}", "2:54"),
        ("services: {s: {conversations: {c: {timers: {closed: '${NAME}'}}}}}", "2:54"),
        ("account: {sid: '${NAME}'}", "2:17"),
        ("variables: {v: 'a ${NAME}'}", "2:19"),
        ("variables: {v: 'a ${NAME}', w: '${var:v}'}\nservices: {s: {friendly_name: '${var:w}'}}", "2:19"),
        ("templates: {t: {friendly_name: '${NAME}'}}", "2:33"),
    ],
)
def test_a_lookup_without_a_namespace_is_an_error_everywhere(text: str, place: str) -> None:
    problems = problems_of(text, layout=LAYOUT)
    assert [(item.code, str(item.place), item.severity) for item in problems if "missing-namesp" in item.code] == [
        ("missing-namespace", f"reconciler.yaml:{place}", "error")
    ]


def test_twilio_fills_in_names_in_notification_templates() -> None:
    text = """
variables: {greeting: "${PARTICIPANT}: ${MESSAGE}"}
services:
  s:
    notifications:
      new_message: {template: "${var:greeting}", with_media: {template: "${PARTICIPANT} sent $${env:HOME} $${A}"}}
      added_to_conversation: {template: "${env:NO:-${CONVERSATION}}"}
"""
    config = read(text)
    (values,) = (item.values for item in config.resources.values() if item.kind.name == "service_notification")
    assert {path: value.content for path, value in values.items()} == {
        "new_message.template": "${PARTICIPANT}: ${MESSAGE}",
        "new_message.with_media.template": "${PARTICIPANT} sent ${env:HOME} ${A}",
        "added_to_conversation.template": "${CONVERSATION}",
    }
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("template", "code"),
    [
        ("${evn:X}", "unknown-namespace"),
        ("${ENV:X}", "unknown-namespace"),
        ("${PARTICIPANT:-somebody}", "missing-namespace"),
        ("${ PARTICIPANT }", "missing-namespace"),
        ("${{ PARTICIPANT }}", "missing-namespace"),
    ],
)
def test_what_twilio_would_not_fill_in_is_an_error_in_templates_too(template: str, code: str) -> None:
    text = f"services: {{s: {{notifications: {{new_message: {{template: '{template}'}}}}}}}}"
    assert [(item.code, item.severity) for item in problems_of(text)] == [(code, "error")]


@pytest.mark.parametrize("namespace", ["ENV", "Env", "evn", "environment"])
def test_an_unknown_namespace_suggests_the_one_that_was_meant(namespace: str) -> None:
    text = f"services: {{s: {{friendly_name: '${{{namespace}:X}}'}}}}"
    assert told(text) == [
        (
            f'2:32 unknown-namespace: "${{{namespace}:…}}" has an unknown namespace '
            "(did you mean ${env:…}? or write $${ for a literal ${)"
        )
    ]


def test_keys_of_attributes_are_not_interpolated() -> None:
    text = "services: {s: {users: {u: {attributes: {'$${a}': 1, b: {'${env:X}': 1}}}}}}"
    assert [(str(item.place), item.code) for item in problems_of(text, {"X": "x"}, layout=LAYOUT)] == [
        ("reconciler.yaml:2:57", "interpolated-key")
    ]
    text = "services: {s: {users: {u: {attributes: {'$${a}': 1}}}}}"
    assert content(text, "services.s.users.u", "attributes") == {"${a}": 1}


@pytest.mark.parametrize(
    ("field", "env", "variables", "message"),
    [
        ("'https://${env:A}/'", {"A": "${HOST}"}, {}, "the value of environment variable A contains a ${…}"),
        ("'https://a.example/${secret:A}'", {"A": "${B}"}, {}, "the value of secret A contains a ${…}"),
        ("'https://${var:a}/'", {}, {"a": "${HOST}"}, "the value of --var a contains a ${…}"),
    ],
)
def test_a_value_from_outside_that_holds_a_placeholder(
    field: str, env: dict[str, str], variables: dict[str, str], message: str
) -> None:
    problems = problems_of(HOOK.format(field), env, variables=variables)
    assert [item.message for item in problems if item.code == "unfilled-placeholder"][:1] == [
        f"{message} that is not interpolated"
    ]


# --- placeholders of other tools ---


@pytest.mark.parametrize(
    "placeholder",
    [
        "{{host}}",
        "$HOST",
        "##HOST##",
        "%HOST%",
        "%DATABASE%",
        "<HOST>",
        "<your-host>",
        "$(HOST)",
        "#{HOST}",
        "#{HOST}#",
        "{host}",
        "__HOST__",
        "[HOST_NAME]",
    ],
)
def test_a_placeholder_in_a_url_is_a_warning(placeholder: str) -> None:
    for url in (f"https://a.example/{placeholder}", f"https://a.example/x?token={placeholder}&v=1"):
        (problem,) = problems_of(HOOK.format(json.dumps(url)))
        assert (problem.code, problem.severity) == ("unfilled-placeholder", "warning")
        # What a token holds is not shown.
        assert ("the placeholder" in problem.message) == ("token" not in url or "#" in url)
    secret = "credentials: {c: {type: gcm, api_key: '${secret:KEY}'}}"
    codes = [item.code for item in problems_of(secret, {"KEY": placeholder}, layout=LAYOUT)]
    assert "unfilled-placeholder" in codes
    assert placeholder not in str(problems_of(secret, {"KEY": placeholder}, layout=LAYOUT))


@pytest.mark.parametrize(
    "url",
    [
        "https://a.example/a%20b%2Fc",
        "https://a.example/?$filter=x",
        "https://a.example/?a=%AB%CD%EF",
        "http://[::1]/",
        "https://a.example/x_y__z",
        "https://a.example/?cost=5$",
        "https://a.example/#rc=2",
    ],
)
def test_an_ordinary_url_has_no_placeholder(url: str) -> None:
    assert told(HOOK.format(json.dumps(url))) == []


def test_random_passwords_are_no_placeholders() -> None:
    text = "credentials: {c: {type: fcm, secret: '${secret:KEY}'}}"
    for value in ("a$AB9x", "50%OFF%x", "p<w", "x{y", "a#b"):
        assert [item.code for item in problems_of(text, {"KEY": value}, layout=LAYOUT)] == ["unusual-key"]


# --- numbers in attributes ---

OVER = "is a number over 2^53, which JavaScript and other readers of JSON round"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("+14155550100", "14155550100"),
        ("00731", "731"),
        ("1.10", "1.1"),
        ("0o755", "493"),
        ("0xff", "255"),
        ("1e3", "1000.0"),
        ("1E3", "1000.0"),
        (".5", "0.5"),
        ("5.", "5.0"),
        ("+1", "1"),
        ("-0", "0"),
        ("007", "7"),
        ("1.0e+2", "100.0"),
        ("0.10", "0.1"),
        ("3.14159265358979323846", "3.141592653589793"),
    ],
)
@pytest.mark.parametrize("shape", ["{a: %s}", "{a: [%s]}", "{a: {b: {c: %s}}}"])
def test_a_number_that_is_sent_in_another_spelling(written: str, sent: str, shape: str) -> None:
    text = f"services: {{s: {{users: {{u: {{attributes: {shape % written}}}}}}}}}"
    (problem,) = problems_of(text, layout=LAYOUT)
    assert (problem.code, problem.severity) == ("json-spelling", "warning")
    assert problem.message == f'attributes: "{written}" is sent as the number {sent}'
    assert problem.hint == f'quote it to send the text: "{written}"'
    assert str(problem.place) == f"reconciler.yaml:2:{text.index(written) + 1}"


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("NO", '"NO" is sent as text; some YAML tools read it as false'),
        ("yes", '"yes" is sent as text; some YAML tools read it as true'),
        ("On", '"On" is sent as text; some YAML tools read it as true'),
        ("off", '"off" is sent as text; some YAML tools read it as false'),
        ("1_000", '"1_000" is sent as text; some YAML tools read it as a number'),
        ("0b101", '"0b101" is sent as text; some YAML tools read it as a number'),
        ("0x_ff", '"0x_ff" is sent as text; some YAML tools read it as a number'),
        ("TRUE", '"TRUE" is sent as true'),
        ("False", '"False" is sent as false'),
        ("~", '"~" is sent as null'),
        ("Null", '"Null" is sent as null'),
        ("", "an empty value is sent as null"),
        ("9007199254740993", f'"9007199254740993" {OVER}'),
        ("-9007199254740993", f'"-9007199254740993" {OVER}'),
    ],
)
def test_a_word_that_yaml_tools_read_differently(written: str, message: str) -> None:
    text = f"services: {{s: {{users: {{u: {{attributes: {{a: {written}}}}}}}}}}}"
    assert warnings_of(text) == [("json-spelling", f"attributes: {message}")]


@pytest.mark.parametrize(
    "written",
    [
        "1",
        "-1",
        "0",
        "1.5",
        "-0.5",
        "true",
        "false",
        "null",
        "9007199254740992",
        "2026-11-26",
        "09:30",
        "1.2.3",
        "'+14155550100'",
        '"00731"',
        "y",
        "n",
        "+",
        "-",
        "_",
        "a_b",
        "!!int 007",
        "!!float 1",
        "!!str 007",
        "1.0",
        "2026-11-26T10:00:00Z",
        "1e+22",
        "12:30:45",
    ],
)
def test_what_is_sent_as_it_is_written(written: str) -> None:
    assert warnings_of(f"services: {{s: {{users: {{u: {{attributes: {{a: {written}}}}}}}}}}}") == []


def test_a_number_by_way_of_a_variable_is_reported_where_it_is_written() -> None:
    text = "variables: {main: +14155550100}\nservices: {s: {users: {u: {attributes: {a: '${var:main}'}}}}}"
    assert [(str(item.place), item.message) for item in problems_of(text, layout=LAYOUT)] == [
        ("reconciler.yaml:2:19", 'attributes: "+14155550100" is sent as the number 14155550100')
    ]
    assert warnings_of(text.replace("+14155550100", "'+14155550100'")) == []


ATTRIBUTES_OF_A_FILE = "version: 1\nservices: {s: {users: {u: {attributes: '${file:a.json}'}}}}\n"
JSON_NUMBERS = (
    '{"a": 12345678901234567890123, "b": [0.12345678901234567890123], "c": {"d": 1e-400, "e": 1.10}, "f": 1E2}'
)


@pytest.mark.parametrize(
    ("text", "files", "env"),
    [
        (f"'{JSON_NUMBERS}'", {}, {}),
        ("'${file:a.json}'", {"a.json": JSON_NUMBERS}, {}),
        ("'${env:ATTRIBUTES}'", {}, {"ATTRIBUTES": JSON_NUMBERS}),
    ],
)
def test_numbers_of_json_text_that_are_sent_as_others(text: str, files: dict[str, str], env: dict[str, str]) -> None:
    root = f"version: 1\nservices: {{s: {{users: {{u: {{attributes: {text}}}}}}}}}\n"
    assert warnings_of({"reconciler.yaml": root, **files}, env) == [
        ("json-spelling", 'attributes: "0.12345678901234567890123" is sent as the number 0.12345678901234568'),
        ("json-spelling", 'attributes: "1.10" is sent as the number 1.1'),
        ("json-spelling", f'attributes: "12345678901234567890123" {OVER}'),
        ("json-spelling", 'attributes: "1E2" is sent as the number 100.0'),
        ("json-spelling", 'attributes: "1e-400" is sent as the number 0.0'),
    ]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1, "b": -2.5, "c": 0.1, "d": 1e-07, "1.10": "1.10"}', r'{"a\"1.10": "\\", "b": "x 1.10 \" 2.50"}', "{}"],
)
def test_json_text_whose_numbers_stay_as_they_are(text: str) -> None:
    assert warnings_of({"reconciler.yaml": ATTRIBUTES_OF_A_FILE, "a.json": text}) == []


def test_numbers_of_sensitive_json_text_are_not_shown() -> None:
    env = {"ATTRIBUTES": '{"a": 1.10, "b": 12345678901234567890}'}
    text = "services: {s: {users: {u: {attributes: '${secret:ATTRIBUTES}'}}}}"
    assert warnings_of(text, env) == [
        ("json-spelling", f"attributes: a value {OVER}"),
        ("json-spelling", "attributes: a value is sent as the number in another spelling"),
    ]


def test_json_text_of_many_numbers_has_ten_warnings_at_most() -> None:
    numbers = ", ".join(f"{number}.10" for number in range(100))
    assert len(warnings_of({"reconciler.yaml": ATTRIBUTES_OF_A_FILE, "a.json": f'{{"a": [{numbers}]}}'})) == 10


def test_a_sensitive_number_is_not_shown() -> None:
    text = "services: {s: {users: {u: {sensitive: [attributes], attributes: {a: 00731}}}}}"
    assert warnings_of(text) == [("json-spelling", "attributes: a value is sent as the number in another spelling")]


# --- lengths in bytes ---


@pytest.mark.parametrize(
    ("kind", "most"),
    [
        ("conversations: {c: {attributes: %s}}", 16384),
        ("conversations: {c: {participants: {p: {identity: p, attributes: %s}}}}", 4096),
    ],
)
@pytest.mark.parametrize("char", ["a", "é", "日", "😀"])
def test_attributes_are_limited_in_bytes(kind: str, most: int, char: str) -> None:
    width = len(char.encode())
    fits = (most - len('{"n":""}')) // width
    for count, expected in (
        (fits, []),
        (fits + 1, [f"attributes has {8 + (fits + 1) * width} bytes as JSON, over its limit of {most} bytes"]),
    ):
        text = f"services: {{s: {{{kind % json.dumps({'n': char * count}, ensure_ascii=False)}}}}}"
        assert [item.message for item in problems_of(text, layout=LAYOUT)] == expected


def test_attributes_of_users_have_a_likely_limit_and_a_certain_one() -> None:
    for size, severity in ((4096, None), (4097, "warning"), (16384, "warning"), (16385, "error")):
        text = f"services: {{s: {{users: {{u: {{attributes: {{n: {'a' * (size - 8)}}}}}}}}}}}"
        assert [item.severity for item in problems_of(text, layout=LAYOUT)] == ([severity] if severity else [])


def test_names_are_limited_in_characters_and_doubtful_where_an_emoji_may_count_twice() -> None:
    for name, codes in (
        ("é" * 256, []),
        ("é" * 257, ["too-long"]),
        ("😀" * 128, []),
        ("😀" * 129, ["doubtful-length"]),
    ):
        assert [item.code for item in problems_of(f"services: {{s: {{friendly_name: {name}}}}}")] == codes


# --- secrets in URLs ---

IN_QUERY = "'https://hooks.example.com/x?token=${secret:TOK}&v=1'"
IN_PATH = "'https://hooks.example.com/${secret:TOK}/x'"
IN_USER = "'https://me:${secret:TOK}@hooks.example.com/'"
IN_HOST = "'https://${secret:TOK}.example.com/x'"


@pytest.mark.parametrize(
    ("url", "bad"),
    [
        (IN_QUERY, "p@ss#1&admin=1"),
        (IN_QUERY, "a#b"),
        (IN_QUERY, "a&b"),
        (IN_QUERY, "a+b"),
        (IN_QUERY, "a%b"),
        (IN_QUERY, "a%zz"),
        (IN_QUERY, "a;b"),
        (IN_QUERY, "a\\b"),
        (IN_QUERY, 'a"b'),
        (IN_QUERY, "a<b"),
        (IN_PATH, "a/b"),
        (IN_PATH, "a?b"),
        (IN_PATH, "a#b"),
        (IN_PATH, "100%"),
        (IN_USER, "p@ss"),
        (IN_USER, "p/ss"),
        (IN_USER, "p:ss"),
        (IN_USER, "p#ss"),
        (IN_USER, "p?ss"),
        (IN_HOST, "evil.example/"),
        (IN_HOST, "a@b"),
        (IN_HOST, "a#b"),
        (IN_HOST, "a:1"),
        (IN_HOST, "a?b"),
    ],
)
def test_a_secret_that_changes_the_structure_of_its_url(url: str, bad: str) -> None:
    problems = problems_of(HOOK.format(url), {"TOK": bad})
    codes = {item.code for item in problems}
    assert "url-structure" in codes or any(item.severity == "error" for item in problems)
    assert bad not in str(problems)


def test_the_warning_names_the_secret_and_the_characters() -> None:
    assert told(HOOK.format(IN_QUERY), {"TOK": "p@ss#1&admin=1"}) == [
        (
            "2:45 warning url-structure: post_webhook_url: secret TOK contains a character that must be encoded in the "
            "URL's query (# & \\ + ; \" < > ^ ` { | } or %) "
            "(percent-encode the value where it is set, for instance # as %23, & as %26, and + as %2B)"
        )
    ]


@pytest.mark.parametrize(
    ("url", "good"),
    [
        (IN_QUERY, "abcDEF123-_.~"),
        (IN_QUERY, "a%23b"),
        (IN_QUERY, "YWJj=="),
        (IN_QUERY, "a/b?c@d:e"),
        (IN_PATH, "a.b-c"),
        (IN_PATH, "a%2Fb"),
        (IN_USER, "p%40ss"),
        (IN_HOST, "a-b"),
        ("'${secret:TOK}'", "https://hooks.example.com/x?a=1&b=2#rc=3"),
        ("'https://${secret:TOK}'", "hooks.example.com/x?a=1&b=2"),
    ],
)
def test_a_secret_that_fits_its_url(url: str, good: str) -> None:
    assert told(HOOK.format(url), {"TOK": good}) == []


@pytest.mark.parametrize(
    ("url", "value", "expected"),
    [
        ("'https://${env:TOK}/x'", "a.example:8443", []),
        ("'https://${env:TOK}/x'", "a.example/base", []),
        ("'${env:TOK}/x'", "https://a.example/base", []),
        ("'${env:TOK}/x'", "https://a.example/base?x=1", ["url-structure"]),
        ("'https://${env:TOK}/x'", "a.example#", ["url-structure"]),
        ("'https://${env:TOK}/x'", "me@a.example", ["url-structure"]),
        ("'https://a.example/?t=${env:TOK}'", "a&b", ["url-structure"]),
        ("'https://a.example/?t=${env:TOK}'", "a+b", []),
        ("'https://a.example/?t=${var:v}'", "a#b", ["url-structure"]),
        ("'https://a.example/?t=${file:v.txt}'", "a#b", ["url-structure"]),
        # A host that is expected to be the beginning of one.
        ("'https://${env:TOK}.example.com/x'", "evil.com/", ["url-structure"]),
        ("'https://${env:TOK}.example.com'", "evil.com/x", ["url-structure"]),
        ("'https://${var:v}.internal/x'", "evil.com/y", ["url-structure"]),
        ("'https://${env:TOK}example.com/x'", "evil.com/", ["url-structure"]),
        ("'https://${env:TOK}-eu.example.com/x'", "evil.com/", ["url-structure"]),
        ("'https://${env:TOK}:8443/x'", "evil.com/", ["url-structure"]),
        ("'${env:TOK}.example.com/x'", "https://evil.com/", ["url-structure"]),
        ("'https://${env:TOK}.example.com/x'", "eu.prod", []),
        ("'https://${env:TOK}-eu.example.com/x'", "prod", []),
        ("'https://${env:TOK}example.com/x'", "staging.", []),
        ("'https://${env:TOK}example.com/x'", "staging-", []),
        ("'${env:TOK}.example.com/x'", "https://eu", []),
        ("'${env:TOK}example.com/x'", "https://", []),
        ("'https://${env:TOK}:8443/x'", "h.example.com", []),
        ("'https://${env:TOK}:8443/x'", "[2001:db8::1]", []),
        # A base that its text continues.
        ("'${env:TOK}post'", "https://h.example.com", ["url-structure"]),
        ("'https://${env:TOK}post'", "h.example.com", ["url-structure"]),
        ("'https://${env:TOK}${var:w}'", "h.example.com", ["url-structure"]),
        ("'${env:TOK}post'", "https://h.example.com/", []),
        ("'${env:TOK}post'", "https://h.example.com/v1-", []),
        ("'${env:TOK}.json'", "https://h.example.com/hook", []),
        ("'${env:TOK}.well-known/x'", "https://h.example.com/", []),
        ("'${env:TOK}v1.0/x'", "https://h.example.com/", []),
        ("'${env:TOK}/post'", "https://h.example.com", []),
        ("'${env:TOK}?a=1'", "https://h.example.com", []),
        # Paths and parameters.
        ("'https://h.example/a/${env:TOK}/x'", "../admin", ["url-structure"]),
        ("'https://h.example/a/${var:v}'", "b/..", ["url-structure"]),
        ("'https://h.example/a/${env:TOK}/x'", "b/c", []),
        ("'https://h.example/a/${env:TOK}/x'", "v1..2", []),
        ("'https://h.example/x?${env:TOK}'", "a=1&b=2", []),
        ("'https://h.example/x?${env:TOK}'", "a=1#b", ["url-structure"]),
        ("'https://h.example/x?a=${env:TOK}'", "1&b=2", ["url-structure"]),
    ],
)
def test_other_values_in_a_url(url: str, value: str, expected: list[str]) -> None:
    text = f"version: 1\nvariables: {{v: '${{env:TOK}}', w: post}}\n{HOOK.format(url)}\n"
    files = {"reconciler.yaml": text, "v.txt": f"{value}\n"}
    assert [item.code for item in problems_of(files, {"TOK": value})] == expected


@pytest.mark.parametrize("character", ["\u200b", "\u202e", "\u00ad", "\ufeff", "\u2060"])
@pytest.mark.parametrize("url", ["https://examp{}le.com/", "https://h.example.com/{}", "https://h.example.com/x?a={}1"])
def test_an_invisible_character_in_a_url(url: str, character: str) -> None:
    named = f"U+{ord(character):04X} ({unicodedata.name(character).lower()})"
    message = f"post_webhook_url contains the invisible character {named}"
    assert told(HOOK.format(f'"{url.format(character)}"')) == [
        f"2:45 warning invisible-character: {message} (remove it, or type the URL again)"
    ]


@pytest.mark.parametrize(
    ("url", "source"),
    [
        ("'https://h.example.com/${secret:TOK}'", "secret TOK"),
        ("'https://h.example.com/?t=${env:HOST}'", "environment variable HOST"),
        ("'${env:HOST}'", "environment variable HOST"),
        ("'https://${var:v}/x'", "environment variable HOST"),
    ],
)
def test_an_invisible_character_of_a_value_in_a_url_names_its_source(url: str, source: str) -> None:
    value = "h.exam\u200bple.com"
    host = f"https://{value}" if url == "'${env:HOST}'" else value
    text = f"variables: {{v: '${{env:HOST}}'}}\n{HOOK.format(url)}"
    assert [(item.code, item.message, item.hint) for item in problems_of(text, {"TOK": value, "HOST": host})] == [
        (
            "invisible-character",
            f"post_webhook_url: {source} contains the invisible character U+200B (zero width space)",
            "remove it where the value is set",
        )
    ]


@pytest.mark.parametrize(
    "url", ["https://b\u00fccher.example/\u00fc", "https://\u0646\u0627\u0645\u0647\u200c\u0647\u0627.example/"]
)
def test_letters_beyond_ascii_in_a_url_are_no_invisible_characters(url: str) -> None:
    assert [item.code for item in problems_of(HOOK.format(f'"{url}"'))] == ["non-ascii-host"]


def test_an_invisible_character_in_a_key() -> None:
    text = "credentials: {c: {type: fcm, secret: '${secret:KEY}'}}"
    assert [(item.code, item.message) for item in problems_of(text, {"KEY": "AAAA\u200bBBBB"}, layout=LAYOUT)] == [
        ("invisible-character", "secret contains the invisible character U+200B (zero width space)"),
        ("unusual-key", "secret is neither the JSON key of a service account nor a server key of Firebase"),
    ]


# --- names ---

SERVICE = "services: {s: {friendly_name: %s}}"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Desk\n", "blank-at-end"),
        ("Desk ", "blank-at-end"),
        (" Desk", "blank-at-end"),
        ("Desk\u00a0", "blank-at-end"),
        ("Desk\r\n", "blank-at-end"),
        ("\tDesk", "blank-at-end"),
        ("De\u200bsk", "invisible-character"),
        ("De\u200dsk", "invisible-character"),
        ("De\u00a0sk", "invisible-character"),
        ("De\u00adsk", "invisible-character"),
        ("De\u202esk", "invisible-character"),
        ("De\u2066sk", "invisible-character"),
        ("De\ufeffsk", "invisible-character"),
        ("Desk\ufe0f", "invisible-character"),
        ("De\nsk", "invisible-character"),
        ("De\tsk", "invisible-character"),
        ("De\x00sk"[:2] + "\x07sk", "invisible-character"),
        ("De\u2060sk", "invisible-character"),
        ("De\u3164sk", "invisible-character"),
        ("De\u2028sk", "invisible-character"),
        ("De\u2009sk", "invisible-character"),
        ("De\U000e0041sk", "invisible-character"),
        ("De\ue000sk", "invisible-character"),
        ("De\ufffdsk", "invisible-character"),
        ("Cafe\u0301", "unnormalized-name"),
        ("de\u200csk", "invisible-character"),
        ("De\u034fsk", "invisible-character"),
    ],
)
@pytest.mark.parametrize(
    "shape",
    [
        SERVICE,
        "services: {s: {users: {u: {identity: %s}}}}",
        "services: {s: {users: {u: {friendly_name: %s}}}}",
        "services: {s: {conversations: {c: {unique_name: %s}}}}",
        "credentials: {c: {type: fcm, friendly_name: %s}}",
        "services: {s: {roles: {r: {type: service, permissions: [joinConversation], friendly_name: %s}}}}",
        "addresses: {'+14155550100': {friendly_name: %s}}",
    ],
)
def test_a_name_with_what_nobody_sees(name: str, code: str, shape: str) -> None:
    assert [(item.code, item.severity) for item in problems_of(shape % json.dumps(name), layout=LAYOUT)] == [
        (code, "warning")
    ]


@pytest.mark.parametrize(
    "name",
    [
        "Desk",
        "Café",
        "日本語",
        "山田\u3000太郎",
        "👩\u200d💻",
        "❤\ufe0f",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e007f",
        "می\u200cخواهم",
        "क्\u200dष",
        "葛\U000e0100",
        "a b",
        "©\ufe0f",
        "‼\ufe0f",
        "🏳\ufe0f\u200d🌈",
    ],
)
def test_an_ordinary_name(name: str) -> None:
    assert told(SERVICE % json.dumps(name)) == []


@pytest.mark.parametrize("style", ["|", ">", "|+", ">+"])
def test_a_block_scalar_adds_a_line_break_to_a_name(style: str) -> None:
    text = f"services:\n  s:\n    friendly_name: {style}\n      Desk\n"
    assert [item.code for item in problems_of(text)] == ["blank-at-end"]
    assert problems_of(text.replace(style, "|-" if "|" in style else ">-")) == ()


def test_a_handle_that_is_the_name() -> None:
    assert [item.code for item in problems_of("services: {'Desk ': {}}")] == ["blank-at-end"]
    assert [item.code for item in problems_of("services: {'Cafe\u0301': {}}")] == ["unnormalized-name"]


# --- surrogate pairs ---


@pytest.mark.parametrize(
    "attributes",
    [
        r'{a: "\ud83d\ude00"}',
        r'{a: "\uD83D\uDE00"}',
        r'{"a": "\uD83D\uDE00"}',
        r"""'{"a": "\ud83d\ude00"}'""",
        r'"{\"a\": \"\\ud83d\\ude00\"}"',
        '{a: "\\\n  \\ud83d\\ude00"}',
        "{a: 😀}",
        r'{a: "\U0001F600"}',
    ],
)
def test_a_surrogate_pair_is_one_character(attributes: str) -> None:
    text = f"services: {{s: {{users: {{u: {{attributes: {attributes}}}}}}}}}"
    assert content(text, "services.s.users.u", "attributes") == {"a": "😀"}


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        (r"""{a: "\ud83d\ude00", b: '\ud83d \uD83D'}""", r"\ud83d \uD83D"),
        (r"""{a: "\ud83d\ude00", b: \ude00x}""", r"\ude00x"),
        (r"""{a: "\ud83d\ude00", b: "\\ud83d \\\ud83d\ude00"}""", "\\ud83d \\😀"),
        ('{a: "\\ud83d\\ude00", b: "\ue03d"}', "\ue03d"),
        (r"""{a: "\ud83d\ude00", b: "\ue03d"}""", "\ue03d"),
        (r"""{a: "\ud83d\ude00", b: '\ue03d'}""", r"\ue03d"),
        ('{a: "\\ud83d\\ude00",\tb:\t"x"}', "x"),
    ],
)
def test_a_surrogate_pair_changes_no_other_value(attributes: str, expected: str) -> None:
    text = f"services: {{s: {{users: {{u: {{attributes: {attributes}}}}}}}}}"
    assert content(text, "services.s.users.u", "attributes") == {"a": "😀", "b": expected}


def test_a_surrogate_pair_in_keys_and_names_and_places_after_it() -> None:
    text = 'services: {"s\\ud83d\\ude00": {friendly_name: "\\ud83d\\ude00", usres: {}}}'
    assert told(text)[0].startswith('2:61 unknown-key: a service has no key "usres"')
    name = content(text.replace("usres", "users"), 'services["s😀"]', "friendly_name")
    assert name == "😀"


@pytest.mark.parametrize(
    "attributes",
    [
        r'{a: "\ud83d"}',
        r'{a: "\ude00\ud83d"}',
        r'{a: "\ud83d \ude00"}',
        r'{a: "\ud83d", b: "\ude00"}',
        r"""'{"a": "\ud83d"}'""",
        r'{"\ud83d": 1}',
    ],
)
def test_half_a_surrogate_pair_is_an_error_with_a_way_out(attributes: str) -> None:
    problems = problems_of(f"services: {{s: {{users: {{u: {{attributes: {attributes}}}}}}}}}", layout=LAYOUT)
    assert {item.severity for item in problems} == {"error"}
    assert all("\\ud83d\\ude00" in item.hint and "the character itself" in item.hint for item in problems)
    assert all("half" in item.message for item in problems)


def test_a_file_with_a_pair_and_a_mistake_reports_the_mistake() -> None:
    assert told('services: {s: {friendly_name: "\\ud83d\\ude00"}}\nb: [\n')[0].startswith("4:1 yaml-syntax:")


# --- names that look alike ---


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Desk", "desk"),
        ("Café", "Cafe\u0301"),
        ("Desk", "De\u200bsk"),
        ("Desk", "Desk "),
        ("a b", "a  b"),
        ("Desk", "Ｄesk"),
        ("straße", "STRASSE"),
        ("a b", "a\u00a0b"),
    ],
)
@pytest.mark.parametrize(
    "shape",
    [
        "services: {one: {friendly_name: %s}, other: {friendly_name: %s}}",
        "services: {s: {users: {one: {identity: %s}, other: {identity: %s}}}}",
        "services: {s: {conversations: {c: {participants: {one: {identity: %s}, other: {identity: %s}}}}}}",
        "credentials: {one: {type: fcm, friendly_name: %s}, other: {type: fcm, friendly_name: %s}}",
    ],
)
def test_two_names_that_look_alike(one: str, other: str, shape: str) -> None:
    problems = problems_of(shape % (json.dumps(one), json.dumps(other)), layout=LAYOUT)
    similar = [item for item in problems if item.code == "similar-names"]
    assert [(item.severity, item.message.split(" and ")[0].rsplit(".", 1)[-1]) for item in similar] == [
        ("warning", "other")
    ]
    assert [words for _, words in similar[0].related] == ["the other name is here"]


def test_names_that_do_not_clash() -> None:
    text = (
        "services: {a: {users: {x: {identity: Ada}}}, b: {users: {x: {identity: ada}}}, c: {users: {Ada: {}, Bob: {}}}}"
    )
    assert problems_of(text, layout=LAYOUT) == ()
    gone = "services: {a: {users: {Ada: {}, ada: {absent: true}}}}"
    assert problems_of(gone, layout=LAYOUT) == ()


# --- null ---

SECTIONS = [
    "account:",
    "services:",
    "addresses:",
    "credentials:",
    "templates:",
    "variables:",
    "environments:",
    "prune:",
    "limits:",
    "approvals:",
    "unmanaged:",
    "include:",
    "templates: {t: }",
    "environments: {e: {variables: , overlays: }}",
    "account: {configuration: , webhooks: }",
    "services: {s: }",
    "services: {s: {configuration: , notifications: , webhooks: , roles: , users: , conversations: }}",
    "services: {s: {prune: , template: }}",
    "services: {s: {lifecycle: , sensitive: }}",
    "services: {s: {notifications: {new_message: {with_media: }, added_to_conversation: }}}",
    "services: {s: {conversations: {c: {timers: , bindings: {email: }, webhooks: , participants: }}}}",
    "addresses: {'+14155550100': {auto_creation: }}",
]


@pytest.mark.parametrize("text", SECTIONS)
def test_null_on_a_mapping_is_an_empty_mapping(text: str) -> None:
    for written in (text, text.replace(": ,", ": null,").replace(": }", ": null}")):
        assert problems_of(written, layout=LAYOUT) == ()


def test_null_clears_a_field_or_is_an_error() -> None:
    """Every field of every kind, by the rules of the API (`Field.why_not_clearable`)."""
    cleared = {
        "account_webhook": {"filters", "pre_webhook_url", "post_webhook_url"},
        "service_configuration": {"reachability_enabled"},
        "service_notification": {
            "log_enabled", "new_message.enabled", "new_message.template", "new_message.sound",
            "new_message.badge_count_enabled", "new_message.with_media.enabled", "new_message.with_media.template",
            "added_to_conversation.enabled", "added_to_conversation.template", "added_to_conversation.sound",
            "removed_from_conversation.enabled", "removed_from_conversation.template",
            "removed_from_conversation.sound",
        },
        "service_webhook": {"filters", "pre_webhook_url", "post_webhook_url"},
        "user": {"friendly_name", "attributes"},
        "conversation": {"attributes"},
        "participant": {"attributes"},
        "address_configuration": {
            "friendly_name", "auto_creation.enabled", "auto_creation.webhook_url", "auto_creation.webhook_filters",
        },
        "credential": {"sandbox"},
    }  # fmt: skip
    assert {
        kind.name: {field.path for field in kind.fields if not field.why_not_clearable()}
        for kind in KINDS
        if any(not field.why_not_clearable() for field in kind.fields)
    } == cleared


@pytest.mark.parametrize(
    "field",
    [
        "services: {s: {webhooks: {post_webhook_url: %s}}}",
        "services: {s: {webhooks: {filters: %s}}}",
        "services: {s: {users: {u: {attributes: %s}}}}",
        "services: {s: {users: {u: {friendly_name: %s}}}}",
        "services: {s: {notifications: {log_enabled: %s}}}",
    ],
)
def test_a_field_whose_lines_are_commented_out_is_a_warning(field: str) -> None:
    assert [item.code for item in problems_of(field % "", layout=LAYOUT)] == ["empty-value"]
    for written in ("null", "~", "!!null ''"):
        assert problems_of(field % written, layout=LAYOUT) == ()


# --- what files of environment variables leave behind ---


@pytest.mark.parametrize("value", ["abc\n", "abc ", " abc", "a b", "abc\r", "a\tb"])
@pytest.mark.parametrize("url", [IN_QUERY, IN_PATH, IN_USER, IN_HOST, "'${secret:TOK}/x'"])
def test_a_blank_in_a_url_names_where_it_comes_from(value: str, url: str) -> None:
    (problem,) = problems_of(HOOK.format(url), {"TOK": value})
    end = " at its end" if value.strip() == value.rstrip() == "abc" and not value.startswith(" ") else ""
    assert (problem.severity, problem.code) == ("error", "malformed-url")
    assert problem.message == f"post_webhook_url: secret TOK contains a space or a line break{end}"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ('"abc"', "quoted-value"),
        ("'abc'", "quoted-value"),
        ("abc\n", "blank-at-end"),
        ("abc\r\n", "blank-at-end"),
        (" abc", "blank-at-end"),
        ("abc", ""),
        ('a"b', ""),
        ('"', ""),
    ],
)
def test_a_secret_with_what_is_around_it(value: str, code: str) -> None:
    text = "credentials: {c: {type: fcm, secret: '${secret:KEY}'}}"
    codes = [item.code for item in problems_of(text, {"KEY": value}, layout=LAYOUT)]
    assert [item for item in codes if item != "unusual-key"] == ([code] if code else [])


@pytest.mark.parametrize("name", ["{{ .Values.name }}", "Desk {{team}}", "$NAME", "%NAME%", "##TEAM##", "Desk $(TEAM)"])
def test_a_placeholder_in_a_name(name: str) -> None:
    assert [item.code for item in problems_of(SERVICE % json.dumps(name))] == ["unfilled-placeholder"]


@pytest.mark.parametrize("name", ["Desk [EU]", "Desk {EU}", "<Desk>", "A$AP", "100%", "__init__", "C##"])
def test_a_name_with_brackets(name: str) -> None:
    assert told(SERVICE % json.dumps(name)) == []


def test_a_password_that_breaks_its_url_is_not_shown() -> None:
    assert "hunter" not in str(problems_of(HOOK.format("'https://me:hunter#2@a.example/'")))
