"""From results to lines of text; nothing here prints or asks the daemon."""
