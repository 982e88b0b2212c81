"""Finds the owners of configuration files in the CODEOWNERS file of their repository.

Takes a path; returns a function. Reads the file once, and does not run git.
"""

from __future__ import annotations

from collections.abc import Callable


def owners_of_files(path: str) -> Callable[[str], tuple[str, ...]] | None:
    """Return a function that names the owners of a file; None without a CODEOWNERS file.

    Args:
        path: The configuration, which the repository contains.
    """
    from reconciler.documents.code_owners import CodeOwners  # noqa: PLC0415 - see the package
    from reconciler.sources.code_owners_file import path_in, read_code_owners  # noqa: PLC0415 - see the package

    found = read_code_owners(path)
    if found is None:
        return None
    owners = CodeOwners(found.text)

    def find(file: str) -> tuple[str, ...]:
        place = path_in(found.top, file)
        return owners.of(place) if place else ()

    return find
