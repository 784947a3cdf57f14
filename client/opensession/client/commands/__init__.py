"""One module per command or family of commands: read options, ask the daemon, print."""
