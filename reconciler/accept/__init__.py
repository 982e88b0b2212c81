"""Writes the account's values into YAML files that people wrote, and touches nothing else. Pure: text to text."""
