"""Calls GitHub's REST API: pagination, a limited number of retries for reads, and the token only for GitHub.

Takes a path and JSON; gives JSON. The base URL comes from ``GITHUB_API_URL``, so GitHub Enterprise works, and so does
the stand-in of the tests.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

from reconcile_steps.job import Failed, Job

PAGE = 100
PAGES = 300
"""The most pages of one list; more is an error."""
TRIES = 4
TIMEOUT = 30
ANSWER_LIMIT = 64 * 1024 * 1024
_RETRIED = {429, 500, 502, 503, 504}


class _NoRedirect(HTTPRedirectHandler):
    def redirect_request(self, *_request: object, **_named: object) -> None:
        """Follow no redirect: urllib would send the token along."""


class NotFound(Failed):
    """GitHub returned 404."""


class GitHub:
    """A client for one repository.

    Args:
        job: The job, which names the API, the repository, and the token.
    """

    def __init__(self, job: Job) -> None:
        self._root = job.variable("GITHUB_API_URL").rstrip("/")
        self._token = job.variable("INPUT_TOKEN")
        self._repository = job.repository
        self._opener = build_opener(_NoRedirect())
        parts = urlsplit(self._root)
        if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise Failed(f"{self._root} is not https; the token is only sent over https")

    def get(self, path: str, query: Mapping[str, str] | None = None) -> Any:
        """Send a GET below the repository; return the response.

        Raises:
            NotFound: It does not exist, or the token may not see it.
            Failed: GitHub could not be reached, or refused.
        """
        return json.loads(self._read(self._url(path, query)))

    def pages(self, path: str, query: Mapping[str, str] | None = None, *, key: str = "") -> Iterator[dict[str, Any]]:
        """Yield every item of a list, page by page.

        Args:
            path: The path below the repository.
            query: Further query parameters.
            key: The key of the items in a response; empty if the response is the list.
        """
        for number in range(1, PAGES + 1):
            answer = self.get(path, {**(query or {}), "per_page": str(PAGE), "page": str(number)})
            items = answer[key] if key else answer
            yield from items
            if len(items) < PAGE:
                return
        raise Failed(f"{path} has over {PAGES * PAGE:,} items")

    def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send a write, once: if the response is lost, it is unknown whether the write took place."""
        data = json.dumps(body).encode()
        # A DELETE has no response.
        answer = json.loads(self._once(self._request(self._url(path), method, data)) or b"null")
        return answer if isinstance(answer, dict) else {}

    def download(self, path: str) -> bytes:
        """Download what a path redirects to; the token is not sent there."""
        try:
            return self._once(self._request(self._url(path)))
        except _Redirected as elsewhere:
            parts = urlsplit(elsewhere.location)
            if parts.scheme != "https" and parts.hostname != urlsplit(self._root).hostname:
                raise Failed(f"GitHub redirects {path} to a URL that is not https") from None
            return self._read(elsewhere.location, with_token=False)

    # --- one request --------------------------------------------------------------------------------------------------

    def _url(self, path: str, query: Mapping[str, str] | None = None) -> str:
        text = f"{self._root}/repos/{quote(self._repository)}/{path}"
        return f"{text}?{urlencode(query)}" if query else text

    def _request(self, url: str, method: str = "GET", data: bytes | None = None, *, with_token: bool = True) -> Request:
        headers = {"User-Agent": "reconciler-action"}
        if with_token:
            headers |= {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        if data is not None:
            headers["Content-Type"] = "application/json"
        return Request(url, data=data, headers=headers, method=method)  # noqa: S310 - the address is checked above

    def _read(self, url: str, *, with_token: bool = True) -> bytes:
        for attempt in range(TRIES):
            try:
                return self._once(self._request(url, with_token=with_token))
            except _Transient as error:
                if attempt == TRIES - 1:
                    raise
                time.sleep(min(error.wait or 2**attempt, 60))
        raise AssertionError

    def _once(self, request: Request) -> bytes:
        what = f"{request.get_method()} {urlsplit(request.full_url).path}"
        try:
            with self._opener.open(request, timeout=TIMEOUT) as answer:
                found: bytes = answer.read(ANSWER_LIMIT + 1)
        except HTTPError as error:
            with error:
                raise _error_of(what, error) from None
        except (URLError, HTTPException, OSError) as error:
            raise _Transient(f"no response from GitHub to {what}: {error}") from None
        if len(found) > ANSWER_LIMIT:
            raise Failed(f"the response to {what} exceeds {ANSWER_LIMIT:,} bytes")
        return found


class _Transient(Failed):
    """An error that a retry may fix."""

    def __init__(self, message: str, wait: float = 0) -> None:
        super().__init__(message)
        self.wait = wait


class _Redirected(Failed):
    def __init__(self, message: str, location: str) -> None:
        super().__init__(message)
        self.location = location


def _error_of(what: str, error: HTTPError) -> Failed:
    """Return the error of a response with an error status."""
    location = error.headers.get("Location", "")
    if error.code in {301, 302, 303, 307, 308} and location:
        return _Redirected(f"{what} is redirected", location)
    try:
        said = str(json.loads(error.read(10_000)).get("message", ""))
    except (ValueError, AttributeError, OSError):
        said = ""
    message = f"{what}: {error.code}{f', {said}' if said else ''}"
    if error.code == 404:
        return NotFound(message)
    if error.code == 403 and not error.headers.get("Retry-After"):
        return Failed(f"{message}. Check the permissions of the job")
    if error.code in _RETRIED or error.code == 403:
        wait = error.headers.get("Retry-After", "")
        return _Transient(message, float(wait) if wait.isdigit() else 0)
    return Failed(message)
