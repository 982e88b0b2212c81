"""JSON documents that leave the process (plan, report, drift, …): typed, redacted, and parsed as hostile input."""
