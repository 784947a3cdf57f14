"""What a session is, and what both ends of the socket say."""

__version__ = "0.1.0"
