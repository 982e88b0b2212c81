"""Base URLs: Twilio's host for a region and an edge, and the check of a URL given with `--api-url`.

Takes names and URLs; returns URLs that credentials may be sent to. Sends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from urllib.parse import urlsplit

import httpx

from reconciler.errors import UsageError

TWILIO_HOST = "conversations.twilio.com"
"""Source: the OpenAPI description, servers."""
EDGES: Mapping[str, str] = {
    "au1": "sydney",
    "br1": "sao-paulo",
    "de1": "frankfurt",
    "ie1": "dublin",
    "jp1": "tokyo",
    "jp2": "osaka",
    "sg1": "singapore",
    "us1": "ashburn",
    "us2": "umatilla",
}
"""The edge of each region. Regional hosts without an edge stopped working in April 2026. Sources: twilio-cli-core,
config.js; Twilio docs, legacy regions."""

_LABEL = re.compile(r"[A-Za-z0-9-]+\Z")
_EXAMPLES = {"region": "ie1", "edge": "dublin"}


def twilio_url(region: str = "", edge: str = "") -> str:
    """Build the base URL at Twilio: ``{product}.{edge}.{region}``, or the global host without either.

    A region without an edge gets its own edge (`EDGES`). An edge without a region means region ``us1`` (source:
    twilio-python, get_hostname).

    Raises:
        UsageError: either is not a single label of a host name (it could lead to another host), or the region is
            unknown and no edge is given.
    """
    region, edge = region.lower(), edge.lower()
    for name, label in (("region", region), ("edge", edge)):
        if label and not _LABEL.match(label):
            raise UsageError(
                f"invalid {name} {label!r} in TWILIO_{name.upper()}: it must be a single word such as {_EXAMPLES[name]}"
            )
    if region and not edge and region not in EDGES:
        raise UsageError(
            f"unknown region {region!r} in TWILIO_REGION. Known regions: {', '.join(EDGES)}. For another region, also "
            "set TWILIO_EDGE"
        )
    if not region and not edge:
        return f"https://{TWILIO_HOST}"
    region = region or "us1"
    product, domain = TWILIO_HOST.split(".", 1)
    return f"https://{product}.{edge or EDGES[region]}.{region}.{domain}"


def checked_url(url: str) -> str:
    """Return the base URL of another API without a trailing slash, if credentials may be sent to it.

    Raises:
        UsageError: the URL is invalid, contains credentials or a query, or would send credentials unencrypted to
            another machine.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
        httpx.URL(url)
    except (ValueError, httpx.InvalidURL):
        raise UsageError("--api-url is not a valid URL. Use the form https://conversations.example.com") from None
    if "@" in url:
        raise UsageError(
            "--api-url contains a user name or password. Remove it, and set the credentials in environment variables"
        )
    if parts.query or parts.fragment:
        raise UsageError("--api-url has a query or fragment, which may hold a token; give scheme, host, and path only")
    if parts.scheme not in {"http", "https"} or not host:
        raise UsageError(f"--api-url {url} is not an http or https URL. Use the form http://127.0.0.1:4010")
    if parts.scheme == "http" and not is_loopback(url):
        raise UsageError(
            f"--api-url {url} would send credentials unencrypted. Use https://; http:// is allowed only for this "
            "machine (127.0.0.1)"
        )
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def data_location(url: str) -> str:
    """Return a name for the data behind a base URL, equal for every URL of the same data.

    Every edge of a region leads to the same data (source: Twilio's Global Infrastructure documentation), and this
    machine has several names.
    """
    parts = urlsplit(url)
    product, domain = TWILIO_HOST.split(".", 1)
    host = parts.hostname or ""
    if host.startswith(f"{product}.") and host.endswith(f".{domain}"):
        labels = host.removeprefix(product).removesuffix(domain).strip(".")
        return f"{labels.rpartition('.')[2] or 'us1'}.{domain}"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return f"{'localhost' if is_loopback(url) else host}:{port}{parts.path}"


def is_loopback(url: str) -> bool:
    """Return whether the URL's host is this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def host_hint(url: str) -> str:
    """Return the hint to add when a regional Twilio host cannot be reached; empty for every other host."""
    host = urlsplit(url).hostname or ""
    is_regional = host.endswith(".twilio.com") and host != TWILIO_HOST
    return "; check TWILIO_REGION and TWILIO_EDGE, which determine the host name" if is_regional else ""
