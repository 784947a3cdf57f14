"""Monitoring, logs and product analytics."""

from __future__ import annotations

import base64
import json
import zlib
from random import Random

from opensession.core.privacy.checks import json_of
from opensession.core.privacy.kinds.form import (
    ALNUM,
    BASE64,
    BEGIN,
    HEX,
    LOWNUM,
    SAFE,
    UPNUM,
    UUID,
    Kind,
    named,
    of,
    prefixed,
    shaped,
    some,
    uuid,
    verified,
    with_digit,
)
from opensession.core.privacy.rules import Confidence


def _sentry(random: Random) -> str:
    told = {"iat": random.randint(10**9, 2 * 10**9), "url": "https://sentry.example", "org": "acme"}
    return (
        f"sntrys_{base64.b64encode(json.dumps(told).encode()).decode()}_{some(random, BASE64, 43)}"
    )


def _sentry_tells(value: bytes) -> Confidence | None:
    return "certain" if isinstance(json_of(value[7:].partition(b"_")[0]), dict) else "likely"


def _grafana_fits(value: bytes) -> bool:
    body, _, tail = value.rpartition(b"_")
    return int(tail, 16) in (zlib.crc32(body), zlib.crc32(body[5:]))


def _grafana(random: Random) -> str:
    body = "glsa_" + some(random, ALNUM, 32)
    return f"{body}_{zlib.crc32(body.encode()):08x}"


def _grafana_json(random: Random) -> str:
    told = {"k": some(random, ALNUM, 32), "n": "ci", "id": random.randint(1, 9)}
    return base64.b64encode(json.dumps(told, separators=(",", ":")).encode()).decode()


KINDS: tuple[Kind, ...] = (
    named(
        "datadog-key",
        "datadog dd_api dd_app dd-api dd-application",
        rb"[0-9a-f]{32}(?:[0-9a-f]{8})?",
        lambda r: some(r, HEX, r.choice((32, 40))),
        template="DD_API_KEY={}",
    ),
    prefixed("datadog-app-key", "ddapp_ ddpat_", ALNUM, 34, 40),
    prefixed("newrelic-key", "NRAK- NRAL- NRIQ- NRII- NRJS- NRRA-", SAFE, 19, 42)._replace(
        sample=lambda r: "NRAK-" + some(r, UPNUM, 27)
    ),
    Kind(
        "newrelic-license-key",
        (b"NRAL",),
        BEGIN + rb"[0-9a-f]{36}NRAL",
        lambda r: some(r, HEX, 36) + "NRAL",
        lambda value: "likely",
        back=36,
    ),
    shaped(
        "dynatrace-token",
        "dt0c01. dt0s16. dt0s01.",
        rb"dt0[a-z][0-9]{2}\.[A-Z0-9]{8,24}\.[A-Z0-9]{64}",
        lambda r: f"dt0c01.{some(r, UPNUM, 24)}.{some(r, UPNUM, 64)}",
    ),
    prefixed("honeycomb-key", "hcaik_ hcxik_ hcxmk_ hcamk_ hcbik_", LOWNUM, 58, 80),
    shaped(
        "sentry-token",
        "sntrys_",
        rb"sntrys_eyJ[A-Za-z0-9+/=_-]{60,600}",
        _sentry,
        check=_sentry_tells,
    ),
    prefixed("sentry-user-token", "sntryu_", HEX, 64),
    shaped(
        "grafana-token",
        "glsa_",
        rb"glsa_[A-Za-z0-9]{32}_[0-9a-fA-F]{8}",
        _grafana,
        check=verified(_grafana_fits),
    ),
    prefixed("grafana-cloud-token", "glc_", BASE64, 32, 200),
    prefixed("grafana-api-key", "eyJrIjoi", BASE64, 60, 100)._replace(sample=_grafana_json),
    prefixed("posthog-key", "phx_ phs_", ALNUM, 43, 48),
    named("rollbar-token", "rollbar", rb"[0-9a-f]{32}", of(HEX, 32)),
    named("bugsnag-key", "bugsnag", rb"[0-9a-f]{32}", of(HEX, 32)),
    named(
        "honeybadger-key",
        "honeybadger",
        rb"(?:hbp_)?[A-Za-z0-9]{20,40}",
        lambda r: "hbp_" + some(r, ALNUM, 36),
        check=with_digit,
    ),
    named("splunk-token", "splunk", UUID, uuid, template="SPLUNK_HEC_TOKEN={}"),
    named(
        "sumologic-key", "sumo", rb"[A-Za-z0-9]{64}", of(ALNUM, 64), template="SUMO_ACCESS_KEY={}"
    ),
    named("loggly-token", "loggly", UUID, uuid, template="LOGGLY_TOKEN={}"),
    named("papertrail-token", "papertrail", rb"[A-Za-z0-9]{20}", of(ALNUM, 20), check=with_digit),
    named(
        "segment-key",
        "segment_write segment-write segment_api",
        rb"[A-Za-z0-9]{32}",
        of(ALNUM, 32),
        check=with_digit,
        template="SEGMENT_WRITE_KEY={}",
    ),
    prefixed("segment-token", "sgp_", ALNUM, 64),
    named("amplitude-key", "amplitude", rb"[0-9a-f]{32}", of(HEX, 32)),
    named("mixpanel-secret", "mixpanel", rb"[0-9a-f]{32}", of(HEX, 32)),
    prefixed("launchdarkly-key", "sdk- api- mob-", HEX, 8)._replace(
        pattern=BEGIN + rb"(?:sdk|api)-" + UUID,
        keywords=(b"sdk-", b"api-"),
        sample=lambda r: "sdk-" + uuid(r),
    ),
    prefixed("logfire-token", "pylf_v1_", SAFE, 40, 48),
    prefixed("checkly-key", "cu_", HEX, 32, fixed=True),
    named(
        "betterstack-token",
        "betterstack better_uptime logtail",
        rb"[A-Za-z0-9]{24}",
        of(ALNUM, 24),
        check=with_digit,
        template="LOGTAIL_SOURCE_TOKEN={}",
    ),
    shaped("axiom-token", "xaat- xapt-", rb"xa[ap]t-" + UUID, lambda r: "xaat-" + uuid(r)),
    named("pagespeed-key", "lightstep", rb"[A-Za-z0-9+/]{80,100}={0,2}", of(SAFE, 84))._replace(
        name="lightstep-token", sample=of(ALNUM, 84), template="LIGHTSTEP_ACCESS_TOKEN={}"
    ),
)
