"""The proxy that the environment selects for a host, and the hosts that NO_PROXY exempts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.client import Client
from reconciler.api.credentials import Credentials
from reconciler.api.proxies import is_exempt, proxy_for
from reconciler.errors import UsageError
from tests.builders import ACCOUNT

TWILIO = "https://conversations.twilio.com"
CREDENTIALS = Credentials("SK1", "s3cret", ACCOUNT)
FORM = (
    "Use the form http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, and percent-encode special characters of the "
    "user name and password"
)
VARIABLES = [f"{name}_PROXY" for name in ("HTTP", "HTTPS", "ALL", "NO")]


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*VARIABLES, *map(str.lower, VARIABLES)):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://user:pr0xy@127.0.0.1:99999", "its host or port is invalid"),
        ("http://user:pr0xy@127.0.0.1:-1", "its host or port is invalid"),
        ("http://user:pr0xy@127.0.0.1:abc", "its host or port is invalid"),
        ("http://user:pr0xy#x@127.0.0.1:80", "its host or port is invalid"),
        ("http://user:pr0xy@[::1:80", "its host or port is invalid"),
        ("http://user:pr0xy@127.0.0.1:0", "its port must be between 1 and 65535"),
        ("http://user:pr0xy@:8080", "it has no valid host"),
        ("http://user:pr0xy@a b:1", "it has no valid host"),
        ("http://user:pr0xy@a%20b:1", "it has no valid host"),
        ("user:pr0xy@:1", "it has no valid host"),
        ("ftp://user:pr0xy@127.0.0.1:1", "its URL is invalid"),
        ("http://user:pr0xy@xn--\u00fc.example.com:1", "its URL is invalid"),
        ("socks5://user:pr0xy@127.0.0.1:1", "only http:// and https:// are supported"),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
def test_a_proxy_that_cannot_be_used_is_an_error_that_names_the_variable_and_repeats_no_part_of_it(
    name: str, url: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(UsageError) as raised:
        Client(TWILIO, CREDENTIALS)
    assert str(raised.value) == f"the proxy in {name} cannot be used: {why}. {FORM}"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"HTTPS_PROXY": "http://p:1"}, ("http://p:1", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "p:1"}, ("http://p:1", "HTTPS_PROXY")),
        ({"HTTPS_PROXY": "http://p:1", "https_proxy": "http://q:1"}, ("http://q:1", "https_proxy")),
        ({"ALL_PROXY": "http://a:1", "HTTPS_PROXY": "http://p"}, ("http://p", "HTTPS_PROXY")),
        ({"ALL_PROXY": "http://a:1", "HTTP_PROXY": "http://p:99999"}, ("http://a:1", "ALL_PROXY")),
        ({"ALL_PROXY": "http://[::1]:1"}, ("http://[::1]:1", "ALL_PROXY")),
        ({"HTTP_PROXY": "http://p:1"}, None),
        ({"HTTPS_PROXY": ""}, None),
        ({"HTTPS_PROXY": "http://p:99999", "NO_PROXY": ".twilio.com"}, None),
        ({"HTTPS_PROXY": "http://p:1", "NO_PROXY": "example.com"}, ("http://p:1", "HTTPS_PROXY")),
    ],
)
def test_the_most_specific_variable_selects_the_proxy(
    variables: dict[str, str], expected: tuple[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = proxy_for(TWILIO)
    assert (None if found is None else (found.url, found.variable)) == expected


@pytest.mark.parametrize(
    "no_proxy",
    [
        *("fe80::/10", "fd00::/8,localhost", "[::1]", "[fe80::]/10", "[::1]:443", "::1", "10.0.0.0/8", "1.2.3.4/99"),
        *(
            "[",
            "]",
            "[[::1]]",
            "a b",
            "http://[",
            "*.*",
            ":",
            "://",
            "%",
            "fe80::1%eth0",
            "x:99999999",
            "x:" + "9" * 5_000,
            "\u00fc",
        ),
    ],
)
def test_no_entry_of_no_proxy_refuses_a_command(no_proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", no_proxy)
    Client(TWILIO, CREDENTIALS)
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    found = proxy_for(TWILIO)
    assert found is not None


@given(
    st.text(alphabet="[]:/*.,%@ 0123456789abcdfx-\u00fc"),
    st.sampled_from([TWILIO, "https://[::1]:1", "https://10.0.0.1"]),
)
def test_any_text_is_a_valid_no_proxy(no_proxy: str, url: str) -> None:
    assert is_exempt(url, no_proxy) in {True, False}


@pytest.mark.parametrize(
    ("no_proxy", "url", "expected"),
    [
        ("*", TWILIO, True),
        ("a,*", TWILIO, True),
        ("twilio.com", TWILIO, True),
        ("TWILIO.com.", TWILIO, True),
        (".twilio.com", TWILIO, True),
        ("*.twilio.com", TWILIO, True),
        ("conversations.twilio.com", TWILIO, True),
        (".conversations.twilio.com", TWILIO, True),
        ("lio.com", TWILIO, False),
        ("studio.twilio.com", TWILIO, False),
        ("localhost, twilio.com", TWILIO, True),
        ("localhost twilio.com", TWILIO, True),
        ("conversations.twilio.com:443", TWILIO, True),
        ("conversations.twilio.com:444", TWILIO, False),
        ("https://conversations.twilio.com", TWILIO, True),
        ("http://conversations.twilio.com", TWILIO, False),
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.1/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("10.1.2.3", "https://10.1.2.3", True),
        ("10.1.2.3:443", "https://10.1.2.3", True),
        ("2.3", "https://10.1.2.3", False),
        ("::/0", "https://10.1.2.3", False),
        ("fd00::/8", "https://[fd12::1]", True),
        ("[fd00::]/8", "https://[fd12::1]", True),
        ("fe80::/10", "https://[fd12::1]", False),
        ("[::1]", "https://[::1]:8443", True),
        ("0:0:0:0:0:0:0:1", "https://[::1]:8443", True),
        ("[::1]:8443", "https://[::1]:8443", True),
        ("[::1]:443", "https://[::1]:8443", False),
        ("", TWILIO, False),
    ],
)
def test_no_proxy_exempts_names_addresses_and_ranges(no_proxy: str, url: str, *, expected: bool) -> None:
    assert is_exempt(url, no_proxy) is expected
