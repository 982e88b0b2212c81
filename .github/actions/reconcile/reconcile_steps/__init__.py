"""The steps of the action. They use only the standard library."""
