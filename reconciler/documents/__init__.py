"""JSON documents that leave the process (plan, report, drift, …): typed, redacted, and read back as hostile input."""
