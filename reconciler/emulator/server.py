"""Serves the emulator on a port.

Takes an ``Emulator`` and serves it over HTTP until SIGINT or SIGTERM. uvicorn is imported only here, when a server
starts.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from reconciler.emulator.app import Emulator
from reconciler.emulator.errors import EmulatorError

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 4010
_LONGEST_END = 30.0
"""Seconds that open requests get to finish when a server in a thread stops."""


def serve(
    app: Emulator,
    host: str = LOOPBACK,
    port: int = DEFAULT_PORT,
    *,
    log_level: str = "warning",
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serve an emulator until SIGINT, then return; SIGTERM also stops it and ends the process.

    The application's ``base_url`` becomes the served URL: URLs of next pages must never lead to the real Twilio.

    Args:
        app: The emulator.
        host: The address to listen on; the loopback interface by default.
        port: The port; 0 for a free one.
        log_level: The log level of uvicorn.
        ready: Called with the served URL once connections are accepted.

    Raises:
        EmulatorError: The address cannot be used.
    """
    import uvicorn  # noqa: PLC0415 — takes long to import and is needed only by those who serve

    with listen(app, host, port) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level=log_level, access_log=False))
        if ready is not None:
            # The socket already listens: connections wait until the server has started.
            ready(app.base_url)
        # uvicorn shuts down gracefully, then raises the signal again.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@contextmanager
def serving(app: Emulator, host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Serve an emulator in a thread of this process until the block ends.

    Args:
        app: The emulator.
        host: The address to listen on.
        port: The port; 0 for a free one.

    Yields:
        The served URL, which accepts requests.

    Raises:
        EmulatorError: The address cannot be used.
    """
    import uvicorn  # noqa: PLC0415 — as above

    with listen(app, host, port) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        try:
            yield app.base_url
        finally:
            server.should_exit = True
            thread.join(_LONGEST_END)


def listen(app: Emulator, host: str = LOOPBACK, port: int = 0) -> socket.socket:
    """Open a listening socket for an emulator and set the emulator's ``base_url`` to it.

    Args:
        app: The emulator.
        host: The address to listen on.
        port: The port; 0 for a free one.

    Raises:
        EmulatorError: The address cannot be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise EmulatorError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from error
    # Connections inherit it. asyncio does not set it on sockets that it was given; a response, whose head and body are
    # sent separately, would then wait 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    shown = f"[{host}]" if ":" in host else host
    app.base_url = f"http://{shown}:{listener.getsockname()[1]}"
    return listener
