"""Access to Twilio over HTTP: reads, encoding and decoding, retries, and rate limits."""
