"""Publishing: what leaves for a hub, when, and what the hub acknowledged (DECISIONS §9).

    changes, timers ─▶ publisher ─▶ lane of a session ─▶ client ─▶ hub
                          │             │
              standing: policy, gate    lines: the bytes; records: what was sent, in `user.db`

`aiohttp` is imported only once a hub is set: an idle daemon without one does not pay for it.
"""
