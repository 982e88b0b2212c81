"""Who asks and where: credentials from the environment or a profile, Twilio's hosts, other APIs."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconciler.api.client import ReadClient
from reconciler.api.credentials import Credentials, profiles_file
from reconciler.api.hosts import checked_url, is_loopback, twilio_url
from reconciler.errors import Refused, UsageError
from reconciler.report import Silent
from reconciler.workflow import Endpoint
from reconciler.workflow.connecting import connect
from tests.builders import ACCOUNT

CREDENTIALS = Credentials("SK1", "s3cret", ACCOUNT)

# --- who asks --------------------------------------------------------------------------------------------------------

TOKEN = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": "t0ken"}
KEY = {"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_API_KEY": "SK1", "TWILIO_API_SECRET": "s3cret"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        (TOKEN, Credentials(ACCOUNT, "t0ken", ACCOUNT)),
        (KEY, Credentials("SK1", "s3cret", ACCOUNT)),
        (TOKEN | KEY, Credentials("SK1", "s3cret", ACCOUNT)),
        (TOKEN | {"TWILIO_API_KEY": "SK1"}, Credentials(ACCOUNT, "t0ken", ACCOUNT)),
        (TOKEN | {"TWILIO_API_KEY": "", "TWILIO_API_SECRET": ""}, Credentials(ACCOUNT, "t0ken", ACCOUNT)),
    ],
)
def test_credentials_come_from_the_environment(environment: dict[str, str], expected: Credentials) -> None:
    assert Credentials.from_environment(environment) == expected


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        ({}, "set TWILIO_ACCOUNT_SID with"),
        ({"TWILIO_AUTH_TOKEN": "t0ken"}, "set TWILIO_ACCOUNT_SID with"),
        ({"TWILIO_ACCOUNT_SID": "", "TWILIO_AUTH_TOKEN": "t0ken"}, "set TWILIO_ACCOUNT_SID with"),
        ({"TWILIO_ACCOUNT_SID": "t0ken", "TWILIO_AUTH_TOKEN": ACCOUNT}, "AC and 32 hexadecimal digits"),
        ({"TWILIO_ACCOUNT_SID": f"{ACCOUNT}\n", "TWILIO_AUTH_TOKEN": "t0ken"}, "AC and 32 hexadecimal digits"),
        ({"TWILIO_ACCOUNT_SID": ACCOUNT}, "TWILIO_AUTH_TOKEN, are not"),
        ({"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_API_KEY": "SK1"}, "but TWILIO_API_SECRET is not"),
        ({"TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_API_SECRET": "s3cret"}, "TWILIO_AUTH_TOKEN"),
    ],
)
def test_missing_credentials_are_named_and_never_shown(environment: dict[str, str], missing: str) -> None:
    with pytest.raises(UsageError) as raised:
        Credentials.from_environment(environment)
    assert missing in str(raised.value)
    assert "t0ken" not in str(raised.value)
    assert "s3cret" not in str(raised.value)


def test_credentials_never_show_their_password() -> None:
    assert repr(CREDENTIALS) == str(CREDENTIALS) == "Credentials('SK1')"


def test_a_key_for_digests_needs_both_name_and_password() -> None:
    keys = {Credentials(*pair, ACCOUNT).digest_key() for pair in [("a", "b"), ("a", "c"), ("b", "b"), ("ab", "")]}
    assert len(keys) == 4
    assert Credentials("a", "b", ACCOUNT).digest_key() == Credentials("a", "b", "AC1").digest_key()


def profile(tmp_path: Path, content: Any, name: str = "work") -> tuple[Credentials, str, str]:
    file = tmp_path / "config.json"
    file.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return Credentials.from_profile(name, file)


WORK = {"accountSid": ACCOUNT, "apiKey": "SK1", "apiSecret": "s3cret"}


def test_a_profile_gives_credentials_region_and_edge(tmp_path: Path) -> None:
    content = {"profiles": {"work": {**WORK, "region": "ie1", "edge": "dublin"}, "home": {}}, "activeProject": "home"}
    assert profile(tmp_path, content) == (CREDENTIALS, "ie1", "dublin")


def test_a_profile_may_lack_region_and_edge(tmp_path: Path) -> None:
    assert profile(tmp_path, {"profiles": {"work": {**WORK, "region": None}}}) == (CREDENTIALS, "", "")


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"\xff", b"null", b"[]", b"5", b'"x"', b"[" * 100_000, {}, {"profiles": None}, {"profiles": []},
        {"profiles": "work"}, {"profiles": 5}, {"profiles": {}}, {"profiles": {"work": None}},
        {"profiles": {"work": []}}, {"profiles": {"work": {}}}, {"profiles": {"work": {**WORK, "apiSecret": ""}}},
        {"profiles": {"work": {**WORK, "accountSid": None}}}, {"profiles": {"home": WORK}},
        {"profiles": {"work": {**WORK, "accountSid": "AC1"}}}, {"profiles": {"work": {**WORK, "apiKey": 5}}},
        {"profiles": {"work": {**WORK, "apiSecret": ["s3cret"]}}}, {"profiles": {"work": {**WORK, "region": {}}}},
        {"profiles": {"work": {**WORK, "edge": True}}}, {"edge": 5, "profiles": {"work": WORK}},
        {"profiles": {"work": {**WORK, "apiSecret": "s3cret\n"}}}, {"projects": [{"id": "work"}]},
        {"projects": {"work": {}}}, {"projects": [None, "work", {"id": "home"}], "profiles": {}},
    ],
    ids=lambda content: repr(content)[:30],
)  # fmt: skip
def test_a_profile_that_is_none_is_told(tmp_path: Path, content: Any) -> None:
    with pytest.raises(UsageError) as raised:
        profile(tmp_path, content)
    assert str(raised.value).startswith(("--profile work: ", "apiSecret contains a character"))
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("own", "top", "expected"),
    [
        (None, "sydney", "sydney"),
        ("", "sydney", "sydney"),
        ("dublin", "sydney", "dublin"),
        ("dublin", None, "dublin"),
        (None, None, ""),
        (None, "", ""),
    ],
)
def test_a_profile_without_an_edge_takes_that_of_the_file(
    tmp_path: Path, own: str | None, top: str | None, expected: str
) -> None:
    content = {"edge": top, "profiles": {"work": {**WORK, "edge": own}}}
    assert profile(tmp_path, content) == (CREDENTIALS, "", expected)


def test_a_profile_of_an_old_twilio_cli_has_a_hint_of_its_own(tmp_path: Path) -> None:
    old = {"projects": [{"id": "work", "accountSid": ACCOUNT}], "profiles": {}}
    with pytest.raises(UsageError) as raised:
        profile(tmp_path, old)
    assert str(raised.value) == (
        f"--profile work: {tmp_path / 'config.json'} has this profile in the format of an old Twilio CLI, without its "
        "key; create it again: `twilio profiles:create --profile work`"
    )
    # One that was created again is used.
    assert profile(tmp_path, {**old, "profiles": {"work": WORK}})[0] == CREDENTIALS


def test_a_file_of_profiles_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + json.dumps({"profiles": {"work": WORK}}).encode()
    assert profile(tmp_path, content)[0] == CREDENTIALS


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.twilio-cli/config.json"),
        ({"HOME": "/home/ada", "TWILIO_CONFIG_DIR": ""}, "/home/ada/.twilio-cli/config.json"),
        ({"HOME": "/home/ada", "TWILIO_CONFIG_DIR": "/etc/twilio"}, "/etc/twilio/config.json"),
    ],
)
def test_where_the_profiles_are(environment: dict[str, str], expected: str) -> None:
    assert str(profiles_file(environment)) == expected


@pytest.mark.parametrize(
    ("environment", "own", "host"),
    [
        ({}, {"region": "ie1"}, "conversations.dublin.ie1.twilio.com"),
        ({"TWILIO_EDGE": "sydney"}, {"region": "ie1", "edge": "dublin"}, "conversations.sydney.ie1.twilio.com"),
        ({"TWILIO_EDGE": ""}, {"region": "ie1", "edge": "dublin"}, "conversations.dublin.ie1.twilio.com"),
        ({"TWILIO_EDGE": "sydney"}, {}, "conversations.sydney.us1.twilio.com"),
        ({"TWILIO_REGION": "au1"}, {}, "conversations.frankfurt.us1.twilio.com"),
    ],
)
def test_the_host_of_a_profile(tmp_path: Path, environment: dict[str, str], own: dict[str, str], host: str) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"edge": "frankfurt", "profiles": {"work": {**WORK, **own}}}))
    if not own.get("edge") and own.get("region"):
        (tmp_path / "config.json").write_text(json.dumps({"profiles": {"work": {**WORK, **own}}}))
    endpoint = Endpoint(profile="work", environment={**environment, "TWILIO_CONFIG_DIR": str(tmp_path)})

    async def base_url() -> str:
        async with connect(endpoint, ReadClient, Silent()) as client:
            return client._base_url

    assert asyncio.run(base_url()) == f"https://{host}"


def test_a_profile_that_does_not_exist_names_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"has no such profile\. Profiles: home, work"):
        profile(tmp_path, {"profiles": {"home": WORK, "work": WORK}}, "wrok")


def test_a_profile_without_its_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the file does not exist"):
        Credentials.from_profile("work", tmp_path / "nowhere.json")


# --- where -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("region", "edge", "expected"),
    [
        ("", "", "https://conversations.twilio.com"),
        ("ie1", "", "https://conversations.dublin.ie1.twilio.com"),
        ("IE1", "", "https://conversations.dublin.ie1.twilio.com"),
        ("au1", "", "https://conversations.sydney.au1.twilio.com"),
        ("br1", "", "https://conversations.sao-paulo.br1.twilio.com"),
        ("de1", "", "https://conversations.frankfurt.de1.twilio.com"),
        ("jp1", "", "https://conversations.tokyo.jp1.twilio.com"),
        ("jp2", "", "https://conversations.osaka.jp2.twilio.com"),
        ("sg1", "", "https://conversations.singapore.sg1.twilio.com"),
        ("us1", "", "https://conversations.ashburn.us1.twilio.com"),
        ("us2", "", "https://conversations.umatilla.us2.twilio.com"),
        ("xx9", "somewhere", "https://conversations.somewhere.xx9.twilio.com"),
        ("", "sydney", "https://conversations.sydney.us1.twilio.com"),
        ("au1", "sydney", "https://conversations.sydney.au1.twilio.com"),
    ],
)
def test_twilios_hosts(region: str, edge: str, expected: str) -> None:
    assert twilio_url(region, edge) == expected


@pytest.mark.parametrize(
    "label", ["evil.com/", "evil.com/#", "a.b", "us1 ", " ", "a@b", "a:80", "us1\n", "ü", "?", "/"]
)
def test_a_region_or_edge_never_leads_to_another_host(label: str) -> None:
    with pytest.raises(UsageError, match=r"invalid region .* in TWILIO_REGION: it must be a single word such as ie1"):
        twilio_url(label)
    with pytest.raises(UsageError, match=r"invalid edge .* in TWILIO_EDGE: it must be a single word such as dublin"):
        twilio_url("us1", label)


def test_an_unknown_region_needs_its_edge() -> None:
    with pytest.raises(UsageError) as raised:
        twilio_url("ie9")
    assert str(raised.value) == (
        "unknown region 'ie9' in TWILIO_REGION. Known regions: au1, br1, de1, ie1, jp1, jp2, sg1, us1, us2. For "
        "another region, also set TWILIO_EDGE"
    )


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://conversations.example.com", "https://conversations.example.com"),
        ("https://conversations.example.com/", "https://conversations.example.com"),
        ("https://conversations.example.com:8443/base/", "https://conversations.example.com:8443/base"),
        ("HTTPS://Example.com", "https://Example.com"),
        ("http://127.0.0.1:4010", "http://127.0.0.1:4010"),
        ("http://127.8.8.8", "http://127.8.8.8"),
        ("http://localhost:4010/", "http://localhost:4010"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://[::1]:4010", "http://[::1]:4010"),
    ],
)
def test_another_api_may_be_used(url: str, expected: str) -> None:
    assert checked_url(url) == expected


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://conversations.example.com", "unencrypted"),
        ("http://10.0.0.1:4010", "unencrypted"),
        ("http://0.0.0.0:4010", "unencrypted"),
        ("http://localhost.evil.example.com", "unencrypted"),
        ("http://127.0.0.1.evil.example.com", "unencrypted"),
        ("http://[::2]", "unencrypted"),
        ("http://127.1", "unencrypted"),
        ("https://ada:s3cret@example.com", "contains a user name or password"),
        ("https://ada@example.com", "contains a user name or password"),
        ("https://:s3cret@example.com", "contains a user name or password"),
        ("http://127.0.0.1\\@evil.example.com", "contains a user name or password"),
        ("ada:s3cret@example.com", "contains a user name or password"),
        ("ftp://example.com", "is not an http or https URL"),
        ("file:///etc/passwd", "is not an http or https URL"),
        ("127.0.0.1:4010", "is not an http or https URL"),
        ("https://", "is not an http or https URL"),
        ("", "is not an http or https URL"),
        ("https://[bad", "is not a valid URL"),
        ("https://example.com:99999", "is not a valid URL"),
        ("https://example.com:port", "is not a valid URL"),
        ("https://exa\x00mple.com", "is not a valid URL"),
        ("https://xn--\u00fc.example.com", "is not a valid URL"),
    ],
)
def test_an_api_that_may_not_be_used_is_told(url: str, why: str) -> None:
    with pytest.raises(UsageError, match=why) as raised:
        checked_url(url)
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://localhost", True),
        ("http://127.0.0.1", True),
        ("http://[::1]", True),
        ("http://example.com", False),
        ("", False),
    ],
)
def test_tells_this_machine(url: str, expected: bool) -> None:  # noqa: FBT001 - a table's column
    assert is_loopback(url) is expected


@pytest.mark.parametrize(
    ("base", "through_proxy"), [("http://127.0.0.1:4010", False), ("https://conversations.twilio.com", True)]
)
def test_a_proxy_of_the_environment_never_sees_credentials_in_the_clear(
    monkeypatch: pytest.MonkeyPatch,
    base: str,
    through_proxy: bool,  # noqa: FBT001 - a table's column
) -> None:
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "NO_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "no_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    client = ReadClient(base, CREDENTIALS)
    for pool in client._connections._pools:
        assert (pool._transport_for_url(httpx.URL(base)) is not pool._transport) is through_proxy


@pytest.mark.parametrize("stray", ["hush\n", "hush\r", " hush", "hu\tsh", "hüsh", "hush\udce9", "hush\x00"])
@pytest.mark.parametrize("name", ["TWILIO_AUTH_TOKEN", "TWILIO_API_SECRET"])
def test_a_credential_that_none_can_be_is_told_and_not_repeated(name: str, stray: str) -> None:
    given = {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_API_KEY": "SK1" if name.endswith("SECRET") else ""}
    with pytest.raises(UsageError) as caught:
        Credentials.from_environment({**given, name: stray})
    assert str(caught.value) == (
        f"{name} contains a character that no credential has (a space, a line break, or a non-ASCII character). "
        "Copy it again"
    )


def test_an_api_that_repeats_the_header_gives_nothing_of_the_key_away() -> None:
    credentials = Credentials("SK1", "hush-hush-hush", "AC" + "0" * 32)

    def repeat(request: httpx.Request) -> httpx.Response:
        return httpx.Response(401, json={"code": 20003, "message": f"no: {request.headers['Authorization']}"})

    async def run() -> None:
        transport = httpx.MockTransport(repeat)
        async with ReadClient("https://conversations.twilio.com", credentials, transport=transport) as client:
            await client.get("/v1/Configuration")

    with pytest.raises(Refused) as caught:
        asyncio.run(run())
    assert caught.value.refusal.message == "no: Basic (sensitive value)"
