"""Declarative configuration as code for Twilio Conversations v1."""

__version__ = "0.1.0"
