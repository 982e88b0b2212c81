"""Configuration and live state in, plan out. Pure and deterministic: no I/O; the same inputs give the same plan."""
