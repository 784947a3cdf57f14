"""What a forked program finds done: the daemon, the commands and the hub are imported, and the
expressions that look for secrets are compiled.
"""

from __future__ import annotations

import gc
import importlib
import pkgutil

import opensession.client as client
import opensession.daemon.__main__
import opensession.daemon.app
import opensession.server.__main__
import opensession.server.app  # noqa: F401
from opensession.core.privacy import Stripper

Stripper("/home/somebody", bytes(32))
for found in pkgutil.walk_packages(client.__path__, f"{client.__name__}."):
    importlib.import_module(found.name)

# Nothing of it is looked at again, and no page of it copied, when a child looks for garbage.
gc.freeze()
