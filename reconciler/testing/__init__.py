"""Tests of configurations: an emulated account, its faults, and its clock.

    from reconciler.testing import EmulatedAccount

`reconciler.testing.plugin` has the same as fixtures for pytest, which imports it in every run; so this module imports
nothing by itself.
"""

TYPE_CHECKING = False  # as in `reconciler`
if TYPE_CHECKING:
    from reconciler.testing.account import EmulatedAccount

__all__ = ["EmulatedAccount"]


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Import a public name's module on first use.

        Raises:
            AttributeError: there is no public name like that.
        """
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from reconciler.testing.account import EmulatedAccount  # noqa: PLC0415 - see above

        return EmulatedAccount
