"""From the bytes of a request to a batch that storage takes: decoded, limited, checked, counted."""
