"""The routes of the hub: what they take and give, and what they do."""
