"""Secrets managers, infrastructure as code, networks."""

from __future__ import annotations

import base64
import json
from random import Random

from opensession.core.privacy.checks import json_of, unbase64
from opensession.core.privacy.kinds.form import (
    ALNUM,
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
    with_digit,
)
from opensession.core.privacy.rules import Confidence


def _service(random: Random) -> str:
    told = {
        "signInAddress": "acme.example",
        "userAuth": {"method": "SRPg-4096"},
        "secretKey": some(random, UPNUM, 26),
    }
    filler = {"deviceUuid": some(random, LOWNUM, 26), "muk": some(random, SAFE, 120)}
    return "ops_" + base64.urlsafe_b64encode(json.dumps(told | filler).encode()).decode().rstrip(
        "="
    )


def _service_tells(value: bytes) -> Confidence | None:
    return "certain" if isinstance(json_of(value[4:]), dict) else "likely"


def _one_key(random: Random) -> str:
    groups = (6, 6, 5, 5, 5, 5)
    return "A3-" + "-".join(some(random, UPNUM, count) for count in groups)


def _wireguard(value: bytes) -> Confidence | None:
    decoded = unbase64(value)
    return "certain" if decoded is not None and len(decoded) == 32 else None


def _key32(random: Random) -> str:
    return base64.b64encode(random.randbytes(32)).decode()


def _kube(random: Random) -> str:
    body = base64.b64encode(random.randbytes(900)).decode()
    pem = f"-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
    return base64.b64encode(pem.encode()).decode()


KINDS: tuple[Kind, ...] = (
    prefixed("vault-token", "hvs. hvb. hvr.", SAFE, 24, 140, check=with_digit),
    Kind(
        "terraform-token",
        (b".atlasv1.",),
        BEGIN + rb"[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_=-]{60,100}",
        lambda r: f"{some(r, ALNUM, 14)}.atlasv1.{some(r, SAFE, 67)}",
        lambda value: "likely",
        back=14,
    ),
    prefixed("pulumi-token", "pul-", HEX, 40),
    prefixed("infracost-key", "ico-", ALNUM, 32),
    prefixed("prefect-key", "pnu_ pnb_", ALNUM, 36),
    shaped(
        "doppler-token",
        "dp.pt. dp.st. dp.sa. dp.ct. dp.scim. dp.audit.",
        rb"dp\.(?:pt|st|sa|ct|scim|audit)\.(?:[a-z0-9_-]{2,35}\.)?[A-Za-z0-9]{40,44}",
        lambda r: f"dp.{r.choice(('pt', 'st.dev', 'sa'))}.{some(r, ALNUM, 40, 44)}",
    ),
    shaped(
        "onepassword-token",
        "ops_eyJ",
        rb"ops_eyJ[A-Za-z0-9_=-]{100,4000}",
        _service,
        check=_service_tells,
    ),
    shaped(
        "onepassword-secret-key",
        "A3-",
        rb"A3-[A-Z0-9]{6}-(?:[A-Z0-9]{11}|[A-Z0-9]{6}-[A-Z0-9]{5})(?:-[A-Z0-9]{5}){3}(?![A-Z0-9-])",
        _one_key,
    ),
    shaped(
        "cfx-key",
        "cfxk_",
        rb"cfxk_[A-Za-z0-9]{20}_[A-Za-z0-9]{5,7}",
        lambda r: f"cfxk_{some(r, ALNUM, 20)}_{some(r, ALNUM, 6)}",
    ),
    prefixed("logicmonitor-token", "lmb_", ALNUM, 56, 64),
    shaped(
        "zuplo-key",
        "zpka_",
        rb"zpka_[a-z0-9]{32}_[a-z0-9]{8}",
        lambda r: f"zpka_{some(r, HEX, 32)}_{some(r, HEX, 8)}",
    ),
    named(
        "bitwarden-secret",
        "bitwarden bws_",
        rb"0\.[0-9a-f-]{36}\.[A-Za-z0-9]{30}:[A-Za-z0-9+/]{22}==",
        lambda r: f"0.{uuid(r)}.{some(r, ALNUM, 30)}:{some(r, ALNUM, 22)}==",
        template="BWS_ACCESS_TOKEN={}",
    ),
    prefixed(
        "tailscale-key",
        "tskey-auth- tskey-api- tskey-client- tskey-scim- tskey-webhook- tskey-",
        SAFE,
        20,
        50,
    ),
    prefixed("netbird-token", "nbp_", ALNUM, 36),
    named(
        "ngrok-token",
        "ngrok",
        rb"[A-Za-z0-9]{24,28}_[A-Za-z0-9]{20,24}",
        lambda r: f"{some(r, ALNUM, 27)}_{some(r, ALNUM, 21)}",
        template="NGROK_AUTHTOKEN={}",
    ),
    shaped(
        "wireguard-key",
        "PrivateKey PresharedKey",
        rb"P(?:rivate|reshared)Key\s{0,4}=\s{0,4}(?P<value>[A-Za-z0-9+/]{43}=)",
        _key32,
        check=_wireguard,
        template="PrivateKey = {}",
        begin=b"",
    ),
    shaped(
        "kubernetes-key",
        "client-key-data:",
        rb"client-key-data:\s{0,8}\\{0,7}\"?(?P<value>[A-Za-z0-9+/]{100,8000}={0,2})",
        _kube,
        template="client-key-data: {}",
        begin=b"",
    ),
    shaped(
        "kubernetes-bootstrap-token",
        "kubeadm join --token",
        rb"(?:kubeadm join[^\n]{1,80}?)?--token[ =](?P<value>[a-z0-9]{6}\.[a-z0-9]{16})",
        lambda r: f"{some(r, LOWNUM, 6)}.{some(r, LOWNUM, 16)}",
        template="kubeadm join 10.0.0.1:6443 --token {}",
        begin=b"",
    )._replace(keywords=(b"kubeadm join", b"--token")),
    named("consul-token", "consul", UUID, uuid, template="CONSUL_HTTP_TOKEN={}"),
    named("nomad-token", "nomad", UUID, uuid, template="NOMAD_TOKEN={}"),
    prefixed("scalr-token", "scalr_", ALNUM, 40),
    prefixed("spacelift-token", "spacelift_", ALNUM, 40),
    prefixed("env0-key", "env0_", ALNUM, 32),
    prefixed("infisical-token", "st.", HEX, 24)._replace(
        pattern=BEGIN + rb"st\.[0-9a-f]{24}\.[0-9a-f]{32}\.[0-9a-f]{32}",
        sample=lambda r: f"st.{some(r, HEX, 24)}.{some(r, HEX, 32)}.{some(r, HEX, 32)}",
    ),
    prefixed("akamai-token", "akab-", SAFE, 16)._replace(
        pattern=BEGIN + rb"akab-[a-z0-9]{16}-[a-z0-9]{16}",
        sample=lambda r: f"akab-{some(r, LOWNUM, 16)}-{some(r, LOWNUM, 16)}",
    ),
    named("fastly-token", "fastly", rb"[A-Za-z0-9_-]{32}", of(SAFE, 32), check=with_digit),
    prefixed("rancher-token", "token-", LOWNUM, 5)._replace(
        pattern=BEGIN + rb"token-[a-z0-9]{5}:[a-z0-9]{54}",
        sample=lambda r: f"token-{some(r, LOWNUM, 5)}:{some(r, LOWNUM, 54)}",
    ),
    prefixed("scalingo-token", "tk-us-", SAFE, 48),
    prefixed("ansible-vault", "$ANSIBLE_VAULT", HEX, 1)._replace(
        pattern=rb"\$ANSIBLE_VAULT;[0-9.]{3};AES256(?:\s|\\{1,8}[nr]){1,40}(?P<value>[0-9a-f]{60,90}(?:(?:\s|\\{1,8}[nr]){1,40}[0-9a-f]{2,90}){0,400})",
        sample=lambda r: "\n".join(some(r, HEX, 80) for _ in range(4)),
        template="$ANSIBLE_VAULT;1.1;AES256\n{}",
        check=lambda value: "possible",
    ),
)
