"""Text -> Config: positions, typing, interpolation, merging, problems. Reads through a Sources protocol, does no I/O."""
