"""The background program: watch, read, strip, archive, index; answers the socket."""
