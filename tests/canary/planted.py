"""A configuration of every kind with a canary in every place for secrets, and a search for canaries in any text.

Knows nothing of how the product redacts: it is the witness of `test_canary`.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from urllib.parse import quote, quote_plus, unquote_plus

from cryptography.hazmat.primitives.serialization import PrivateFormat

from reconciler.kinds import KINDS
from tests import pem

FRAGMENT = 8
AGES = ("", " before")
"""What the files say now, and what they said when the account was made."""


def canary(name: str) -> str:
    """A text that stands nowhere else, of letters that no digest, SID or number is made of."""
    digest = hashlib.sha256(name.encode()).digest()
    return "".join("ghjkmnpqrstvwxyz"[byte % 16] for byte in digest[:24])


def _number(name: str) -> str:
    return f"+49{int.from_bytes(hashlib.sha256(name.encode()).digest()[:5]) % 10**10:010}"


FIELDS = """\
version: 1
account:
  webhooks:
    target: webhook
    method: POST
    pre_webhook_url: https://ada:{{url_password}}@hooks.example.com/pre
    post_webhook_url: https://hooks.example.com/post?page=1&access_token={{url_token}}
services:
  support:
    friendly_name: ${secret:SERVICE_NAME}
    notifications:
      sensitive: [new_message.sound]
      log_enabled: true
      new_message:
        enabled: true
        template: "${secret:NEW_TEMPLATE}"
        sound: {{sensitive_sound}}
        with_media: {enabled: true, template: "${secret:MEDIA_TEMPLATE}"}
      added_to_conversation:
        enabled: true
        template: "${secret:ADDED_TEMPLATE}"
        sound: "${secret:ADDED_SOUND}"
      removed_from_conversation:
        enabled: true
        template: "${secret:REMOVED_TEMPLATE}"
        sound: "${secret:REMOVED_SOUND}"
    webhooks:
      method: POST
      filters: [onMessageAdd]
      pre_webhook_url: ${secret:WHOLE_URL}
      post_webhook_url: "https://hooks.example.com/${var:path}"
    roles:
      agent: {friendly_name: "${secret:ROLE_NAME}", type: conversation, permissions: [sendMessage]}
    configuration: {default_conversation_role: agent}
    users:
      ada:
        identity: "${secret:IDENTITY}"
        friendly_name: "${env:FRIENDLY_TOKEN}"
        attributes: {key: "${secret:USER_ATTRIBUTE}", pin: 12345}
    conversations:
      lounge:
        unique_name: "${secret:UNIQUE_NAME}"
        sensitive: [friendly_name]
        friendly_name: {{sensitive_name}}
        attributes: {deep: [{key: "a ${secret:TALK_ATTRIBUTE}"}]}
        bindings: {email: {address: "${secret:BINDING_ADDRESS}", name: "${secret:BINDING_NAME}"}}
        webhooks:
          crm: {target: webhook, url: "https://crm.example.com/?key=${secret:CRM_TOKEN}", filters: [onMessageAdded]}
          keyword: {target: trigger, url: "${secret:TRIGGER_URL}", triggers: ["${secret:TRIGGER_WORD}"]}
        participants:
          ada: {identity: "${secret:IDENTITY}", attributes: {key: "${secret:MEMBER_ATTRIBUTE}"}}
          guest:
            address: "${secret:GUEST_ADDRESS}"
            proxy_address: "${secret:PROXY_ADDRESS}"
          group: {identity: grace, projected_address: "${secret:PROJECTED_ADDRESS}"}
  sales:
    webhooks: {method: POST, filters: [onMessageAdd], pre_webhook_url: https://hooks.example.com/nothing/secret}
addresses:
  main:
    address: "${secret:MAIN_ADDRESS}"
    type: sms
    friendly_name: "${secret:LINE_NAME}"
    auto_creation: {enabled: true, type: webhook, service: support, webhook_url: "${secret:LINE_URL}"}
credentials:
  ios:
    type: apn
    friendly_name: "${secret:CREDENTIAL_NAME}"
    certificate: "${file:apn.pem}"
    private_key: "${secret:APN_KEY}"
  old: {type: gcm, api_key: "${secret:GCM_KEY}"}
  new: {type: fcm, secret: "${secret:FCM_KEY}"}
variables: {path: "${secret:WEBHOOK_PATH}"}
"""

_NUMBERS = frozenset({"GUEST_ADDRESS", "PROXY_ADDRESS", "PROJECTED_ADDRESS", "MAIN_ADDRESS"})
_URLS = frozenset({"WHOLE_URL", "TRIGGER_URL", "LINE_URL"})
_ODD = frozenset({"NEW_TEMPLATE", "USER_ATTRIBUTE", "TALK_ATTRIBUTE", "ADDED_TEMPLATE"})
UNCLEAN = " <\"&'/+|`%\n☃é"
"""What every medium spells in its own way, after the canary."""


@cache
def _pem() -> tuple[str, str]:
    now = datetime.now(UTC)
    key = pem.quick_key()
    certificate = pem.certificate_text(begins=now - timedelta(9), ends=now + timedelta(90), key=key)
    return certificate, pem.key_text(key)


def _value(name: str, own: str) -> str:
    if name in _NUMBERS:
        return _number(name)
    if name in _URLS:
        return f"https://hooks.example.com/{own}"
    if name == "BINDING_ADDRESS":
        return f"{own}@example.com"
    if name == "APN_KEY":
        return _pem()[1]
    if name == "FCM_KEY":
        account = {"type": "service_account", "project_id": "p", "client_email": f"a@{own}.example.com"}
        return json.dumps({**account, "private_key": pem.key_text(pem.quick_key(), PrivateFormat.PKCS8)})
    return own + UNCLEAN if name in _ODD else own


_RECOGNISING = _NUMBERS | {
    "SERVICE_NAME", "ROLE_NAME", "IDENTITY", "UNIQUE_NAME", "CREDENTIAL_NAME", "TRIGGER_URL", "TRIGGER_WORD",
    "CRM_TOKEN",
}  # fmt: skip
"""Variables that natural keys come from: another value is another resource."""


@cache
def environment(age: str = "") -> Mapping[str, str]:
    """The variables that the configuration asks for.

    Args:
        age: another word gives other values, but for what recognises a resource.
    """
    names = re.findall(r"\$\{(?:secret|env):(\w+)\}", FIELDS)
    return {name: _value(name, _own(name, age)) for name in names}


def _own(name: str, age: str) -> str:
    return canary(name if name in _RECOGNISING else name + age)


def files(age: str = "") -> dict[str, str]:
    """The configuration, ready to be written."""
    return {"reconciler.yaml": re.sub(r"\{\{(\w+)\}\}", lambda m: canary(m[1] + age), FIELDS), "apn.pem": _pem()[0]}


TOKEN = canary("auth token")
KEY_SECRET = canary("API secret")
CREDENTIALS = {
    "token": {"TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": TOKEN},
    "key": {
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "TWILIO_API_KEY": "SK" + "0" * 32,
        "TWILIO_API_SECRET": KEY_SECRET,
    },
}
LIVE = {
    "password": f"https://ada:{canary('live password')}@hooks.example.com/a",
    "user": f"https://{canary('live user')}@hooks.example.com/a",
    "token": f"https://hooks.example.com/a?token={canary('live token')}",
    "signature": f"https://hooks.example.com/a?x=1&sig={canary('live signature')}",
}
"""Live values with secrets in them, of which the files know nothing."""


@cache
def canaries() -> tuple[tuple[str, str], ...]:
    """Every canary with its name."""
    literal = [(name + age, canary(name + age)) for name in re.findall(r"\{\{(\w+)\}\}", FIELDS) for age in AGES]
    variables = [
        (name + age, part)
        for age in AGES
        for name, value in environment(age).items()
        if not (age and name in _RECOGNISING)
        for part in ([_own(name, age)] if _own(name, age) in value else _lines(value))
    ]
    live = [(f"live {name}", canary(f"live {name}")) for name in LIVE]
    return (
        *literal,
        *variables,
        *live,
        *(("certificate", line) for line in _lines(_pem()[0])),
        ("auth token", TOKEN),
        ("API secret", KEY_SECRET),
    )


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line and not line.startswith("-----")]


def _spellings(text: str) -> Iterator[str]:
    yield text
    yield quote(text, safe="")
    yield quote_plus(text)
    yield json.dumps(text)[1:-1]
    yield html.escape(text)
    yield text[::-1]
    for before in range(3):
        whole = base64.b64encode(b"\0" * before + text.encode()).decode().rstrip("=")
        inner = whole[4 if before else 0 : -2]
        yield inner
        yield inner.replace("+", "-").replace("/", "_")


@cache
def _fragments() -> Mapping[str, str]:
    """Every part of every spelling, in lower case, by the canary that it gives away."""
    return {
        spelling.lower()[start : start + FRAGMENT]: name
        for name, own in canaries()
        for spelling in _spellings(own)
        for start in range(len(spelling) - FRAGMENT + 1)
    }


def found_in(text: str) -> set[str]:
    """The names of the canaries of which a text holds any part, in any spelling, also across line breaks."""
    fragments = _fragments()
    # Few hexadecimal digits may be anything; as many as a whole canary has are one.
    found = {name for name, own in canaries() if own.encode().hex() in text.lower()}
    for form in {text, re.sub(r"\s+", "", text), unquote_plus(text), html.unescape(text)}:
        lower = form.lower()
        parts = {lower[start : start + FRAGMENT] for start in range(len(lower) - FRAGMENT + 1)}
        found.update(fragments[part] for part in parts & fragments.keys())
    return found


def planted_fields() -> set[tuple[str, str]]:
    """Kind and path of every field that takes free text."""
    shapes = {"text", "url", "json"}
    return {
        (kind.name, field.path)
        for kind in KINDS
        for field in kind.fields
        if field.shape.value in shapes and field.path != "address_country"
    }
