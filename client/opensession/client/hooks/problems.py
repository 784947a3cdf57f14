"""What stands against an edit of an agent's settings."""

from __future__ import annotations


class NotReadable(ValueError):
    """The settings are not what their format asks for; the message says where."""


class Clash(ValueError):
    """The settings hold something that ours cannot stand beside; the message is a sentence."""
