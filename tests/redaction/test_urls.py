"""What of a URL is shown, part by part."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.redaction import Redaction
from reconciler.redaction.urls import (
    LONGEST,
    MASK,
    declared_url,
    hidden_parts,
    holds_random_part,
    live_url,
    named_url,
    shows_host,
    written_url,
)

TOKEN = "9f8e7d6c5b4a3210"


def declared(written: str, **secrets: str) -> str:
    """A URL in which each `{name}` is a secret."""
    parts: list[tuple[str, bool]] = []
    for number, piece in enumerate(written.replace("}", "{").split("{")):
        parts.append((secrets.get(piece, TOKEN), True) if number % 2 else (piece, False))
    return declared_url(parts)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("https://h.example.com/in?token={t}&v=1", "https://h.example.com/in?token=(sensitive)&v=1"),
        ("https://h.example.com/in?v={t}", "https://h.example.com/in?v=(sensitive)"),
        ("https://h.example.com/in?v=a{t}b", "https://h.example.com/in?v=a(sensitive)b"),
        ("https://h.example.com/in?{t}=1", "https://h.example.com/in?(sensitive)=(sensitive)"),
        ("https://h.example.com/in?token=literal&v=1", "https://h.example.com/in?token=(sensitive)&v=1"),
        ("https://h.example.com/in?Access_Token=literal", "https://h.example.com/in?Access_Token=(sensitive)"),
        ("https://h.example.com/in?%74oken=literal", "https://h.example.com/in?%74oken=(sensitive)"),
        ("https://h.example.com/in?token=a/b?c;d#e&v=1", "https://h.example.com/in?token=(sensitive)&v=1"),
        ("https://h.example.com/in?token=&v=1", "https://h.example.com/in?token=&v=1"),
        ("https://h.example.com/in#token=literal", "https://h.example.com/in#token=(sensitive)"),
        ("https://h.example.com/in#{t}", "https://h.example.com/in#(sensitive)"),
        ("https://h.example.com/a;token=literal/b", "https://h.example.com/a;token=(sensitive)"),
        ("https://ada:literal@h.example.com:8443/in", "https://(sensitive)@h.example.com:8443/in"),
        ("https://ada:{t}@h.example.com/in", "https://(sensitive)@h.example.com/in"),
        ("https://{t}@h.example.com/in", "https://(sensitive)@h.example.com/in"),
        ("https://a@b@h.example.com/in", "https://(sensitive)@h.example.com/in"),
        ("https://h.example.com/services/{t}", "https://h.example.com/services/(sensitive)"),
        ("https://h.example.com/{t}/in/{t}", "https://h.example.com/(sensitive)/in/(sensitive)"),
        ("https://{t}.example.com/in", "https://(sensitive).example.com/in"),
        ("https://{t}/in", "https://(sensitive)/in"),
        ("https://h.example.com:{t}/in", "https://h.example.com:(sensitive)/in"),
        ("https://[2001:db8::1]:8443/in?token={t}", "https://[2001:db8::1]:8443/in?token=(sensitive)"),
        (
            "https://h.example.com/go?to=https://ada:literal@x.example/",
            "https://h.example.com/go?to=https://(sensitive)/",
        ),
        ("HTTPS://H.example.com?token={t}", "HTTPS://H.example.com?token=(sensitive)"),
        ("https://h.example.com/?token={t}{t}", "https://h.example.com/?token=(sensitive)"),
        ("{t}", ""),
        ("{t}://h.example.com/", ""),
        ("ht{t}ps://h.example.com/", ""),
        ("h.example.com/in?token={t}", ""),
        ("https://ada:pass#word@h.example.com/", ""),
        ("https://ada:pass/word@h.example.com/", ""),
        ("https://evil.example\\@h.example.com/", "https://(sensitive)@h.example.com/"),
        ("https://h.example.com\\.evil.example/", ""),
        ("https:///in?token={t}", ""),
    ],
)
def test_secret_parts_of_a_declared_url_are_masked(written: str, shown: str) -> None:
    assert declared(written) == shown
    if "{t}" in written:
        # So it is when the secret is not set.
        assert written_url(written.replace("{t}", "${secret:T}")) == shown


@pytest.mark.parametrize(
    ("written", "secret", "shown"),
    [
        # A secret that ends the host or the login: the host is the one that requests go to.
        ("https://{t}.example.com/in", "evil.example/x", "https://(sensitive)/(sensitive).example.com/in"),
        ("https://h.example.com{t}", "/services/x", "https://h.example.com/(sensitive)"),
        ("https://h.example.com{t}", ".evil.example/x", "https://h.example.com(sensitive)/(sensitive)"),
        ("https://{t}h.example.com/in", "ada:pw@", "https://(sensitive)@h.example.com/in"),
        ("https://h.example.com{t}", "@evil.example/", "https://(sensitive)@(sensitive)/"),
        (
            "https://h.example.com/{t}&token=literal&v=1",
            "in?a=1",
            "https://h.example.com/(sensitive)&token=(sensitive)&v=1",
        ),
    ],
)
def test_a_secret_with_delimiters_does_not_pose_as_a_host(written: str, secret: str, shown: str) -> None:
    assert declared(written, t=secret) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://h.example.com/support/on-message/v1", "https://h.example.com/support/on-message/v1"),
        ("https://h.example.com/twilioToCrm", "https://h.example.com/twilioToCrm"),
        (
            "https://h.example.com/AC0123456789abcdef0123456789abcdef/",
            "https://h.example.com/AC0123456789abcdef0123456789abcdef/",
        ),
        (f"https://h.example.com/services/{TOKEN}/in", "https://h.example.com/services/(sensitive)/in"),
        ("https://h.example.com/T00AB12CD/xkcdqwrtzp", "https://h.example.com/(sensitive)/(sensitive)"),
        ("https://h.example.com/7f1b8a0e-58b2-4a52-9d0d-3d1c6f1d9a55", "https://h.example.com/(sensitive)"),
        ("https://h.example.com/in?v=1&w=2", "https://h.example.com/in?v=1&w=(sensitive)"),
        ("https://h.example.com/in?v=2", "https://h.example.com/in?v=(sensitive)"),
        (f"https://h.example.com/in?{TOKEN}", "https://h.example.com/in?(sensitive)"),
        (f"https://h.example.com/in?{TOKEN}={TOKEN}", "https://h.example.com/in?(sensitive)=(sensitive)"),
        ("https://h.example.com/in#top", "https://h.example.com/in#(sensitive)"),
        ("https://ada:pw@other.example.com:8443/in", "https://(sensitive)@other.example.com:8443/in"),
        ("https://h.example.com/in?token=x/y&v=1", "https://h.example.com/in?token=(sensitive)&v=1"),
        ("https://h.example.com/Rare123Segment456", "https://h.example.com/Rare123Segment456"),
    ],
)
def test_a_live_url_shows_its_host_and_what_the_configuration_has_too(url: str, shown: str) -> None:
    assert live_url(url, "https://declared.example.com/Rare123Segment456?v=1&token=(sensitive)") == shown


def test_what_a_configuration_looks_up_is_shown_by_name_where_nothing_is_set() -> None:
    written = "https://ada:literal@${env:HOST}/${secret:PATH}?token=${secret:T}&v=${var:v}"
    assert named_url(written) == "https://(sensitive)@${env:HOST}/${secret:PATH}?token=(sensitive)&v=${var:v}"
    assert named_url("https://h.example.com/\ue000") == ""
    assert named_url("https://${env:HOST:-ada:literal@h}/?token=x") == ""


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (f"https://h.example.com/{TOKEN}", True),
        ("https://hooks.example.com/services/T00AB12CD/XkQ83hdk29dkEl28", True),
        ("https://h.example.com/AC0123456789abcdef0123456789abcdef", False),
        ("https://h.example.com/common0123456789abc", False),
        ("https://h.example.com/support/on-message-added/long-but-words", False),
        (f"https://h.example.com/?v={TOKEN}", True),
        (f"https://h.example.com/?v=1&{TOKEN}", True),
        (f"https://h.example.com/x#{TOKEN}", True),
        ("https://h.example.com/?v=common0123456789abc&team=support", False),
        ("https://h.example.com/?sid=AC0123456789abcdef0123456789abcdef", False),
    ],
)
def test_a_long_random_part_may_be_a_token(url: str, expected: bool) -> None:  # noqa: FBT001 - a literal
    declared = "https://h.example.com/common0123456789abc?v=common0123456789abc"
    assert holds_random_part(url, declared) is expected


JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
TOKENS = (
    JWT,
    "Q2xhc3NpY0tleQ1234567890abcdefghij%3D%3D",
    "Q2xhc3NpY0tleQ1234567890abcdefghij%253D%253D",
    "Q2xhc3NpY0tl%2FQ1234567890abcdefghij%3D%3D",
    "Ab3dE9xZ%2Bq7Rt2LmN5%2f0pWsKv8%3D%3D",
    "Ab3dE9xZ+q7Rt2LmN5",
    "Ab3dE9x%2Bq7Rt2LmN",
    "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",
    "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs",
    "Ab3dE9xZ.q7Rt2LmN5.0pWsKv8x",
    "v1.9f8e7d6c5b4a3210ffee",
    "team.9f8e7d6c5b4a3210ffee.support",
    "xKqPzRtYwLmNbVcDfGhJkSaQ",
    "TqXvRbnzHcpWmKdfLgsJyQxZ",
    "ghjkmnpqrstvwxyzghjkmnpq",
)
"""Tokens that may be a segment, parameter, or fragment."""
TOKENS_WITH_SLASHES = (
    "Q2xhc3NpY0tl/Q1234567890abcdefghij==",
    "Ab3dE9xZ+q7Rt2LmN5/0pWsKv8==",
    "Ab3dE9x/q7Rt2LmN/0pWsKv8==",
    f"https://x.example.com/in?t={JWT}",
    "https%3A%2F%2Fx.example.com%2Fsome%2Fvery%2Flong%2Fordinary%2Fpath%2F9f8e7d6c5b4a3210ffee",
)


@pytest.mark.parametrize(
    ("before", "token", "after"),
    [
        *((before, token, "") for before in ("/in?code=", "/in?v=1&code=", "/in#") for token in TOKENS_WITH_SLASHES),
        *((before, token, "") for before in ("/in?code=", "/in?v=1&", "/in#", "/in#t=", "/") for token in TOKENS),
        *(("/services/T00AB12CD/B00AB12CD/", token, "/in?v=1") for token in TOKENS),
    ],
)
def test_a_token_of_a_live_url_is_recognized_and_masked(before: str, token: str, after: str) -> None:
    url = f"https://h.example.com{before}{token}{after}"
    assert holds_random_part(url, "https://h.example.com/in?v=1")
    assert not holds_random_part(url, url)
    shown = live_url(url, "https://h.example.com/in?v=1")
    assert shown.startswith("https://h.example.com/")
    assert MASK in shown
    assert not any(part in shown for part in (token, *re.findall(r"\w*[0-9]\w{6,}", token)))


@pytest.mark.parametrize(
    "value",
    [
        "docs/v1/on-message-added",
        "docs%2Fv1%2Fon-message-added%2Findex.html",
        "jquery-3.6.0.min.js",
        "2024_annual_report_final_v2.pdf",
        "app.3f9a8b7c.js",
        "https%3A%2F%2Fapp.example.com%2Fteam%2Fsupport%2Finbox%3Fview%3Dall",
        "my-app-3f9a8b7c6d.vercel.app",
        "d111111abcdef8.cloudfront.net",
        "abc123def456.ngrok-free.app",
        "ec2-12-34-56-78.eu-west-1.compute.amazonaws.com",
        "fn.prod1.eu-west.azurewebsites.net",
        "2024-01-01T00:00:00.000Z",
        "2024-01-01T00%3A00%3A00.000%2B02%3A00",
        "1.2.3-beta.4+build.20240101",
        "Hello+World+this+is+ticket+42",
        "Hello%20World%20this%20is%20ticket%2042",
        "Gr%C3%BC%C3%9Fe%20aus%20K%C3%B6ln%2C%20%C3%96sterreich",
        "ada.lovelace1815@example.com",
        "ada.lovelace1815%40example.com",
        "%2B4915112345678901",
        "America/Argentina/Buenos_Aires",
        "application/json;charset=utf-8",
        "conversations.message.added",
        "onMessageAddedHandlerForSupport",
        "conversationmessagereceiver",
        "crm.AC0123456789abcdef0123456789abcdef.events",
        "AC0123456789abcdef0123456789abcdef/FW0123456789abcdef0123456789abcdef",
        "Ab3dE9xZ+q7Rt2",
    ],
)
@pytest.mark.parametrize("before", ["/in?v=", "/in?v=1&", "/in#", "/"])
def test_an_ordinary_value_of_a_live_url_stays_visible(before: str, value: str) -> None:
    assert not holds_random_part(f"https://h.example.com{before}{value}", "https://h.example.com/in?v=1")
    assert not holds_random_part(f"https://{TOKEN}.example.com/", "")


def test_a_token_that_the_configuration_has_in_another_place_is_no_token() -> None:
    assert not holds_random_part(f"https://h/in?t={JWT}&v=2", f"https://h/in?v=1&t={JWT}")
    assert holds_random_part(f"https://h/in?t={JWT}A&v=2", f"https://h/in?v=1&t={JWT}")


@given(
    st.binary(min_size=24, max_size=64),
    st.sampled_from([base64.b64encode, base64.urlsafe_b64encode]),
    st.integers(0, 2),
    st.sampled_from(["/in?code=", "/in?code=x:", "/in#", "/in?"]),
)
def test_base64_in_a_parameter_or_fragment_is_a_token(
    data: bytes, encode: Callable[[bytes], bytes], times: int, before: str
) -> None:
    token = encode(hashlib.sha512(data).digest()[: len(data)]).decode()
    for _ in range(times):
        token = quote(token, safe="")
    url = f"https://h.example.com{before}{token}"
    assert holds_random_part(url)
    assert live_url(url).startswith("https://h.example.com/in")
    assert token not in live_url(url)


@pytest.mark.parametrize(
    ("masked", "expected"),
    [
        ("https://h.example.com/(sensitive)", True),
        ("https://(sensitive)@h.example.com/", True),
        ("https://(sensitive).example.com/", False),
        ("", False),
    ],
)
def test_whether_a_host_is_shown(masked: str, expected: bool) -> None:  # noqa: FBT001 - a literal
    assert shows_host(masked) is expected


def test_a_masked_url_is_of_bounded_length() -> None:
    assert len(declared(f"https://h.example.com/{'a' * 5000}?token={{t}}")) == LONGEST + 1
    assert len(live_url(f"https://h.example.com/{'a/' * 5000}")) == LONGEST + 1


literals = st.text(alphabet="ab./?&=#:@;%-", max_size=12)
secrets = st.text(alphabet="XYZ/?&=#:@;%.", min_size=1, max_size=12)
urls = st.lists(st.tuples(literals, st.just(False)) | st.tuples(secrets, st.just(True)), max_size=8)


@given(urls)
def test_no_part_of_a_secret_is_shown(parts: list[tuple[str, bool]]) -> None:
    shown = declared_url([("https://h.example", False), *parts])
    assert not {*"XYZ"} & {*shown}
    written = "".join("${secret:S}" if is_secret else text for text, is_secret in parts)
    assert "S" not in written_url(f"https://h.example{written}").replace(MASK, "")


@given(
    st.lists(st.tuples(st.sampled_from(["token", "x", "sig"]), st.text(alphabet="QRS/?#;=", max_size=8)), max_size=4)
)
def test_no_parameter_of_a_live_url_is_shown(pairs: list[tuple[str, Any]]) -> None:
    query = "&".join(f"{name}={value}" for name, value in pairs)
    shown = live_url(f"https://ada:QRS@h.example/in?{query}", "https://h.example/other?y=1")
    assert not {*"QRS"} & {*shown.replace(MASK, "")}


@pytest.mark.parametrize(
    ("url", "shown", "hidden"),
    [
        ("https://h.example.com/in", "https://h.example.com/in", ()),
        ("https://h.example.com/in", "", ("https://h.example.com/in",)),
        ("hunter22", "", ("hunter22",)),
        ("https://h.example.com/in?token=x1", "https://h.example.com/in?token=(sensitive)", ("x1",)),
        ("https://h/in?token=x1&v=1", "https://h/in?token=(sensitive)&v=1", ("x1",)),
        ("https://h/in?mode=live", "https://h/in?mode=(sensitive)", ("mode=live",)),
        ("https://h/in?live", "https://h/in?(sensitive)", ("?live",)),
        ("https://h/in?mode=lively-mode", "https://h/in?mode=(sensitive)", ("lively-mode",)),
        ("https://h/a1b2c/in/d3e4f", "https://h/(sensitive)/in/(sensitive)", ("a1b2c", "d3e4f")),
        ("https://ada:pw@h/in", "https://(sensitive)@h/in", ("ada:pw", "pw")),
        ("https://a@h@h", "https://(sensitive)@h", ("a@h",)),
        ("https://x.example/in", "https://(sensitive).example/in", ("x",)),
        ("https://h/in", "https://other/(sensitive)", ("https://h/in",)),
        ("https://h/in", "https://h/(sensitive)/in", ("https://h/in",)),
        ("https://h/in", "https://h/out", ("https://h/in",)),
    ],
)
def test_only_the_masked_parts_are_secret_elsewhere(url: str, shown: str, hidden: tuple[str, ...]) -> None:
    assert hidden_parts(url, shown) == hidden


def test_what_follows_the_shown_part_of_a_long_url_is_secret_elsewhere() -> None:
    path = "a/" * 600
    url = f"https://h.example.com/{path}?token=hunter22"
    assert hidden_parts(url, live_url(url)) == (url.removeprefix(live_url(url).removesuffix("…")),)


@given(urls)
def test_every_part_of_a_secret_is_secret_elsewhere(parts: list[tuple[str, bool]]) -> None:
    url = "".join(["https://h.example", *(text for text, _ in parts)])
    hidden = hidden_parts(url, declared_url([("https://h.example", False), *parts]))
    for word in {word for text, is_secret in parts if is_secret for word in re.split(r"[^XYZ]+", text)}:
        assert any(word in text for text in hidden)


@given(st.lists(st.tuples(st.sampled_from(["token", "x", "sig"]), st.text(alphabet="QRS", max_size=12)), max_size=4))
def test_a_live_parameter_is_hidden_elsewhere_and_the_host_is_not(pairs: list[tuple[str, str]]) -> None:
    url = "https://ada:QRSQRS@h.example.com/in?" + "&".join(f"{name}={value}" for name, value in pairs)
    redact = Redaction(hidden_parts(url, live_url(url)))
    assert redact("https://w.example.com/in, bob@h.example.com") == "https://w.example.com/in, bob@h.example.com"
    assert not {*"QRS"} & {*redact(url)}
    for name, value in pairs:
        assert not value or redact(value) != value or (name == "x" and len(value) < 8)
