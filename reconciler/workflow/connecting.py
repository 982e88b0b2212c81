"""Opens the API: Twilio, another host, or an emulator.

Takes an `Endpoint`; returns a client, and closes everything it opened.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import MatchError, Problem, UsageError
from reconciler.redaction import Redaction
from reconciler.workflow.loading import hidden_texts

if TYPE_CHECKING:
    import asyncio

    from reconciler.api.client import ReadClient
    from reconciler.api.retry import Retry
    from reconciler.api.transport import SharedConnections
    from reconciler.config.model import Config
    from reconciler.emulator import Emulator, Store
    from reconciler.report import Progress
    from reconciler.workflow.inputs import Endpoint

AnyClient = TypeVar("AnyClient", bound="ReadClient")

PLAN_KEY = "RECONCILER_PLAN_KEY"
"""The environment variable with a key that plan and apply share if their credentials differ."""
SHORTEST_PLAN_KEY = 32


def plan_key(endpoint: Endpoint) -> bytes | None:
    """Return the key for digests of sensitive values that plan and apply share; None if the environment sets none.

    Raises:
        UsageError: The key is short enough to be guessed, and with it a short secret.
    """
    text = endpoint.environment.get(PLAN_KEY, "")
    if not text:
        return None
    if len(text) < SHORTEST_PLAN_KEY:
        raise UsageError(
            f"{PLAN_KEY} has fewer than {SHORTEST_PLAN_KEY} characters; generate one with `openssl rand -hex 32`"
        )
    return hashlib.sha256(f"reconciler plan key\0{text}".encode(errors="surrogateescape")).digest()


def ledger_key(endpoint: Endpoint, account_sid: str) -> bytes:
    """Return the key of a ledger's digests, without opening the API.

    Args:
        endpoint: The credentials, which the key is derived from unless the environment sets one.
        account_sid: The account of the ledger; an emulator's credentials follow from it.

    Raises:
        UsageError: There are no credentials.
    """
    from reconciler.api.credentials import Credentials, profiles_file  # noqa: PLC0415 - see the package

    shared = plan_key(endpoint)
    if shared is not None:
        return shared
    if endpoint.emulator or endpoint.app is not None:
        return Credentials(account_sid, "emulator", account_sid).signing_key()
    if endpoint.profile:
        return Credentials.from_profile(endpoint.profile, profiles_file(endpoint.environment))[0].signing_key()
    return Credentials.from_environment(endpoint.environment).signing_key()


def is_local(endpoint: Endpoint) -> bool:
    """Return whether the API is certainly an emulator: in process, or on this machine."""
    from reconciler.api.hosts import is_loopback  # noqa: PLC0415 - see the package

    return bool(endpoint.emulator or endpoint.app) or (bool(endpoint.api_url) and is_loopback(endpoint.api_url))


def shared_connections() -> SharedConnections:
    """Return connections for several clients of one command; a context manager that closes them."""
    from reconciler.api.transport import SharedConnections  # noqa: PLC0415 - see the package

    return SharedConnections()


@asynccontextmanager
async def connect(
    endpoint: Endpoint,
    kind: type[AnyClient],
    progress: Progress,
    stop: asyncio.Event | None = None,
    *,
    config: Config | None = None,
    creates_emulator: bool = False,
    shared: SharedConnections | None = None,
) -> AsyncIterator[AnyClient]:
    """Open a client for the API; close the emulator's file with it.

    Args:
        endpoint: The API.
        kind: The class of the client, which decides whether it can write.
        progress: Receives waits.
        stop: If set, nothing is retried.
        config: The configuration, whose hidden texts no error repeats, and whose account a new emulator's file gets.
        creates_emulator: Whether the emulator's file is created if it does not exist.
        shared: The connections of several clients of the command, which are closed later; None for the client's own.

    Raises:
        UsageError: The emulator's file, the URL, or the credentials cannot be used.
        MatchError: The emulator's file contains a different account from the configuration's.
    """
    from reconciler.api.retry import Retry  # noqa: PLC0415 - see the package

    retry = Retry(timeout=endpoint.timeout, stop=stop)
    redact = Redaction(hidden_texts(config) if config is not None else ())
    if endpoint.app is not None:
        retry = Retry(timeout=endpoint.timeout, stop=stop, sleep=_yield_once)
        async with _emulator_client(endpoint.app, endpoint, kind, progress, retry=retry, redact=redact) as client:
            yield client
        return
    if not endpoint.emulator:
        async with _api_client(endpoint, kind, progress, retry=retry, redact=redact, shared=shared) as client:
            yield client
        return
    from reconciler.emulator import Emulator  # noqa: PLC0415 - see the package

    is_new = _is_new(endpoint.emulator)
    store = _open_store(endpoint.emulator, config, creates=creates_emulator)
    try:
        async with _emulator_client(Emulator(store), endpoint, kind, progress, retry=retry, redact=redact) as client:
            yield client
    except BaseException:
        # A read that failed leaves no new file behind, such as one whose name is a typo.
        store.close()
        if is_new and kind.__name__ == "ReadClient":
            _remove(endpoint.emulator)
        raise
    store.close()


def _is_new(file: str) -> bool:
    return not Path(file).exists()


def _remove(file: str) -> None:
    with suppress(OSError):
        Path(file).unlink()


def _open_store(file: str, config: Config | None, *, creates: bool) -> Store:
    """Open the emulator's file.

    Raises:
        UsageError: It does not exist and may not be created, or it cannot be opened.
        MatchError: It contains a different account from the configuration's.
    """
    from reconciler.emulator import EmulatorError, OtherAccountError, Store  # noqa: PLC0415 - see the package

    if not creates and not Path(file).exists():
        # A read-only command must not create an empty account because of a typo.
        raise UsageError(
            f"--emulator {file}: no such file. Check the name, or create an emulated account with "
            "`reconciler apply --emulator FILE` or `reconciler emulator seed --db FILE`"
        )
    try:
        return Store.open(file, account_sid=config.account_sid if config is not None else None)
    except OtherAccountError as error:
        assert config is not None
        problem = Problem(
            "wrong-account",
            f"{file} contains account {error.kept}, but the configuration is for account {config.account_sid}",
            config.account_place,
            "use another --emulator FILE (a new file gets the account of the configuration), or another environment "
            "(--env)",
        )
        raise MatchError([problem], config.lines) from None
    except EmulatorError as error:
        raise UsageError(f"--emulator {file}: {error}") from None


def _api_client(
    endpoint: Endpoint,
    kind: type[AnyClient],
    progress: Progress,
    *,
    retry: Retry,
    redact: Redaction,
    shared: SharedConnections | None,
) -> AnyClient:
    """Build a client for Twilio or another host, with the credentials of the environment or of a profile."""
    from reconciler.api.credentials import Credentials, profiles_file  # noqa: PLC0415 - see the package
    from reconciler.api.hosts import checked_url, twilio_url  # noqa: PLC0415 - see the package
    from reconciler.api.rate_limit import RateLimit  # noqa: PLC0415 - see the package

    region, edge = endpoint.environment.get("TWILIO_REGION", ""), endpoint.environment.get("TWILIO_EDGE", "")
    if endpoint.profile:
        # The Twilio CLI's rules: TWILIO_EDGE wins, TWILIO_REGION counts only without a profile (twilio-cli-core).
        file = profiles_file(endpoint.environment)
        credentials, region, profile_edge = Credentials.from_profile(endpoint.profile, file)
        edge = edge or profile_edge
    else:
        credentials = Credentials.from_environment(endpoint.environment)
    url = checked_url(endpoint.api_url) if endpoint.api_url else twilio_url(region, edge)
    return kind(
        url,
        credentials,
        concurrency=endpoint.concurrency,
        connections=None if shared is None else shared.pools(url, credentials, endpoint.concurrency),
        retry=retry,
        on_wait=progress.waiting,
        # An emulator in process needs none: it counts no writes, and no other client shares it.
        rate_limit=RateLimit(retry),
        redact=redact,
    )


def _emulator_client(
    app: Emulator, endpoint: Endpoint, kind: type[AnyClient], progress: Progress, *, retry: Retry, redact: Redaction
) -> AnyClient:
    """Build a client for an emulator in this process."""
    from reconciler.api.credentials import Credentials  # noqa: PLC0415 - see the package
    from reconciler.api.transport import in_process  # noqa: PLC0415 - see the package

    account_sid = app.store.account_sid
    return kind(
        "https://conversations.twilio.com",
        Credentials(account_sid, "emulator", account_sid, private=app.store.private_key()),
        concurrency=endpoint.concurrency,
        transport=in_process(app),
        retry=retry,
        on_wait=progress.waiting,
        redact=redact,
    )


async def _yield_once(_seconds: float) -> None:
    """Let other requests run, without waiting: no other client shares an emulator in this process."""
    import asyncio  # noqa: PLC0415 - see the package

    await asyncio.sleep(0)
