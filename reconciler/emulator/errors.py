"""What can go wrong in the emulator: with itself, and with a request.

Gives two exceptions. ``EmulatorError`` is for whoever runs the emulator (a file that is none of ours, a port that is
taken). ``ApiError`` is an answer: it never leaves the application but as a response body. Nothing here knows HTTP
machinery.
"""

from __future__ import annotations

from typing import Any


class EmulatorError(Exception):
    """The emulator cannot be opened or started; the message says what to do."""


class OtherAccountError(EmulatorError):
    """A file holds another account than the one that was asked for.

    Args:
        path: the file.
        kept: the SID of the account that it holds.
        asked: the SID that was asked for.
    """

    def __init__(self, path: str, kept: str, asked: str) -> None:
        super().__init__(f"{path} holds the account {kept}, not {asked}. Use another file, or delete this one.")
        self.kept = kept


class ApiError(Exception):
    """A request that is refused, as Twilio answers it.

    The body's shape is that of the official SDKs' exception classes: code, message, more_info, status.

    Args:
        status: the HTTP status.
        code: a code of Twilio's error dictionary.
        message: what is wrong, in one sentence, without secrets.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        """The response body."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


# Codes of the error dictionary that any resource may answer with; a family's own codes stand with its behavior.
UNKNOWN_PARAMETER = 20001
UNAUTHENTICATED = 20003
METHOD_NOT_ALLOWED = 20004
PAGE_SIZE_TOO_LARGE = 20007
UPDATE_WITHOUT_PARAMETERS = 20161
NOT_FOUND = 20404
CONFLICT = 20409
TOO_MANY_REQUESTS = 20429
UNAVAILABLE = 20503


def refused(code: int, message: str) -> ApiError:
    """A request with something wrong in it: HTTP 400."""
    return ApiError(400, code, message)
