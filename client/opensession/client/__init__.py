"""Thin clients: ask the daemon, print the answer."""
