"""Hooks in agents' settings: they drop a hint for the daemon, and are taken out again exactly."""
