"""Twilio over HTTP: what to read, how to encode and decode it, how to retry, and how fast to go."""
