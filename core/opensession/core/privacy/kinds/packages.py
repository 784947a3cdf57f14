"""Package registries and the tools that publish to them."""

from __future__ import annotations

import base64
from random import Random

from opensession.core.privacy.checks import crc62, pair_in_base64, unbase64
from opensession.core.privacy.kinds.form import (
    ALNUM,
    BEGIN,
    HEX,
    LOWNUM,
    SAFE,
    UUID,
    Kind,
    named,
    of,
    prefixed,
    shaped,
    some,
    uuid,
    varied,
    verified,
    with_digit,
)


def _npm_fits(value: bytes) -> bool:
    return len(value) == 40 and value[34:].decode() == crc62(value[4:34])


def _npm(random: Random) -> str:
    body = some(random, ALNUM, 30)
    return f"npm_{body}{crc62(body.encode())}"


def _pypi_fits(value: bytes) -> bool:
    decoded = unbase64(value[5:])
    return decoded is not None and b"pypi.org" in decoded[:24]


def _pypi(random: Random) -> str:
    macaroon = b"\x02\x01\x08pypi.org\x02\x24" + random.randbytes(36)
    macaroon += b"\x00\x02\x39" + random.randbytes(57) + b"\x00\x00\x06\x20" + random.randbytes(32)
    return "pypi-" + base64.urlsafe_b64encode(macaroon).decode().rstrip("=")


def _docker_auth(random: Random) -> str:
    pair = f"{some(random, LOWNUM, 6, 12)}:{some(random, ALNUM, 12, 24)}"
    return base64.b64encode(pair.encode()).decode()


KINDS: tuple[Kind, ...] = (
    prefixed("npm-token", "npm_", ALNUM, 36, check=verified(_npm_fits))._replace(sample=_npm),
    prefixed("pypi-token", "pypi-AgE", SAFE, 60, begin=b"", check=verified(_pypi_fits))._replace(
        sample=_pypi
    ),
    prefixed("rubygems-key", "rubygems_", HEX, 48),
    prefixed("crates-token", "cio", ALNUM, 32, fixed=True, check=varied),
    prefixed("nuget-key", "oy2", LOWNUM, 43, fixed=True, check=with_digit),
    prefixed("clojars-token", "CLOJARS_", HEX, 60),
    prefixed("docker-token", "dckr_pat_ dckr_oat_", SAFE, 27, 32),
    shaped(
        "docker-auth",
        'auth" auth\\',
        rb"auth\\{0,7}\"\s{0,8}:\s{0,8}\\{0,7}\"(?P<value>[A-Za-z0-9+/]{8,400}={0,2})",
        _docker_auth,
        check=lambda value: "certain" if pair_in_base64(value) else None,
        template='"auth": "{}"',
        begin=b"",
    ),
    prefixed("jfrog-key", "AKCp", ALNUM, 60, 70),
    prefixed("jfrog-reference-token", "cmVmdGtu", ALNUM, 50, 56),
    prefixed("hex-key", "hex_", HEX, 32)._replace(
        keywords=(b"HEX_API", b"hex.pm"),
        pattern=rb"[A-Za-z0-9_. '\"\[\]:=-]{1,40}?"
        rb"(?<![A-Za-z0-9])(?P<value>[0-9a-f]{32})(?![A-Za-z0-9])",
        sample=of(HEX, 32),
        template="HEX_API_KEY={}",
        named=True,
    ),
    prefixed("postman-key", "PMAK-", HEX, 24)._replace(
        pattern=BEGIN + rb"PMAK-[0-9a-f]{24}-[0-9a-f]{34}",
        sample=lambda r: f"PMAK-{some(r, HEX, 24)}-{some(r, HEX, 34)}",
    ),
    prefixed("readme-key", "rdme_", LOWNUM, 70),
    prefixed("openvsx-token", "ovsxp_ ovsxat_", SAFE, 30, 40)._replace(
        sample=lambda r: "ovsxp_" + uuid(r)
    ),
    named("packagist-token", "packagist", rb"[A-Za-z0-9_]{20,64}", of(ALNUM, 40), check=with_digit),
    named("cloudsmith-key", "cloudsmith", rb"[0-9a-f]{40}", of(HEX, 40)),
    named(
        "libraries-io-key",
        "libraries_io",
        rb"[0-9a-f]{32}",
        of(HEX, 32),
        template="LIBRARIES_IO_API_KEY={}",
    ),
    named(
        "gemfury-token",
        "gemfury fury_",
        rb"[A-Za-z0-9]{20}",
        of(ALNUM, 20),
        check=with_digit,
        template="GEMFURY_TOKEN={}",
    ),
    named("anaconda-token", "anaconda", rb"[a-z]{2}-" + UUID, lambda r: "ab-" + uuid(r)),
)
