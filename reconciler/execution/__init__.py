"""Execution of a plan through a client, with the journal and report that are written while it runs."""
