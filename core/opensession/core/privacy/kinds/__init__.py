"""The kinds of secrets that are known by their form, a module for each family."""

from __future__ import annotations

from opensession.core.privacy.kinds import (
    ai,
    chat,
    cloud,
    databases,
    forges,
    identity,
    infra,
    monitoring,
    packages,
    payment,
    saas,
)
from opensession.core.privacy.kinds.form import Kind

KINDS: tuple[Kind, ...] = (
    *ai.KINDS,
    *forges.KINDS,
    *packages.KINDS,
    *cloud.KINDS,
    *infra.KINDS,
    *databases.KINDS,
    *monitoring.KINDS,
    *chat.KINDS,
    *payment.KINDS,
    *saas.KINDS,
    *identity.KINDS,
)

__all__ = ["KINDS", "Kind"]
