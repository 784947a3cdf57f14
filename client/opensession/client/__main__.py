"""`python -m opensession.client`: the console script without a script."""

from __future__ import annotations

from opensession.client.cli import main

if __name__ == "__main__":
    main()
