"""Errors of the emulator itself, and of requests to it.

``EmulatorError`` is for the user who runs the emulator (a file of another program, a port in use). ``ApiError`` leaves
the application only as a response body. Knows no HTTP library.
"""

from __future__ import annotations

from typing import Any


class EmulatorError(Exception):
    """The emulator cannot be opened or started; the message says how to fix it."""


class OtherAccountError(EmulatorError):
    """A file contains a different account from the requested one.

    Args:
        path: The file.
        kept: The SID of the account in the file.
        asked: The requested SID.
    """

    def __init__(self, path: str, kept: str, asked: str) -> None:
        super().__init__(f"{path} contains account {kept}, not {asked}. Use another file, or delete this one.")
        self.kept = kept


class ApiError(Exception):
    """A refused request, with Twilio's response.

    The body has the keys that the official SDKs expect: code, message, more_info, status.

    Args:
        status: The HTTP status.
        code: A code of Twilio's error dictionary.
        message: What is wrong, in one sentence without secrets.
    """

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def body(self) -> dict[str, Any]:
        """Return the response body."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }


# Codes of the error dictionary that any resource may respond with; those of one family are in its module.
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
    """Build the error for an invalid request: HTTP 400."""
    return ApiError(400, code, message)
