"""The hub in `hub.status`, `status` and `health`."""

from __future__ import annotations

from opensession.core.errors import OpenSessionError
from opensession.core.rpc.daemon import Check
from opensession.core.rpc.hub import HubStatus
from opensession.core.timeparse import format_time
from opensession.daemon.publish import health_watch, records
from opensession.daemon.publish.publisher import Publisher
from opensession.daemon.publish.recalling import is_elsewhere
from opensession.daemon.publish.standings import standings

PENDING = ("due", "sending", "ask", "differs", "refused")


async def verify(publisher: Publisher) -> None:
    """Ask the hub how it is and whose the key is."""
    if await health_watch.verify(publisher.parts):
        await publisher.look_again()


async def hub_status(publisher: Publisher) -> HubStatus:
    """The hub, as it is known."""
    link = publisher.parts.link
    server = link.server
    sent = await publisher.parts.record(records.of_hub, link.hub) if server.url else []
    states: list[str] = []
    if server.url:
        stood = await standings(publisher.parts, records.now_us())
        states = [standing.state for _, _, standing in stood if standing.state]
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
        found.append(_unreachable(publisher))
    else:
        found.append(Check(name=name, state="ok", message=f"publishing to {link.server.url}"))
    try:
        stood = await standings(publisher.parts, records.now_us())
    except OpenSessionError:
        return found
    refused = sum(standing.state == "refused" for _, _, standing in stood)
    differs = [made for _, made, standing in stood if standing.state == "differs"]
    secret = sum(bool(made is not None and made.differs_secret) for made in differs)
    hint = "opensession publish pending"
    most = publisher.parts.settings().daemon.max_retries
    failing = sum(made is not None and made.failures > most for _, made, _ in stood)
    if failing and link.reachable is not False:
        said = f"{_sessions(failing)} could not be sent, {most + 1} times or more; tried again"
        found.append(Check(name="hub.failing", state="red", message=said, hint=hint))
    left = await publisher.parts.record(records.everything)
    elsewhere = [made for made in left if is_elsewhere(publisher.parts, made)]
    if elsewhere:
        said = f"{_sessions(len(elsewhere))} still to be taken back from {elsewhere[0].hub}"
        login = f"opensession account login --server {elsewhere[0].hub}"
        found.append(Check(name="hub.recall", state="warn", message=said, hint=login))
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


def _unreachable(publisher: Publisher) -> Check:
    """Red after more failures than `daemon.max_retries`; it is tried again all the same."""
    link = publisher.parts.link
    often = link.failures > publisher.parts.settings().daemon.max_retries
    times = f", {link.failures} times now" if often else ""
    return Check(
        name="hub",
        state="red" if often else "warn",
        message=f"{link.server.url}: {link.error}{times}; it is tried again",
        hint="opensession server verify",
    )


def _sessions(count: int) -> str:
    return "1 session" if count == 1 else f"{count} sessions"
