"""Speed and size, measured with the real daemon: `python -m bench --help`."""
