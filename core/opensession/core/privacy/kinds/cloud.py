"""Cloud providers."""

from __future__ import annotations

import base64
import re
from random import Random

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
    likely,
    mixed,
    named,
    of,
    possible,
    prefixed,
    shaped,
    some,
    uuid,
    varied,
    with_digit,
)
from opensession.core.privacy.rules import Confidence

_AWS = rb"A(?:KIA|SIA|BIA|CCA)"


def _account(value: bytes) -> Confidence | None:
    """An id of the newer kind names its account in 40 of its bits: a number of twelve digits."""
    if not re.fullmatch(rb"[A-Z]{4}[A-Z2-7]{16}", value):
        return "possible"
    bits = base64.b32decode(value[4:20])[:6]
    account = (int.from_bytes(bits, "big") & 0x7FFFFFFFFF80) >> 7
    return "certain" if account < 10**12 else "likely"


def _aws_id(random: Random) -> str:
    account = random.randrange(10**12) << 7 | 1 << 47 | random.randrange(128)
    raw = account.to_bytes(6, "big") + random.randbytes(4)
    return random.choice(("AKIA", "ASIA")) + base64.b32encode(raw).decode()


def _aws_pair(random: Random) -> str:
    return some(random, BASE64, 40)


def _entra(random: Random) -> str:
    return some(random, ALNUM, 3) + random.choice("78") + "Q~" + some(random, SAFE, 34)


def _storage(random: Random) -> str:
    return base64.b64encode(random.randbytes(random.choice((32, 64)))).decode()


def _secret_of_aws(value: bytes) -> Confidence | None:
    """Forty characters beside an id: no path, no hash, upper and lower case and digits."""
    if re.fullmatch(rb"[0-9a-fA-F]+", value) or not re.search(rb"[0-9]", value):
        return None
    return mixed(value)


def _origin(random: Random) -> str:
    return f"v1.0-{some(random, HEX, 24)}-{some(random, HEX, 146)}"


def _google_refresh(random: Random) -> str:
    return f"1//0{random.choice('0123456789')}{some(random, SAFE, 60, 100)}"


def _fly(random: Random) -> str:
    return random.choice(("fm2_", "fm1r_", "fm1a_")) + some(random, BASE64, 100, 300)


def _sas(random: Random) -> str:
    return (
        base64.b64encode(random.randbytes(32))
        .decode()
        .replace("+", "%2B")
        .replace("/", "%2F")
        .replace("=", "%3D")
    )


KINDS: tuple[Kind, ...] = (
    shaped(
        "aws-access-key-id",
        "AKIA ASIA ABIA ACCA",
        _AWS + rb"[A-Z0-9]{16}(?![A-Za-z0-9])",
        _aws_id,
        check=_account,
    ),
    shaped(
        "aws-secret-access-key",
        "AKIA ASIA ABIA ACCA",
        _AWS + rb"[A-Z0-9]{16}(?![A-Za-z0-9])[^\x00]{1,200}?"
        rb"(?<![A-Za-z0-9+/._-])(?P<value>[A-Za-z0-9+/]{40})(?![A-Za-z0-9+/=._-])",
        _aws_pair,
        check=_secret_of_aws,
        template="AKIAJ5QWERTZ2P7KVN3M,{}",
    ),
    shaped(
        "aws-session-token",
        "IQoJb3JpZ2lu FwoGZXIvYXdz FQoGZXIvYXdz",
        rb"(?:IQoJb3JpZ2lu|F[wQ]oGZXIvYXdz)[A-Za-z0-9+/=]{100,2000}",
        lambda r: "IQoJb3JpZ2lu" + some(r, BASE64, 300, 700),
    ),
    shaped(
        "aws-signature",
        "X-Amz-Signature= X-Amz-Security-Token=",
        rb"X-Amz-S(?:ignature|ecurity-Token)=(?P<value>[A-Za-z0-9%+/=_-]{40,2000})",
        of(HEX, 64),
        template="https://b.s3.example/k?X-Amz-Expires=300&X-Amz-Signature={}",
    ),
    prefixed("google-api-key", "AIza", SAFE, 35, begin=b""),
    prefixed("google-ai-key", "AQ.", SAFE, 45, 60, check=varied),
    prefixed("google-oauth-secret", "GOCSPX-", SAFE, 26, 28),
    prefixed("google-oauth-token", "ya29. ya29_", SAFE, 60, 180),
    shaped(
        "google-refresh-token",
        "1//0",
        rb"1//0[A-Za-z0-9_-]{40,300}",
        _google_refresh,
        check=with_digit,
    ),
    Kind(
        "azure-client-secret",
        (b"7Q~", b"8Q~"),
        BEGIN + rb"[A-Za-z0-9_~.-]{3}[78]Q~[A-Za-z0-9_~.-]{31,37}",
        _entra,
        likely,
        back=3,
    ),
    shaped(
        "azure-storage-key",
        "AccountKey= SharedAccessKey= SharedSecretKey= Primary=",
        rb"(?:AccountKey|SharedAccessKey|SharedSecretKey|Primary)=\s{0,4}(?P<value>[A-Za-z0-9+/%]{40,100}={0,2})",
        _storage,
        template="AccountKey={}",
        begin=b"",
    ),
    shaped(
        "azure-sas",
        "sig=",
        rb"sig=(?P<value>[A-Za-z0-9%+/_-]{40,120}={0,2})",
        _sas,
        check=possible,
        template="https://a.blob.example/c?sv=2024-01-01&se=2030-01-01&sig={}",
    ),
    Kind(
        "azure-devops-token",
        (b"AZDO",),
        BEGIN + rb"[A-Za-z0-9]{76}AZDO[A-Za-z0-9]{4}",
        lambda r: some(r, ALNUM, 76) + "AZDO" + some(r, ALNUM, 4),
        likely,
        back=76,
    ),
    named(
        "azure-devops-pat",
        "azure_devops azuredevops vsts",
        rb"[a-z0-9]{52}",
        of("abcdefghijklmnopqrstuvwxyz234567", 52),
    ),
    prefixed("digitalocean-token", "dop_v1_ doo_v1_ dor_v1_", HEX, 64, begin=b""),
    prefixed("digitalocean-spaces-key", "DO00", UPNUM, 16, fixed=True, check=with_digit),
    prefixed("cloudflare-token", "cfk_ cfut_ cfat_", ALNUM, 40)._replace(
        sample=lambda r: r.choice(("cfk_", "cfut_", "cfat_")) + some(r, ALNUM, 40) + some(r, HEX, 8)
    ),
    shaped("cloudflare-origin-key", "v1.0-", rb"v1\.0-[0-9a-f]{24}-[0-9a-f]{140,160}", _origin),
    named(
        "cloudflare-key",
        "cloudflare cf_api",
        rb"(?:[0-9a-f]{37}|[A-Za-z0-9_-]{40})",
        of(SAFE, 40),
        check=with_digit,
    ),
    prefixed("heroku-key", "HRKU-", SAFE, 36, 64)._replace(sample=lambda r: "HRKU-" + uuid(r)),
    named("heroku-api-key", "heroku", UUID, uuid),
    shaped("fly-token", "fm1r_ fm1a_ fm2_", rb"fm(?:1r|1a|2)_[A-Za-z0-9+/=,_]{80,2000}", _fly),
    prefixed("fly-auth-token", "fo1_", SAFE, 43),
    prefixed("render-key", "rnd_", ALNUM, 28, 32, check=mixed),
    prefixed("netlify-token", "nfp_ nfc_ nfu_", ALNUM, 36, 40),
    shaped(
        "vercel-blob-token",
        "vercel_blob_rw_",
        rb"vercel_blob_rw_[A-Za-z0-9]{16}_[A-Za-z0-9]{28,40}",
        lambda r: f"vercel_blob_rw_{some(r, ALNUM, 16)}_{some(r, ALNUM, 30)}",
    ),
    prefixed("vercel-token", "vcp_ vci_ vca_ vcr_ vck_", ALNUM, 24, 60, check=with_digit),
    named("vercel-api-token", "vercel", rb"[A-Za-z0-9]{24}", of(ALNUM, 24), check=with_digit),
    named("netlify-api-token", "netlify", rb"[A-Za-z0-9_-]{43,46}", of(SAFE, 43), check=with_digit),
    named("railway-token", "railway", UUID, uuid),
    prefixed("alibaba-key-id", "LTAI", ALNUM, 16, 24, check=varied),
    prefixed("tencent-secret-id", "AKID", ALNUM, 32, check=with_digit),
    prefixed("yandex-key", "AQVN", SAFE, 34, 38),
    prefixed("yandex-token", "y0_ y1_ y2_ y3_", SAFE, 50, 60),
    prefixed("yandex-secret-key", "YC", SAFE, 38, fixed=True, check=varied),
    named(
        "ibm-cloud-key",
        "ibm_cloud ibmcloud bluemix",
        rb"[A-Za-z0-9_-]{44}",
        of(SAFE, 44),
        check=with_digit,
    ),
    named(
        "ovh-key",
        "ovh_",
        rb"[A-Za-z0-9]{32}",
        of(ALNUM, 32),
        check=with_digit,
        template="OVH_CONSUMER_KEY={}",
    ),
    named("linode-token", "linode", rb"[0-9a-f]{64}", of(HEX, 64)),
    named("hetzner-token", "hetzner hcloud", rb"[A-Za-z0-9]{64}", of(ALNUM, 64), check=with_digit),
    named("vultr-key", "vultr", rb"[A-Z0-9]{36}", of(UPNUM, 36), check=with_digit),
    named("scaleway-key", "scaleway scw_secret", UUID, uuid, template="SCW_SECRET_KEY={}"),
    prefixed("scaleway-key-id", "SCW", UPNUM, 17, fixed=True, check=with_digit),
    prefixed("oracle-key", "ocid1.credential.oc1..", LOWNUM, 60),
    named("exoscale-secret", "exoscale", rb"[A-Za-z0-9_-]{43}", of(SAFE, 43), check=with_digit),
    named(
        "backblaze-key",
        "backblaze b2_application",
        rb"K[0-9]{3}[A-Za-z0-9+/]{27}",
        lambda r: "K005" + some(r, BASE64, 27),
    ),
    named("gandi-key", "gandi", rb"[A-Za-z0-9]{24,40}", of(ALNUM, 24), check=with_digit),
)
