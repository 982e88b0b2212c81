"""The emulator on a port.

Takes an ``Emulator``, serves it over HTTP until it is told to stop (SIGINT, SIGTERM). uvicorn is imported only here,
and only when a server is started.
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
"""Seconds that open requests have to end when a server in a thread is stopped."""


def serve(
    app: Emulator,
    host: str = LOOPBACK,
    port: int = DEFAULT_PORT,
    *,
    log_level: str = "warning",
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves an emulator until SIGINT, and then returns; SIGTERM stops it too and ends the process.

    The application's ``base_url`` becomes the served one: URLs of next pages must never lead to the real Twilio.

    Args:
        app: the emulator.
        host: the address to listen on; the loopback interface unless told otherwise.
        port: the port; 0 for a free one.
        log_level: uvicorn's.
        ready: called with the served URL once connections are accepted.

    Raises:
        EmulatorError: the address cannot be listened on.
    """
    import uvicorn  # noqa: PLC0415 — takes long to import and is needed only by those who serve

    with listen(app, host, port) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level=log_level, access_log=False))
        if ready is not None:
            # The socket listens already: what connects now waits until the server has started.
            ready(app.base_url)
        # uvicorn stops in good order, then raises the signal again.
        with suppress(KeyboardInterrupt):
            server.run(sockets=[listener])


@contextmanager
def serving(app: Emulator, host: str = LOOPBACK, port: int = 0) -> Iterator[str]:
    """Serve an emulator in a thread of this process until the block ends.

    Args:
        app: the emulator.
        host: the address to listen on.
        port: the port; 0 for a free one.

    Yields:
        The served URL. It answers from now on.

    Raises:
        EmulatorError: the address cannot be listened on.
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
    """A socket that listens for an emulator, whose ``base_url`` becomes the socket's.

    Args:
        app: the emulator.
        host: the address to listen on.
        port: the port; 0 for a free one.

    Raises:
        EmulatorError: the address cannot be listened on.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise EmulatorError(f"Cannot listen on {host} port {port}: {error.strerror or error}.") from error
    # Connections inherit it. asyncio does not set it on sockets it was given, and an answer, whose head and body are
    # sent apart, then waits 40 ms for the client's acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    shown = f"[{host}]" if ":" in host else host
    app.base_url = f"http://{shown}:{listener.getsockname()[1]}"
    return listener
