"""Chat, mail and telephony."""

from __future__ import annotations

import base64
import re
from random import Random

from opensession.core.privacy.checks import unbase64
from opensession.core.privacy.kinds.form import (
    ALNUM,
    BEGIN,
    DIGITS,
    HEX,
    LOWNUM,
    SAFE,
    UPNUM,
    UUID,
    Kind,
    mixed,
    named,
    of,
    prefixed,
    shaped,
    some,
    uuid,
    with_digit,
)
from opensession.core.privacy.rules import Confidence


def _slack(random: Random) -> str:
    head = random.choice(("xoxb", "xoxp", "xoxa-2", "xoxs", "xoxr"))
    groups = [some(random, DIGITS, 11, 13) for _ in range(random.choice((2, 3)))]
    return "-".join((head, *groups, some(random, ALNUM, 24, 32)))


def _slack_app(random: Random) -> str:
    return f"xapp-1-A{some(random, UPNUM, 10)}-{some(random, DIGITS, 13)}-{some(random, HEX, 64)}"


def _slack_hook(random: Random) -> str:
    parts = (some(random, UPNUM, 9), some(random, UPNUM, 10), some(random, ALNUM, 24))
    return "https://hooks.slack.com/services/T{}/B{}/{}".format(*parts)


def _digits(value: bytes) -> Confidence | None:
    return "likely" if len(re.findall(rb"[0-9]{8,}", value)) else with_digit(value)


def _discord(random: Random) -> str:
    user = str(random.randint(10**17, 10**18 - 1)).encode()
    head = base64.urlsafe_b64encode(user).decode().rstrip("=")
    return f"{head}.{some(random, SAFE, 6)}.{some(random, SAFE, 27, 38)}"


def _snowflake(value: bytes) -> Confidence | None:
    decoded = unbase64(value.partition(b".")[0])
    return "certain" if decoded is not None and re.fullmatch(rb"[0-9]{17,19}", decoded) else None


def _telegram(random: Random) -> str:
    return f"{random.randint(10**8, 10**10 - 1)}:AA{some(random, SAFE, 33)}"


# The first three characters of base64 of two digits and a third.
_SNOWFLAKES = " ".join(
    first + second
    for first in ("MD", "MT", "Mj", "Mz", "ND", "NT", "Nj", "Nz", "OD", "OT")
    for second in "AEIMQUYcgk"
)

KINDS: tuple[Kind, ...] = (
    shaped(
        "slack-token",
        "xoxb- xoxp- xoxa- xoxs- xoxr- xoxo-",
        rb"xox[bpasro]-(?:2-)?[0-9]{6,16}-[A-Za-z0-9-]{16,200}",
        _slack,
        check=_digits,
        begin=b"",
    ),
    prefixed("slack-config-token", "xoxe-1- xoxe.xoxp-1- xoxe.xoxb-1-", SAFE, 100, 160, begin=b""),
    shaped(
        "slack-app-token",
        "xapp-",
        rb"xapp-[0-9]-[A-Z0-9]{8,14}-[0-9]{10,16}-[0-9a-f]{40,128}",
        _slack_app,
    ),
    shaped(
        "slack-webhook",
        "hooks.slack.com",
        rb"hooks\.slack\.com/(?:services|workflows|triggers)/"
        rb"(?P<value>[A-Z0-9]{8,14}/[A-Z0-9]{8,14}/[A-Za-z0-9]{18,60})",
        lambda r: _slack_hook(r).partition("services/")[2],
        template="https://hooks.slack.com/services/{}",
        begin=b"",
    ),
    shaped(
        "discord-token",
        _SNOWFLAKES,
        rb"[MNO][A-Za-z0-9]{22,27}\.[A-Za-z0-9_-]{6}\.[A-Za-z0-9_-]{27,45}",
        _discord,
        check=_snowflake,
    ),
    shaped(
        "discord-webhook",
        "discord.com/api/webhooks/ discordapp.com/api/webhooks/",
        rb"discord(?:app)?\.com/api/webhooks/(?P<value>[0-9]{17,20}/[A-Za-z0-9_-]{50,100})",
        lambda r: f"{r.randint(10**17, 10**18)}/{some(r, SAFE, 68)}",
        template="https://discord.com/api/webhooks/{}",
        begin=b"",
    ),
    Kind(
        "telegram-token",
        (b":AA",),
        BEGIN + rb"[0-9]{8,10}:AA[A-Za-z0-9_-]{32,36}",
        _telegram,
        mixed,
        back=10,
        spread=2,
    ),
    shaped(
        "google-chat-webhook",
        "chat.googleapis.com/v1/spaces/",
        rb"chat\.googleapis\.com/v1/spaces/[A-Za-z0-9_-]{4,40}/messages\?"
        rb"(?P<value>key=[A-Za-z0-9_-]{20,80}(?:&|\\u0026)token=[A-Za-z0-9_%-]{20,120})",
        lambda r: f"key=AIza{some(r, SAFE, 35)}&token={some(r, SAFE, 43)}",
        template="https://chat.googleapis.com/v1/spaces/AAAA1bcdEF/messages?{}",
        begin=b"",
    ),
    shaped(
        "teams-webhook",
        "webhook.office.com/webhookb2/",
        rb"webhook\.office\.com/webhookb2/(?P<value>[A-Za-z0-9@/-]{60,300})",
        lambda r: f"{uuid(r)}@{uuid(r)}/IncomingWebhook/{some(r, HEX, 32)}/{uuid(r)}",
        template="https://acme.webhook.office.com/webhookb2/{}",
        begin=b"",
    ),
    prefixed("twilio-key", "SK", HEX, 32, fixed=True),
    named(
        "twilio-auth-token",
        "twilio",
        rb"[0-9a-f]{32}",
        of(HEX, 32),
        template="TWILIO_AUTH_TOKEN={}",
    ),
    shaped(
        "sendgrid-key",
        "SG.",
        rb"SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{32,64}",
        lambda r: f"SG.{some(r, SAFE, 22)}.{some(r, SAFE, 43)}",
    ),
    prefixed("mailgun-key", "key-", HEX, 32, fixed=True),
    shaped(
        "mailgun-private-key",
        "mailgun MAILGUN",
        rb"(?i:mailgun)[A-Za-z0-9_. '\"\[\]:=-]{1,48}?"
        rb"(?P<value>[0-9a-f]{32}-[0-9a-f]{8}-[0-9a-f]{8})",
        lambda r: f"{some(r, HEX, 32)}-{some(r, HEX, 8)}-{some(r, HEX, 8)}",
        template="MAILGUN_API_KEY={}",
        begin=b"",
    ),
    Kind(
        "mailchimp-key",
        tuple(b"-us%d" % centre for centre in range(1, 10)),
        BEGIN + rb"[0-9a-f]{32}-us[0-9]{1,2}(?![A-Za-z0-9])",
        lambda r: f"{some(r, HEX, 32)}-us{r.randint(1, 21)}",
        lambda value: "likely",
        back=32,
    ),
    named("postmark-token", "postmark", UUID, uuid, template="POSTMARK_SERVER_TOKEN={}"),
    shaped(
        "resend-key",
        "re_",
        rb"re_[A-Za-z0-9]{8}_[A-Za-z0-9]{24}(?![A-Za-z0-9_])",
        lambda r: f"re_{some(r, ALNUM, 8)}_{some(r, ALNUM, 24)}",
        check=mixed,
    ),
    shaped(
        "brevo-key",
        "xkeysib- xsmtpsib-",
        rb"x(?:key|smtp)sib-[0-9a-f]{64}-[A-Za-z0-9]{16}",
        lambda r: f"xkeysib-{some(r, HEX, 64)}-{some(r, ALNUM, 16)}",
    ),
    prefixed("intercom-token", "dG9rOj", ALNUM, 54, 56),
    prefixed("onesignal-key", "os_v2_app_ os_v2_org_", LOWNUM, 90, 103),
    prefixed("plivo-key", "MA", UPNUM, 18, fixed=True)._replace(
        keywords=(b"plivo", b"PLIVO"),
        pattern=rb"[A-Za-z0-9_. '\"\[\]:=-]{1,48}?"
        rb"(?<![A-Za-z0-9])(?P<value>[A-Za-z0-9]{40})(?![A-Za-z0-9])",
        sample=of(ALNUM, 40),
        named=True,
        template="PLIVO_AUTH_TOKEN={}",
    ),
    named("sparkpost-key", "sparkpost", rb"[0-9a-f]{40}", of(HEX, 40)),
    named("pagerduty-key", "pagerduty", rb"[A-Za-z0-9_+-]{20}", of(ALNUM, 20), check=with_digit),
    named("opsgenie-key", "opsgenie", UUID, uuid),
    named("zendesk-token", "zendesk", rb"[A-Za-z0-9]{40}", of(ALNUM, 40), check=with_digit),
    named("vonage-secret", "vonage nexmo", rb"[A-Za-z0-9]{16}", of(ALNUM, 16), check=with_digit),
    named("messagebird-key", "messagebird", rb"[A-Za-z0-9]{25}", of(ALNUM, 25), check=with_digit),
    named("pusher-secret", "pusher", rb"[0-9a-f]{20}", of(HEX, 20)),
    named(
        "line-token",
        "line_channel line-channel",
        rb"[A-Za-z0-9+/]{150,200}={0,2}",
        of(ALNUM, 170),
        template="LINE_CHANNEL_ACCESS_TOKEN={}",
    ),
    named(
        "zoom-secret",
        "zoom_client zoom_api zoom_secret",
        rb"[A-Za-z0-9]{32}",
        of(ALNUM, 32),
        check=with_digit,
        template="ZOOM_CLIENT_SECRET={}",
    ),
    named("mattermost-token", "mattermost", rb"[a-z0-9]{26}", of(LOWNUM, 26), check=with_digit),
)
