"""Credentials for the API, from environment variables or from a profile of the Twilio CLI.

Takes an environment or the CLI's configuration file; returns `Credentials`, or an error that names the missing part and
never repeats a value. Sends nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from reconciler.errors import UsageError
from reconciler.lazy_dataclass import dataclass

_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_ACCOUNT_SID_FORM = "AC and 32 hexadecimal digits"


@dataclass(frozen=True, slots=True, repr=False)
class Credentials:
    """The credentials that requests are sent with.

    Attributes:
        username: an account SID, or the SID of an API key.
        password: the auth token, or the API key's secret.
        account_sid: the account in the environment; the account that answers must be the same.
        private: additional key material for digests, where the password is not secret (the emulator's); else empty.
    """

    username: str
    password: str
    account_sid: str
    private: str = ""

    def __repr__(self) -> str:
        """Omit the password."""
        return f"Credentials({self.username!r})"

    def secrets(self) -> tuple[str, ...]:
        """Return the texts to redact: the password, and its form in a request. The emulator's is not secret."""
        if self.password == "emulator":  # noqa: S105 - documented in the guide
            return ()
        return self.password, base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    def digest_key(self) -> bytes:
        """Derive the key for digests of sensitive values; it cannot be derived without the credentials."""
        parts = ("reconciler plan digest", self.username, self.password, *([self.private] if self.private else []))
        return hashlib.sha256("\0".join(parts).encode()).digest()

    def signing_key(self) -> bytes:
        """Derive the key for signatures that a later run with the same credentials verifies.

        It does not depend on `private`, so that it is the same for every database of the emulator.
        """
        parts = ("reconciler signature", self.username, self.password)
        return hashlib.sha256("\0".join(parts).encode()).digest()

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Credentials:
        """Read ``TWILIO_ACCOUNT_SID`` with ``TWILIO_AUTH_TOKEN``, or with ``TWILIO_API_KEY`` and ``TWILIO_API_SECRET``.

        If both are set, the API key is used, as Twilio's own command line does.

        Raises:
            UsageError: a variable is missing or malformed; the message names it.
        """
        account_sid = environment.get("TWILIO_ACCOUNT_SID", "")
        key, secret = environment.get("TWILIO_API_KEY", ""), environment.get("TWILIO_API_SECRET", "")
        token = environment.get("TWILIO_AUTH_TOKEN", "")
        if not account_sid:
            raise UsageError(
                "no credentials: set TWILIO_ACCOUNT_SID with TWILIO_API_KEY and TWILIO_API_SECRET (recommended), or "
                "with TWILIO_AUTH_TOKEN; or use --emulator FILE, which needs none"
            )
        if not _ACCOUNT_SID.fullmatch(account_sid):
            # The value is not repeated: if the variables were mixed up, it is a secret.
            raise UsageError(f"TWILIO_ACCOUNT_SID is not the SID of an account: {_ACCOUNT_SID_FORM}")
        if key and secret:
            _check_sendable(TWILIO_API_KEY=key, TWILIO_API_SECRET=secret)
            return cls(key, secret, account_sid)
        if token:
            _check_sendable(TWILIO_AUTH_TOKEN=token)
            return cls(account_sid, token, account_sid)
        if key:
            raise UsageError("no credentials: TWILIO_ACCOUNT_SID is set, but TWILIO_API_SECRET is not")
        raise UsageError(
            "no credentials: TWILIO_ACCOUNT_SID is set, but TWILIO_API_KEY and TWILIO_API_SECRET (recommended), or "
            "TWILIO_AUTH_TOKEN, are not"
        )

    @classmethod
    def from_profile(cls, profile: str, file: Path) -> tuple[Credentials, str, str]:
        """Read a profile of the Twilio CLI.

        Args:
            profile: its name.
            file: the CLI's ``config.json``.

        Returns:
            The credentials, the region, and the edge: the profile's, otherwise the file's top-level one. The latter two
                are
            empty if the file has none.

        Raises:
            UsageError: the file or the profile does not exist, or the profile is incomplete or malformed.
        """
        values = _profile_values(profile, file)
        where = f"--profile {profile}: {file}"
        if not (values["accountSid"] and values["apiKey"] and values["apiSecret"]):
            raise UsageError(f"{where}: the profile has no API key. Create it again: `twilio profiles:create`")
        if not _ACCOUNT_SID.fullmatch(values["accountSid"]):
            raise UsageError(f"{where}: accountSid is not the SID of an account: {_ACCOUNT_SID_FORM}")
        _check_sendable(apiKey=values["apiKey"], apiSecret=values["apiSecret"])
        credentials = cls(values["apiKey"], values["apiSecret"], values["accountSid"])
        return credentials, values["region"], values["edge"]


def profiles_file(environment: Mapping[str, str]) -> Path:
    """Return the path of the Twilio CLI's configuration file (source: twilio-cli, ``TWILIO_CONFIG_DIR``)."""
    folder = environment.get("TWILIO_CONFIG_DIR")
    home = Path(environment.get("HOME") or Path.home())
    return (Path(folder) if folder else home / ".twilio-cli") / "config.json"


def _profile_values(profile: str, file: Path) -> dict[str, str]:
    """Return the settings of a profile by their names in the file; "" for each that is missing.

    Raises:
        UsageError: the file or the profile does not exist, or a setting is not text.
    """
    content = _load(profile, file)
    section = content.get("profiles") if isinstance(content, dict) else None
    profiles: dict[str, Any] = section if isinstance(section, dict) else {}
    settings = profiles.get(profile)
    where = f"--profile {profile}: {file}"
    if not isinstance(settings, dict):
        if _is_old_profile(content, profile):
            raise UsageError(
                f"{where} has this profile in the format of an old Twilio CLI, without its key; create it again: "
                f"`twilio profiles:create --profile {profile}`"
            )
        raise UsageError(f"{where} has no such profile. Profiles: {', '.join(profiles) or 'none'}")
    values = {}
    for name in ("accountSid", "apiKey", "apiSecret", "region", "edge"):
        value = settings.get(name)
        if name == "edge" and not value:
            value = content.get("edge")
        if value is not None and not isinstance(value, str):
            # The value is not repeated: it may be a secret.
            raise UsageError(f"{where}: {name} of the profile is not text. Create it again: `twilio profiles:create`")
        values[name] = value or ""
    return values


def _load(profile: str, file: Path) -> Any:
    """Read the Twilio CLI's file, which may contain anything: another program writes it.

    Raises:
        UsageError: it does not exist or is not JSON.
    """
    try:
        return json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        why = "the file does not exist" if isinstance(error, FileNotFoundError) else "the file is not valid JSON"
        hint = "Create a profile with `twilio login`, or set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"
        raise UsageError(f"--profile {profile}: {file}: {why}. {hint}") from None


def _is_old_profile(content: object, profile: str) -> bool:
    """Return whether the file has the profile under ``projects``, as old versions of the Twilio CLI wrote it."""
    projects = content.get("projects") if isinstance(content, dict) else None
    return isinstance(projects, list) and any(
        isinstance(project, dict) and project.get("id") == profile for project in projects
    )


def _check_sendable(**values: str) -> None:
    """Reject credentials with characters that no credential has and that a header cannot hold.

    Raises:
        UsageError: names the credential, without its value.
    """
    for name, text in values.items():
        if not (text.isascii() and text.isprintable()) or " " in text:
            raise UsageError(
                f"{name} contains a character that no credential has (a space, a line break, or a non-ASCII "
                "character). Copy it again"
            )
