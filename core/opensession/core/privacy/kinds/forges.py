"""Code hosting and continuous integration."""

from __future__ import annotations

import base64
import json
import zlib
from random import Random

from opensession.core.privacy.checks import crc36, crc62, jwt_claims
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


def _github_fits(value: bytes) -> bool:
    return len(value) == 40 and value[34:].decode() == crc62(value[4:34])


def _github(random: Random) -> str:
    body = some(random, ALNUM, 30)
    return random.choice(("ghp_", "gho_", "ghu_", "ghr_", "ghs_")) + body + crc62(body.encode())


def _github_app(random: Random) -> str:
    return f"ghs_{random.randint(10**5, 10**7)}_{jwt(random)}"


def _app_tells(value: bytes) -> bool:
    return jwt_claims(value[value.index(b"eyJ") :]) is not None


def _fine_fits(value: bytes) -> bool:
    return value[-6:].decode() == crc62(value[11:-6])


def _fine(random: Random) -> str:
    body = f"{some(random, ALNUM, 22)}_{some(random, ALNUM, 53)}"
    return "github_pat_" + body + crc62(body.encode())


def _gitlab(value: bytes) -> Confidence | None:
    body, dot, tail = value.rpartition(b".")
    if dot and len(tail) == 9 and tail[2:].decode() == crc36(body + dot + tail[:2]):
        return "certain"
    return "likely"


_GITLAB = "glpat- gldt- glrt- glcbt- glptt- glft- glimt- glagent- gloas- glsoat- glffct- glwt-"


def _gitlab_sample(random: Random) -> str:
    head = random.choice(_GITLAB.split(" "))
    if random.random() < 0.6:
        return head + some(random, SAFE, 20)
    body = f"{head}{some(random, SAFE, 27, 60)}."
    body += f"0{random.choice(LOWNUM)}"
    return body + crc36(body.encode())


def _atlassian_fits(value: bytes) -> bool:
    body, mark, tail = value.rpartition(b"=")
    return bool(mark) and tail.decode().upper() == f"{zlib.crc32(body + mark):08X}"


def _atlassian(random: Random) -> str:
    body = random.choice(("ATATT3xFf", "ATCTT3xFf")) + some(random, SAFE, 120, 180) + "="
    return body + f"{zlib.crc32(body.encode()):08X}"


def jwt(random: Random, **claims: object) -> str:
    """A JSON Web Token with a random signature."""
    parts = (
        {"alg": "HS256", "typ": "JWT"},
        {"sub": some(random, DIGITS_, 10), "iat": random.randint(10**9, 2 * 10**9), **claims},
    )
    told = [
        base64.urlsafe_b64encode(json.dumps(part, separators=(",", ":")).encode()) for part in parts
    ]
    return ".".join([part.decode().rstrip("=") for part in told] + [some(random, SAFE, 43)])


DIGITS_ = "0123456789"


KINDS: tuple[Kind, ...] = (
    prefixed(
        "github-token",
        "ghp_ gho_ ghu_ ghr_ ghs_",
        ALNUM,
        30,
        begin=b"",
        check=verified(_github_fits),
    )._replace(sample=_github),
    shaped(
        "github-app-token",
        "ghs_",
        rb"ghs_[0-9]{1,12}_eyJ[A-Za-z0-9_-]{10,1000}\.[A-Za-z0-9_-]{2,2000}\.[A-Za-z0-9_-]{10,1000}",
        _github_app,
        check=verified(_app_tells),
    ),
    shaped(
        "github-fine-grained-token",
        "github_pat_",
        rb"github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{50,300}",
        _fine,
        check=lambda value: "certain" if _fine_fits(value) else "likely",
        begin=b"",
    ),
    shaped(
        "gitlab-token",
        _GITLAB,
        rb"gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat|ffct|wt)-[A-Za-z0-9_-]{20,300}(?:\.[0-9a-z]{2,12}){0,2}",
        _gitlab_sample,
        check=_gitlab,
        begin=b"",
    ),
    prefixed("gitlab-runner-token", "GR1348941", SAFE, 20),
    prefixed("bitbucket-app-password", "ATBB", ALNUM, 32, check=with_digit),
    shaped(
        "atlassian-token",
        "ATATT ATCTT",
        rb"AT[AC]TT3[A-Za-z0-9_=-]{60,400}",
        _atlassian,
        check=lambda value: "certain" if _atlassian_fits(value) else "likely",
    ),
    prefixed("sourcegraph-token", "sgp_", HEX, 40),
    shaped(
        "sourcegraph-instance-token",
        "sgp_",
        rb"sgp_(?:[0-9a-f]{16}|local)_[0-9a-f]{40}",
        lambda r: f"sgp_{some(r, HEX, 16)}_{some(r, HEX, 40)}",
    ),
    shaped(
        "circleci-token",
        "CCIPAT_ CCIPRJ_",
        rb"CCIP(?:AT|RJ)_[A-Za-z0-9]{16,30}_[0-9a-f]{40}",
        lambda r: f"CCIPAT_{some(r, ALNUM, 22)}_{some(r, HEX, 40)}",
    ),
    prefixed("buildkite-token", "bkua_ bkaa_", HEX, 40),
    prefixed("sonar-token", "squ_ sqp_ sqa_", HEX, 40),
    prefixed("harness-token", "pat. sat.", SAFE, 22)._replace(
        pattern=BEGIN + rb"[ps]at\.[A-Za-z0-9_-]{22}\.[0-9a-f]{24}\.[A-Za-z0-9]{20}",
        sample=lambda r: f"pat.{some(r, SAFE, 22)}.{some(r, HEX, 24)}.{some(r, ALNUM, 20)}",
    ),
    prefixed("octopus-key", "API-", UPNUM, 26, 32, fixed=False, check=with_digit),
    prefixed("jenkins-token", "11", HEX, 32)._replace(
        keywords=(b"jenkins", b"JENKINS", b"Jenkins"),
        pattern=rb"[A-Za-z0-9_. '\"\[\]:=@/-]{1,48}?"
        rb"(?<![A-Za-z0-9])(?P<value>11[0-9a-f]{32})(?![A-Za-z0-9])",
        named=True,
        template="JENKINS_API_TOKEN={}",
    ),
    named("travis-token", "travis", rb"[A-Za-z0-9_-]{22}", of(ALNUM, 22), check=with_digit),
    named("drone-token", "drone", rb"[A-Za-z0-9]{32}", of(ALNUM, 32), check=with_digit),
    named("codecov-token", "codecov", UUID, uuid),
    named("coveralls-token", "coveralls", rb"[A-Za-z0-9]{32,34}", of(ALNUM, 33), check=with_digit),
    named("snyk-token", "snyk", UUID, uuid),
    named("gitea-token", "gitea forgejo codeberg", rb"[0-9a-f]{40}", of(HEX, 40)),
    named(
        "appveyor-token",
        "appveyor",
        rb"(?:v2\.)?[a-z0-9]{20}",
        lambda r: "v2." + some(r, LOWNUM, 20),
    ),
    named("sourcehut-token", "srht sourcehut", rb"[A-Za-z0-9+/]{60,160}={0,2}", of(BASE64, 80)),
)
