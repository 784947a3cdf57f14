"""`opensession discover`: which agents have left sessions here."""

from __future__ import annotations

import os
import sys

from opensession.client import output
from opensession.client.asking import ask
from opensession.client.options import AsJson
from opensession.core.paths import home_dir
from opensession.core.rpc.index import AgentsListParams, AgentsListResult


def discover(json: AsJson = False) -> None:
    """The agents that are known, and what was found of each: files, size, folder.

    opensession discover
    opensession discover --json
    """
    found = ask("agents.list", AgentsListParams(scan=True), AgentsListResult)
    if json:
        output.emit_json(found.agents)
        return
    from opensession.client.render import agents

    output.emit(
        agents.found_lines(found.agents, output.screen_of(sys.stdout), str(home_dir(os.environ)))
    )
