"""The hub that sessions are published to."""
