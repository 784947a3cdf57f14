"""Keys of model providers and of agents' own tools."""

from __future__ import annotations

import base64
from random import Random

from opensession.core.privacy.kinds.form import (
    ALNUM,
    BASE64,
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
    varied,
    with_digit,
)

_MARK = "T3BlbkFJ"  # what base64 makes of "OpenAI"; in the middle of every key of theirs


def _project(random: Random) -> str:
    half = random.choice((20, 58, 74))
    head = random.choice(("sk-proj-", "sk-svcacct-", "sk-admin-"))
    return head + some(random, SAFE, half) + _MARK + some(random, ALNUM, half)


def _legacy(random: Random) -> str:
    return "sk-" + some(random, ALNUM, 20) + _MARK + some(random, ALNUM, 20)


def _bedrock(random: Random) -> str:
    text = f"BedrockAPIKey-{some(random, LOWNUM, 4)}-at-{random.randrange(10**11, 10**12)}:"
    return "ABSK" + base64.b64encode((text + some(random, ALNUM, 44)).encode()).decode()


def _copilot(random: Random) -> str:
    exp = random.randint(1_700_000_000, 1_900_000_000)
    return f"tid={some(random, HEX, 32)};exp={exp};sku=yearly;8kp=1:{some(random, HEX, 64)}"


def _of_openai(value: bytes) -> bool:
    return _MARK.encode() in value


KINDS: tuple[Kind, ...] = (
    prefixed("anthropic-key", "sk-ant-api03- sk-ant-api04-", SAFE, 80, 95, begin=b""),
    prefixed("anthropic-admin-key", "sk-ant-admin01-", SAFE, 80, 95, begin=b""),
    prefixed("anthropic-oauth-token", "sk-ant-oat01- sk-ant-ort01-", SAFE, 80, 95, begin=b""),
    prefixed("anthropic-session", "sk-ant-sid01- sk-ant-sid02-", SAFE, 80, 120, begin=b""),
    prefixed("anthropic-token", "sk-ant-", SAFE, 32, 100, check=with_digit),
    shaped(
        "openai-key",
        "sk-proj- sk-svcacct- sk-admin-",
        rb"sk-(?:proj|svcacct|admin)-[A-Za-z0-9_-]{32,400}",
        _project,
        check=lambda value: "certain" if _of_openai(value) else with_digit(value),
    ),
    shaped(
        "openai-legacy-key",
        "sk-",
        rb"sk-[A-Za-z0-9]{32,200}",
        _legacy,
        check=lambda value: "certain" if _of_openai(value) else with_digit(value),
    )._replace(weak=True),
    prefixed("openai-session-key", "sess-", ALNUM, 40, check=with_digit),
    prefixed("openrouter-key", "sk-or-v1-", HEX, 64, begin=b""),
    prefixed("groq-key", "gsk_", ALNUM, 52, check=with_digit),
    prefixed("xai-key", "xai-", ALNUM, 70, 84, check=with_digit),
    prefixed("perplexity-key", "pplx-", ALNUM, 40, 48, check=with_digit),
    prefixed("huggingface-token", "hf_ api_org_", ALNUM, 34, check=mixed),
    prefixed("replicate-token", "r8_", ALNUM, 37, 40, check=with_digit),
    prefixed("nvidia-key", "nvapi-", SAFE, 60, 70),
    prefixed("cursor-key", "crsr_ key_", HEX, 64, fixed=True),
    shaped(
        "copilot-session",
        "tid=",
        rb"tid=[0-9a-f]{16,64};[A-Za-z0-9_=;:.,/+-]{20,1000}",
        _copilot,
        check=lambda value: "certain" if b"exp=" in value else "possible",
    ),
    shaped(
        "langsmith-key",
        "lsv2_pt_ lsv2_sk_",
        rb"lsv2_(?:pt|sk)_[0-9a-f]{32}_[0-9a-f]{10}",
        lambda r: f"lsv2_{r.choice(('pt', 'sk'))}_{some(r, HEX, 32)}_{some(r, HEX, 10)}",
    ),
    shaped("langfuse-key", "sk-lf-", b"sk-lf-" + UUID, lambda r: "sk-lf-" + uuid(r)),
    prefixed("elevenlabs-key", "sk_", HEX, 48, fixed=True),
    prefixed("tavily-key", "tvly-dev- tvly-prod- tvly-", ALNUM, 28, 36, check=with_digit),
    prefixed("firecrawl-key", "fc-", HEX, 32, fixed=True),
    prefixed("brave-search-key", "BSA", SAFE, 27, 28, check=mixed),
    prefixed("pinecone-key", "pcsk_", SAFE, 60, 72),
    prefixed("cerebras-key", "csk-", LOWNUM, 48, 52, check=with_digit),
    prefixed("voyage-key", "pa-", SAFE, 40, 46, check=varied),
    prefixed("jina-key", "jina_", ALNUM, 48, 64),
    prefixed("fireworks-key", "fw_", ALNUM, 22, 24, check=varied),
    prefixed("together-key", "tgp_v1_", SAFE, 40, 48),
    prefixed("bedrock-key", "ABSKQmVkcm9ja0FQSUtleS", BASE64, 60, 110, begin=b"")._replace(
        sample=_bedrock
    ),
    prefixed("bedrock-short-key", "bedrock-api-key-", BASE64, 60, 400),
    prefixed("dify-key", "dataset- app-", ALNUM, 24, fixed=True, check=varied),
    named(
        "fal-key",
        "fal_ fal-",
        UUID + rb":[0-9a-f]{32}",
        lambda r: f"{uuid(r)}:{some(r, HEX, 32)}",
        template="FAL_KEY={}",
    ),
    prefixed("runpod-key", "rpa_", UPNUM, 36, 44),
    prefixed("e2b-key", "e2b_", HEX, 40),
    prefixed("friendli-token", "flp_", ALNUM, 40, 48),
    prefixed("helicone-key", "sk-helicone-", SAFE, 28, 40),
    named("mistral-key", "mistral", rb"[A-Za-z0-9]{32}", of(ALNUM, 32), check=with_digit),
    named("cohere-key", "cohere", rb"[A-Za-z0-9]{40}", of(ALNUM, 40), check=with_digit),
    named("deepseek-key", "deepseek", rb"sk-[0-9a-f]{32}", lambda r: "sk-" + some(r, HEX, 32)),
    named("ai21-key", "ai21", rb"[A-Za-z0-9]{32}", of(ALNUM, 32), check=with_digit),
    named("assemblyai-key", "assemblyai", rb"[0-9a-f]{32}", of(HEX, 32)),
    named("deepgram-key", "deepgram", rb"[0-9a-f]{40}", of(HEX, 40)),
    named(
        "stability-key", "stability", rb"sk-[A-Za-z0-9]{48}", lambda r: "sk-" + some(r, ALNUM, 48)
    ),
    named("exa-key", "exa_api exa-api", UUID, uuid, template="EXA_API_KEY={}"),
    prefixed("wandb-new-key", "wandb_v1_", SAFE, 77, 90),
    named("wandb-key", "wandb", rb"[0-9a-f]{40}", of(HEX, 40)),
    named(
        "azure-openai-key",
        "azure_openai azure-openai cognitiveservices",
        rb"(?:[0-9a-f]{32}|[A-Za-z0-9]{84})",
        lambda r: some(r, HEX, 32) if r.random() < 0.5 else some(r, ALNUM, 84),
    ),
)
