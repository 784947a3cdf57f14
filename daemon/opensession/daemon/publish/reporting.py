"""The hub in `hub.status`, `status` and `health`."""

from __future__ import annotations

from opensession.core.errors import OpenSessionError
from opensession.core.hub import HubHealth
from opensession.core.rpc.daemon import Check
from opensession.core.rpc.hub import HubStatus
from opensession.core.timeparse import format_time
from opensession.daemon.publish import records
from opensession.daemon.publish.publisher import Publisher

PENDING = ("due", "sending", "ask", "differs", "refused")


async def verify(publisher: Publisher) -> None:
    """Ask the hub how it is and whose the key is."""
    link = publisher.parts.link
    if link.problem is not None or not link.server.url or not link.server.key:
        return
    health = await link.client().health()
    if isinstance(health, HubHealth):
        link.version = health.version
    known = link.stranger is not None
    if await link.verify() and known:
        await publisher.look_again()


async def hub_status(publisher: Publisher) -> HubStatus:
    """The hub, as it is known."""
    link = publisher.parts.link
    server = link.server
    sent = await publisher.parts.record(records.of_hub, link.hub) if server.url else []
    states: list[str] = []
    if server.url:
        standings = await publisher.standings(records.now_us())
        states = [standing.state for _, _, standing in standings if standing.state]
    error, hint = link.error, ""
    if link.problem is not None:
        error, hint = str(link.problem), link.problem.hint
    elif link.stranger is not None:
        error, hint = link.stranger.reason, link.stranger.hint
    elif server.url and not server.key:
        hint = "opensession account login"
    account = link.account
    return HubStatus(
        server=server.url,
        network=network(publisher),
        key=server.place,
        reachable=link.reachable,
        error=error,
        hint=hint,
        version=link.version,
        user_id=account.user_id if account else "",
        nickname=account.nickname if account else "",
        scopes=account.scopes if account else [],
        device=link.device,
        last_ok_at=format_time(link.last_ok_us) if link.last_ok_us else "",
        pending=sum(state in PENDING for state in states),
        sent_sessions=sum(bool(one.seq) and not one.recalled_us for one in sent),
        refused=states.count("refused"),
    )


def network(publisher: Publisher | None) -> str:
    """What ever touches the network: nothing, or the hub."""
    url = publisher.parts.link.server.url if publisher is not None else ""
    return url or "none"


async def checks(publisher: Publisher | None) -> list[Check]:
    """The hub, for `health`; nothing where none is set."""
    if publisher is None or not publisher.parts.link.server.url:
        return []
    link = publisher.parts.link
    name = "hub"
    if link.problem is not None:
        return [Check(name=name, state="red", message=str(link.problem), hint=link.problem.hint)]
    if not link.server.key:
        said = f"there is no key for {link.server.url}: nothing is sent"
        return [Check(name=name, state="warn", message=said, hint="opensession account login")]
    found = []
    if link.stranger is not None:
        said = f"the hub does not take the key, nothing is sent: {link.stranger.reason}"
        found.append(Check(name=name, state="red", message=said, hint=link.stranger.hint))
    elif link.reachable is False:
        said = f"{link.server.url}: {link.error}; it is tried again"
        found.append(Check(name=name, state="warn", message=said, hint="opensession server verify"))
    else:
        found.append(Check(name=name, state="ok", message=f"publishing to {link.server.url}"))
    try:
        standings = await publisher.standings(records.now_us())
    except OpenSessionError:
        return found
    refused = sum(standing.state == "refused" for _, _, standing in standings)
    differs = [made for _, made, standing in standings if standing.state == "differs"]
    secret = sum(bool(made is not None and made.differs_secret) for made in differs)
    hint = "opensession publish pending"
    if refused:
        said = f"{_sessions(refused)} refused by the hub"
        found.append(Check(name="hub.refused", state="warn", message=said, hint=hint))
    if secret:
        said = f"newer rules take a secret out of {_sessions(secret)} on the hub: send again"
        found.append(
            Check(
                name="hub.secret",
                state="red",
                message=said,
                hint="opensession publish refresh --all",
            )
        )
    if len(differs) > secret:
        said = f"newer rules or parsers make other bytes of {_sessions(len(differs) - secret)}"
        found.append(Check(name="hub.differs", state="ok", message=said, hint=hint))
    return found


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"
