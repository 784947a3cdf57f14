"""The gate: never, ask or auto, by the user's rules and by the repository's own, which can only be
stricter.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from opensession.core.config.settings import PublishRule
from opensession.core.privacy.exclude import excluded
from opensession.daemon.publish.session import Session
from opensession.daemon.repository_rules import RepositoryRules

AUTO, ASK, NEVER = "auto", "ask", "never"

STRICTNESS = {AUTO: 0, ASK: 1, NEVER: 2}


def action(rules: Sequence[PublishRule], own: RepositoryRules, root: Session) -> tuple[str, str]:
    """What is done with a session (of a subagent: its root), and why, as a sentence."""
    found, why = AUTO, ""
    for rule in rules:
        if fits(rule, root):
            found, why = rule.action, "a rule of [[publish.rules]] says so"
            break
    for rule in own.publish:
        if fits(rule, root) and STRICTNESS[rule.action] > STRICTNESS[found]:
            found, why = rule.action, "the repository's own configuration says so"
    return found, why


def fits(rule: PublishRule, root: Session) -> bool:
    """Whether a rule is meant for a session; what it does not name fits all."""
    if rule.agents and root.agent not in rule.agents:
        return False
    if rule.branches and not any(
        fnmatch.fnmatchcase(root.git_branch, one) for one in rule.branches
    ):
        return False
    places = (root.cwd, root.last_cwd, root.git_root)
    return not rule.paths or any(excluded(place, rule.paths) for place in places)
