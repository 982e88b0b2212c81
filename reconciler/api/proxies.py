"""The proxy for a host, from the environment variables that curl and other tools read.

Takes a base URL; returns the URL of its proxy and the name of the variable that sets it. Refuses only a proxy that
would be used: an entry of NO_PROXY that cannot be understood matches no host, as in other tools. Sends nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit
from urllib.request import getproxies

from reconciler.errors import UsageError

_SEPARATORS = re.compile(r"[,\s]+")
_BRACKETED = re.compile(r"\[([^\]]*)\](/[0-9]{1,3})?(?::([0-9]{1,5}))?\Z")
_WITH_PORT = re.compile(r"([^:]+):([0-9]{1,5})\Z")
_HTTPS_PORT = 443
_FORM = (
    "Use the form http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, and percent-encode special characters of the "
    "user name and password"
)


@dataclass(frozen=True, slots=True)
class ProxySetting:
    """A proxy that the environment selects.

    Attributes:
        url: its URL, which may contain a password.
        variable: the name of the environment variable that sets it.
    """

    url: str = field(repr=False)
    variable: str

    def invalid(self, why: str) -> UsageError:
        """Return the error for a proxy that cannot be used; it does not repeat the URL."""
        return UsageError(f"the proxy in {self.variable} cannot be used: {why}. {_FORM}")


def proxy_for(base_url: str) -> ProxySetting | None:
    """Return the proxy for an https URL; None to connect directly.

    Raises:
        UsageError: its URL has no valid host or port.
    """
    found = getproxies()
    scheme = next((scheme for scheme in ("https", "all") if found.get(scheme)), "")
    if not scheme or is_exempt(base_url, found.get("no", "")):
        return None
    url = found[scheme]
    setting = ProxySetting(url if "://" in url else f"http://{url}", _variable(f"{scheme}_proxy", url, os.environ))
    try:
        parts = urlsplit(setting.url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise setting.invalid("its host or port is invalid") from None
    if port == 0:
        raise setting.invalid("its port must be between 1 and 65535")
    if not host or not (":" in host or re.fullmatch(r"[^\s%]+", host)):
        raise setting.invalid("it has no valid host")
    return setting


def is_exempt(base_url: str, no_proxy: str) -> bool:
    """Return whether a value of NO_PROXY exempts a URL from the proxy.

    An entry is ``*``, a host name, which includes all names below it, an IP address or range, or ``HOST:PORT``. A host
    name may begin with ``.`` or ``*.``, and an IPv6 address may be in brackets.
    """
    parts = urlsplit(base_url)
    host, port = (parts.hostname or "").rstrip("."), parts.port or _HTTPS_PORT
    address: IPv4Address | IPv6Address | None
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    return any(_matches(entry, host, address, port) for entry in _SEPARATORS.split(no_proxy.lower()) if entry)


def _matches(entry: str, host: str, address: IPv4Address | IPv6Address | None, port: int) -> bool:
    if entry == "*":
        return True
    scheme, _, name = entry.rpartition("://")
    if scheme not in {"", "https", "all"}:
        return False
    if bracketed := _BRACKETED.match(name):
        name, wanted = bracketed[1] + (bracketed[2] or ""), bracketed[3]
    elif with_port := _WITH_PORT.match(name):
        name, wanted = with_port.groups()
    else:
        wanted = None
    if wanted is not None and int(wanted) != port:
        return False
    if address is not None:
        try:
            return address in ip_network(name, strict=False)
        except ValueError:
            return False
    name = name.removeprefix("*").strip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _variable(name: str, value: str, environment: Mapping[str, str]) -> str:
    """Return the variable that sets a proxy; their names are valid in both cases."""
    return next(
        (key for key, held in environment.items() if key.lower() == name and held == value),
        "the settings of the system",
    )
