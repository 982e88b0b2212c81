"""Builds a plan from a configuration and live state. Pure and deterministic: no I/O; equal inputs give equal plans."""
