"""Fixtures for pytest, which loads this module wherever the package is installed; so it imports the rest on use.

    def test_the_configuration_converges(emulated_account):
        emulated_account.assert_converges("conversations", env="staging")

| fixture            | value                                                                            |
|--------------------|----------------------------------------------------------------------------------|
| `emulated_account` | a new `reconciler.testing.EmulatedAccount`, in this process                      |
| `served_account`   | the URL of the same account, served on a free port of this machine               |
| `assert_converges` | `emulated_account.assert_converges`                                              |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from reconciler.documents.report import ReportFile
    from reconciler.testing import EmulatedAccount


@pytest.fixture
def emulated_account() -> Iterator[EmulatedAccount]:
    """An empty account of the built-in emulator, in this process."""
    from reconciler.testing import EmulatedAccount  # noqa: PLC0415 - see the module

    account = EmulatedAccount()
    yield account
    account.close()


@pytest.fixture
def served_account(emulated_account: EmulatedAccount) -> Iterator[str]:
    """The URL of `emulated_account`, which is served on a free port of this machine."""
    with emulated_account.served() as url:
        yield url


@pytest.fixture
def assert_converges(emulated_account: EmulatedAccount) -> Callable[..., ReportFile]:
    """Apply a configuration to `emulated_account`, and check that nothing is left to do."""
    return emulated_account.assert_converges
