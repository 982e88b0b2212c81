"""Sources of configuration files: the disk, or the objects of a git repository."""
