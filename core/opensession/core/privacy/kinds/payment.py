"""Payment and shops."""

from __future__ import annotations

from random import Random

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
    with_digit,
)
from opensession.core.privacy.rules import Confidence


def _live(value: bytes) -> Confidence | None:
    if b"_test_" in value and not with_digit(value):
        return None
    return "possible" if b"_test_" in value else "likely"


def _braintree(random: Random) -> str:
    return f"access_token$production${some(random, LOWNUM, 16)}${some(random, HEX, 32)}"


KINDS: tuple[Kind, ...] = (
    prefixed(
        "stripe-key",
        "sk_live_ sk_test_ rk_live_ rk_test_ sk_prod_ rk_prod_",
        ALNUM,
        20,
        99,
        check=_live,
    ),
    prefixed("stripe-webhook-secret", "whsec_", ALNUM, 32, 64, check=with_digit),
    prefixed("square-token", "sq0atp- sq0csp- sq0idb-", SAFE, 22, 43),
    prefixed("square-access-token", "EAAA", SAFE, 60, fixed=True, check=varied),
    shaped(
        "braintree-token",
        "access_token$",
        rb"access_token\$(?:production|sandbox)\$[0-9a-z]{16}\$[0-9a-f]{32}",
        _braintree,
    ),
    prefixed("adyen-key", "AQE", SAFE, 60)._replace(
        pattern=BEGIN + rb"AQE[A-Za-z0-9+/=]{40,200}-[A-Za-z0-9+/=]{30,80}"
        rb"-[A-Za-z0-9+/=<>(){}\[\]^!@#&*.,:;?-]{8,40}",
        sample=lambda r: f"AQE{some(r, ALNUM, 60)}=-{some(r, ALNUM, 43)}=-{some(r, ALNUM, 16)}",
    ),
    shaped(
        "plaid-token",
        "access-sandbox- access-development- access-production-",
        rb"access-(?:sandbox|development|production)-" + UUID,
        lambda r: "access-production-" + uuid(r),
    ),
    named("plaid-secret", "plaid", rb"[0-9a-f]{30}", of(HEX, 30), template="PLAID_SECRET={}"),
    prefixed("razorpay-key", "rzp_live_ rzp_test_", ALNUM, 14, check=with_digit),
    named(
        "razorpay-secret",
        "razorpay",
        rb"[A-Za-z0-9]{24}",
        of(ALNUM, 24),
        check=with_digit,
        template="RAZORPAY_KEY_SECRET={}",
    ),
    prefixed("paddle-key", "pdl_live_apikey_ pdl_sdbx_apikey_", LOWNUM, 26)._replace(
        pattern=rb"pdl_(?:live|sdbx)_apikey_[a-z0-9]{26}_[A-Za-z0-9]{22}_[A-Za-z0-9]{3}",
        sample=lambda r: (
            f"pdl_live_apikey_{some(r, LOWNUM, 26)}_{some(r, ALNUM, 22)}_{some(r, ALNUM, 3)}"
        ),
    ),
    prefixed("flutterwave-key", "FLWSECK-", HEX, 32)._replace(
        pattern=rb"FLWSECK(?:_TEST)?-[0-9a-zA-Z]{12,40}(?:-X)?",
        keywords=(b"FLWSECK",),
        sample=lambda r: f"FLWSECK-{some(r, HEX, 32)}-X",
    ),
    prefixed("mollie-key", "live_", ALNUM, 30, fixed=True, check=varied),
    prefixed("gocardless-token", "live_ sandbox_", SAFE, 40, fixed=True, check=varied),
    prefixed("asaas-key", "$aact_prod_ $aact_hmlg_ $aact_", ALNUM, 120, 170),
    prefixed("midtrans-key", "Mid-server- SB-Mid-server-", SAFE, 24),
    prefixed("shopify-token", "shpat_ shpca_ shpss_ shppa_ shpua_", HEX, 32),
    prefixed("facebook-token", "EAA", ALNUM, 90, 200, check=varied),
    shaped(
        "twitter-bearer-token",
        "AAAAAAAAAAAAAAAAAAAAA",
        rb"A{21,23}[A-Za-z0-9]{8,20}(?:%[0-9A-F]{2}|[A-Za-z0-9]){60,200}",
        lambda r: (
            "A" * 22 + some(r, ALNUM, 8) + "%2B" + some(r, ALNUM, 30) + "%3D" + some(r, ALNUM, 42)
        ),
        check=lambda value: "certain" if b"%" in value else "possible",
    ),
    named(
        "paypal-secret",
        "paypal",
        rb"E[A-Za-z0-9_-]{79}",
        lambda r: "E" + some(r, SAFE, 79),
        template="PAYPAL_CLIENT_SECRET={}",
    ),
    named(
        "coinbase-secret",
        "coinbase",
        rb"[A-Za-z0-9_-]{64}",
        of(SAFE, 64),
        template="COINBASE_API_SECRET={}",
    ),
    named(
        "binance-secret",
        "binance",
        rb"[A-Za-z0-9]{64}",
        of(ALNUM, 64),
        template="BINANCE_API_SECRET={}",
    ),
    named(
        "kraken-secret",
        "kraken",
        rb"[A-Za-z0-9+/]{86}==",
        lambda r: some(r, ALNUM, 86) + "==",
        template="KRAKEN_API_SECRET={}",
    ),
    named(
        "lob-key",
        "lob_",
        rb"(?:live|test)_[0-9a-f]{35}",
        lambda r: "live_" + some(r, HEX, 35),
        template="LOB_API_KEY={}",
    ),
    prefixed("shippo-token", "shippo_live_ shippo_test_", HEX, 40),
    prefixed("duffel-token", "duffel_live_ duffel_test_", SAFE, 43),
    prefixed("easypost-key", "EZAK EZTK", ALNUM, 54),
)
