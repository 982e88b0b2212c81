"""Names of the ledger's refs: one for each environment, below a prefix. Pure."""

from __future__ import annotations

from urllib.parse import quote, unquote

from reconciler.config.ledger import DEFAULT


def ref_of(prefix: str, environment: str) -> str:
    """Return the ref of an environment. Characters that refs do not allow, and dots, are percent-encoded."""
    return f"{prefix}/{_encoded(environment) if environment else DEFAULT}"


def environment_of(prefix: str, ref: str) -> str:
    """Return the environment of a ref; empty for the one of a configuration without environments."""
    name = ref.removeprefix(f"{prefix}/")
    return "" if name == DEFAULT else unquote(name)


def _encoded(name: str) -> str:
    return quote(name, safe="", errors="surrogatepass").replace(".", "%2E").replace("~", "%7E")
