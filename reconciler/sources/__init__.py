"""Where configuration files come from: the disk, or the objects of a git repository."""
