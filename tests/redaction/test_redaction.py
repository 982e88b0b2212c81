"""Which names and URLs tell of a secret, and secrets taken out of words that are not ours."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, quote_plus, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.redaction import (
    HIDDEN,
    Redaction,
    line_holds_secret,
    literal_holds_secret,
    may_be_secret,
    texts_of,
    url_holds_secret,
)

SECRET = 'Kq7/x+Zt "9&\n<Lm3Vw8R'


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("HOOK_TOKEN", True),
        ("client-secret", True),
        ("PGPASSWORD", True),
        ("privateKey", True),
        ("APIKEY", True),
        ("host", False),
        ("TWILIO_REGION", False),
    ],
)
def test_a_name_tells_of_a_secret(name: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert may_be_secret(name) is expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://ada:pw@host/", True),
        ("https://ada:@host/", True),
        ("https://key@host/", True),
        ("https://host/?access_token=x", True),
        ("https://host/?a=1&sig=x", True),
        ("https://host/#token=x", True),
        ("https://[x@=", True),
        ("ada:pw@host", True),
        ("https://host/?a=1&design=x&author=y", False),
        ("https://host/?token=", False),
        ("https://host/@ada?to=ada@example.com", False),
        ("https://host/", False),
        ("", False),
    ],
)
def test_a_url_tells_of_a_secret(url: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert url_holds_secret(url) is expected


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("api_key: abc", True),
        ("-----BEGIN CERTIFICATE-----", True),
        ("  MIIB: -----END", True),
        (f"x: {'aB3+/_-=' * 5}", True),
        (f"x: {('aB3+/_-=' * 5)[:39]}", False),
        ("url: https://ada:pw@host/", True),
        ("url: https://host/?a=1, other: https://host/?sig=x", True),
        ("url: https://host/?a=1", False),
        ("desk@example.com: {n: a=b}", False),
        ("url: https://host/${secret:TOKEN}", False),
        ("url: ${env:API_KEY}", False),
        ("url: ${API_KEY}", True),
        ("friendly_name: Support", False),
        ("", False),
    ],
)
def test_a_line_that_nobody_can_read_tells_of_a_secret(line: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert line_holds_secret(line) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://ada:pw@host/", True),
        ("https://host/?token=x", True),
        ("https://host/?token=${secret:TOKEN}", False),
        ("https://host/", False),
        ("ada:pw@host", False),
        ("desk@example.com", False),
    ],
)
def test_a_literal_url_tells_of_a_secret(text: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert literal_holds_secret(text) is expected


def test_of_a_secret_eight_characters_in_a_row_are_hidden_and_seven_are_not() -> None:
    hide = Redaction(["abcdefghijkl"])
    assert hide("x bcdefghi y") == f"x {HIDDEN} y"
    assert hide("x bcdefgh y") == "x bcdefgh y"
    assert hide("cdefghij") == HIDDEN


def test_a_short_secret_is_hidden_wherever_it_stands_and_one_mark_is_enough_for_neighbours() -> None:
    assert Redaction(["abab"])("x ababab y abab") == f"x {HIDDEN} y {HIDDEN}"
    assert Redaction(["ab"])("") == ""


@pytest.mark.parametrize(
    "told",
    [
        SECRET,
        SECRET.upper(),
        SECRET.lower(),
        quote(SECRET, safe=""),
        quote(SECRET, safe="").lower(),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        html.escape(SECRET),
        quote(SECRET, safe="!'()*"),
        quote(SECRET, safe="!$&'()*+,;=:@"),
        quote(SECRET, safe="!$&'()*+,;=:@/?"),
        quote(SECRET, safe="/"),
    ],
)
def test_a_secret_is_taken_out_in_every_spelling(told: str) -> None:
    assert Redaction([SECRET])(f"no '{told}' here") == f"no '{HIDDEN}' here"


@pytest.mark.parametrize("before", ["", "a", "ab", "abc", "user:"])
def test_nothing_of_a_secret_is_left_in_base64(before: str) -> None:
    told = base64.b64encode(f"{before}{SECRET}!".encode()).decode()
    left = Redaction([SECRET])(told).replace(HIDDEN, "")
    # What stands beside the secret decides the characters at its ends.
    assert len(left) <= len(before) * 4 // 3 + 10
    assert base64.b64encode(SECRET.encode()).decode()[4:-4] not in left


def test_a_part_of_a_secret_is_taken_out_and_what_is_too_short_to_tell_stays() -> None:
    redact = Redaction(["correct horse battery"])
    assert redact("'correct h…' is no key") == f"'{HIDDEN}…' is no key"
    assert redact("a horse is no key") == "a horse is no key"


def test_a_short_secret_is_taken_out_whole() -> None:
    assert Redaction(["hunter2"])("HUNTER2 or hunter22, not hunter") == f"{HIDDEN} or {HIDDEN}2, not hunter"


def test_the_scheme_of_a_url_is_no_part_of_its_secret() -> None:
    redact = Redaction(["https://hooks.example.com/?token=abc"])
    assert redact("see https://www.twilio.com/docs") == "see https://www.twilio.com/docs"


def test_secrets_are_added_and_none_changes_nothing() -> None:
    assert Redaction(["first one"]).joined(["second one"])("first one, second one") == f"{HIDDEN}, {HIDDEN}"
    assert Redaction([""])("as it is") == "as it is"
    assert repr(Redaction(["first one"])) == "Redaction(of 1)"


def test_the_texts_of_a_content_are_all_of_them() -> None:
    content = {"a": ["b", ("c", {"d": 1234, "e": 123}), None, True, 1.5e300]}
    assert sorted(texts_of(content)) == ["1.5e+300", "1234", "a", "b", "c", "d", "e"]


@given(st.text(min_size=8, max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_no_longer_part_is_ever_left(secret: str, before: str, after: str) -> None:
    told = Redaction([secret])(before + secret + after)
    parts = {secret[start : start + 8] for start in range(len(secret) - 7)}
    left = told.split(HIDDEN)
    assert not any(part in piece for part in parts for piece in left) or secret.lower().startswith("http")


@pytest.mark.parametrize(
    ("secret", "text", "expected"),
    [
        ("a", "Invalid parameter 'a': must be an integer", f"Invalid parameter '{HIDDEN}': must be an integer"),
        ("42", "HTTP 422, error 20422: 42 is not ok: a=42", f"HTTP 422, error 20422: {HIDDEN} is not ok: a={HIDDEN}"),
        ("x", "x", HIDDEN),
        ("four", "fourteen", f"{HIDDEN}teen"),
    ],
)
def test_a_secret_of_few_letters_is_taken_out_only_where_it_stands_by_itself(
    secret: str, text: str, expected: str
) -> None:
    assert Redaction([secret])(text) == expected


ENCODED = "c0rrect%2Fh0rse%40b%21+%3Cx"


@pytest.mark.parametrize("secret", [ENCODED, quote(ENCODED), ENCODED.lower()])
@pytest.mark.parametrize(
    "told",
    [
        "c0rrect/h0rse@b!+<x",
        "c0rrect/h0rse@b! <x",
        "C0RRECT/H0RSE@B!+<X",
        "c0rrect%2Fh0rse%40b%21+%3Cx",
        "c0rrect%2fh0rse@b!+%3Cx",
        "c0rrect/h0rse@b!%20%3Cx",
        "c0rrect%2Fh0rse%40b!%2B%3Cx",
        "c0rrect/h0rse@b!+&lt;x",
    ],
)
def test_a_secret_that_is_set_encoded_is_taken_out_where_it_is_decoded(secret: str, told: str) -> None:
    assert Redaction([secret])(f"no '{told}' here") == f"no '{HIDDEN}' here"


def test_a_secret_that_is_set_encoded_is_taken_out_of_base64() -> None:
    told = base64.b64encode(b"joe:c0rrect/h0rse@b!+<x").decode()
    assert Redaction([ENCODED])(told) == f"am9lOmMw{HIDDEN}PHg="


def test_what_a_secret_stands_for_is_taken_out_when_it_is_as_long_as_the_shortest_part() -> None:
    text = "a/b and 4 spaces    and a/b/"
    assert Redaction(["a%2Fb%2F"])(text) == f"a/b and 4 spaces    and {HIDDEN}"
    assert Redaction(["a%2Fb"])(text) == text
    assert Redaction(["%20%20%20%20%20%20%20%20"])(text) == text
    assert Redaction(["+++++"])("in a     table") == "in a     table"


parts_of_urls = st.text(alphabet="abcXYZ019/@:!+ ?&=#%~'é☃", min_size=8, max_size=40)


@given(parts_of_urls, st.integers(1, 2), st.booleans())
def test_no_part_of_what_an_encoded_secret_stands_for_is_left(plain: str, times: int, plus: bool) -> None:  # noqa: FBT001
    secret = quote_plus(plain) if plus else quote(plain, safe="")
    if times == 2:
        secret = quote(secret, safe="")
    redact = Redaction([secret])
    for told in (plain, unquote(secret), unquote(unquote(secret)), quote(plain), html.escape(plain), secret):
        left = redact(f"<{told}>").split(HIDDEN)
        parts = {told[start : start + 8] for start in range(len(told) - 7)}
        assert len(plain.strip()) < 4 or not any(part in piece for part in parts for piece in left)
