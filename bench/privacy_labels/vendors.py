"""Keys with a form of their own, from the vendors' documentation."""

from __future__ import annotations

import json
from random import Random

from bench.privacy_labels.kind import Kind, table
from bench.privacy_labels.shapes import b64, crc62, jwt, run, uuid

_MODELS = """
anthropic-key ANTHROPIC_API_KEY sk-ant-api03-|{s:93}AA
anthropic-admin-key ANTHROPIC_ADMIN_KEY sk-ant-admin01-|{s:93}AA
claude-oauth-token CLAUDE_CODE_OAUTH_TOKEN sk-ant-oat01-|{s:93}AA
claude-refresh-token CLAUDE_REFRESH_TOKEN sk-ant-ort01-|{s:93}AA
claude-session-key CLAUDE_SESSION_KEY sk-ant-sid01-|{s:86}AA sk-ant-sid02-|{s:100}
openai-key OPENAI_API_KEY sk-proj-|{s:74}T3BlbkFJ{s:74} sk-svcacct-|{s:58}T3BlbkFJ{s:58}
 sk-admin-|{s:58}T3BlbkFJ{s:58}
openai-legacy-key OPENAI_API_KEY,OPENAI_KEY sk-|{A:20}T3BlbkFJ{A:20}
openrouter-key OPENROUTER_API_KEY sk-or-v1-|{h:64}
google-api-key GEMINI_API_KEY,GOOGLE_API_KEY,GOOGLE_MAPS_KEY AIza|{s:35}
groq-key GROQ_API_KEY gsk_|{A:52}
xai-key XAI_API_KEY xai-|{A:80}
perplexity-key PERPLEXITY_API_KEY pplx-|{A:48}
huggingface-token HF_TOKEN,HUGGING_FACE_HUB_TOKEN hf_|{m:34}
replicate-token REPLICATE_API_TOKEN r8_|{A:37}
nvidia-key NVIDIA_API_KEY nvapi-|{s:64}
langsmith-key LANGSMITH_API_KEY,LANGCHAIN_API_KEY lsv2_pt_|{h:32}_{h:10} lsv2_sk_|{h:32}_{h:10}
langfuse-secret-key LANGFUSE_SECRET_KEY sk-lf-|{U}
tavily-key TAVILY_API_KEY tvly-|{A:32} tvly-dev-|{A:32}
firecrawl-key FIRECRAWL_API_KEY fc-|{h:32}
elevenlabs-key ELEVENLABS_API_KEY sk_|{h:48}
cursor-key CURSOR_API_KEY key_|{h:64}
cerebras-key CEREBRAS_API_KEY csk-|{l:48}
pinecone-key PINECONE_API_KEY pcsk_|{A:5-6}_{A:63}
fireworks-key FIREWORKS_API_KEY fw_|{A:24}
"""

_CODE = """
gitlab-token GITLAB_TOKEN,GL_TOKEN glpat-|{s:20}
gitlab-runner-token RUNNER_TOKEN glrt-|{s:20}
gitlab-deploy-token CI_DEPLOY_TOKEN gldt-|{s:20}
gitlab-trigger-token TRIGGER_TOKEN glptt-|{h:40}
bitbucket-app-password BITBUCKET_APP_PASSWORD ATBB|{A:24}{H:8}
rubygems-key GEM_HOST_API_KEY rubygems_|{h:48}
crates-token CARGO_REGISTRY_TOKEN cio|{A:32}
nuget-key NUGET_API_KEY oy2|{l:43}
clojars-token CLOJARS_PASSWORD CLOJARS_|{h:60}
docker-hub-token DOCKERHUB_TOKEN dckr_pat_|{s:27} dckr_oat_|{s:32}
circleci-token CIRCLECI_TOKEN CCIPAT_|{A:22}_{h:40}
buildkite-token BUILDKITE_API_TOKEN bkua_|{h:40}
jfrog-key ARTIFACTORY_API_KEY AKCp|{A:69}
sonarqube-token SONAR_TOKEN squ_|{h:40} sqp_|{h:40} sqa_|{h:40}
sourcegraph-token SRC_ACCESS_TOKEN sgp_|{h:40} sgp_{h:16}_|{h:40}
postman-key POSTMAN_API_KEY PMAK-|{h:24}-{h:34}
terraform-cloud-token TF_API_TOKEN,TFE_TOKEN |{A:14}.atlasv1.{A:67}
pulumi-token PULUMI_ACCESS_TOKEN pul-|{h:40}
doppler-token DOPPLER_TOKEN dp.pt.|{A:43} dp.st.dev.|{A:43}
prefect-key PREFECT_API_KEY pnu_|{l:36}
infracost-key INFRACOST_API_KEY ico-|{A:32}
"""

_CLOUDS = """
aws-access-key-id AWS_ACCESS_KEY_ID AKIA|{r:16} ASIA|{r:16}
google-oauth-secret GOOGLE_CLIENT_SECRET GOCSPX-|{s:28}
google-oauth-token GOOGLE_ACCESS_TOKEN ya29.|{s:150-190}
azure-client-secret AZURE_CLIENT_SECRET |{A:3}8Q~{A:34} |{A:3}7Q~{A:31}
digitalocean-token DIGITALOCEAN_TOKEN,DO_API_TOKEN dop_v1_|{h:64} doo_v1_|{h:64} dor_v1_|{h:64}
flyio-token FLY_API_TOKEN fo1_|{s:43} fm2_|{b:180-220}
netlify-token NETLIFY_AUTH_TOKEN nfp_|{A:36}
supabase-token SUPABASE_ACCESS_TOKEN sbp_|{h:40}
supabase-secret-key SUPABASE_SECRET_KEY sb_secret_|{A:22}_{A:8}
planetscale-token PLANETSCALE_SERVICE_TOKEN,DB_TOKEN pscale_tkn_|{s:43} pscale_pw_|{s:43}
 pscale_oauth_|{s:43}
neon-key NEON_API_KEY napi_|{l:64}
databricks-token DATABRICKS_TOKEN dapi|{h:32} dapi|{h:32}-2
vault-token VAULT_TOKEN hvs.|{s:95} hvb.|{s:140}
alibaba-key-id ALIBABA_CLOUD_ACCESS_KEY_ID LTAI5t|{A:18}
tencent-secret-id TENCENTCLOUD_SECRET_ID AKID|{A:32}
yandex-key YANDEX_API_KEY AQVN|{s:36}
tailscale-key TS_AUTHKEY,TAILSCALE_AUTHKEY tskey-auth-|{A:17}-{A:32} tskey-api-|{A:17}-{A:32}
cloudflare-token CLOUDFLARE_API_TOKEN cfut_|{A:40}{h:8} cfat_|{A:40}{h:8}
cloudflare-origin-key CF_ORIGIN_CA_KEY v1.0-|{h:24}-{h:146}
heroku-key HEROKU_API_KEY HRKU-|{U} HRKU-AA|{s:58}
render-key RENDER_API_KEY rnd_|{A:28}
scaleway-key SCW_ACCESS_KEY SCW|{u:17}
vercel-token VERCEL_TOKEN vcp_|{A:56}
"""

_SERVICES = """
slack-bot-token SLACK_BOT_TOKEN xoxb-|{d:12}-{d:12}-{A:24}
slack-user-token SLACK_TOKEN xoxp-|{d:12}-{d:12}-{d:13}-{h:32}
slack-app-token SLACK_APP_TOKEN xapp-1-|A0{u:9}-{d:13}-{h:64}
slack-refresh-token SLACK_REFRESH_TOKEN xoxe-1-|{A:146} xoxe.xoxp-1-|{A:160}
twilio-key TWILIO_API_KEY SK|{h:32}
sendgrid-key SENDGRID_API_KEY SG.|{s:22}.{s:43}
mailgun-key MAILGUN_API_KEY key-|{h:32}
mailchimp-key MAILCHIMP_API_KEY |{h:32}-us{d:2}
resend-key RESEND_API_KEY re_|{A:8}_{A:24}
brevo-key BREVO_API_KEY xkeysib-|{h:64}-{A:16}
stripe-secret-key STRIPE_SECRET_KEY,STRIPE_API_KEY sk_live_|{A:24} sk_test_|{A:99}
 rk_live_|{A:24} sk_live_|{A:99}
stripe-webhook-secret STRIPE_WEBHOOK_SECRET whsec_|{A:32}
square-token SQUARE_ACCESS_TOKEN sq0atp-|{s:22} EAAA|{s:60}
square-secret SQUARE_APPLICATION_SECRET sq0csp-|{s:43}
razorpay-key RAZORPAY_KEY_ID rzp_live_|{A:14}
facebook-token FB_ACCESS_TOKEN EAA|{A:160-190}
shopify-token SHOPIFY_ACCESS_TOKEN shpat_|{h:32} shpca_|{h:32} shppa_|{h:32}
shopify-secret SHOPIFY_API_SECRET shpss_|{h:32}
new-relic-key NEW_RELIC_API_KEY NRAK-|{u:27}
dynatrace-token DT_API_TOKEN dt0c01.|{u:24}.{u:64}
honeycomb-key HONEYCOMB_API_KEY hcaik_|{l:58}
grafana-token GRAFANA_TOKEN glsa_|{A:32}_{h:8}
posthog-key POSTHOG_PERSONAL_API_KEY phx_|{A:43}
linear-key LINEAR_API_KEY lin_api_|{A:40}
notion-token NOTION_TOKEN,NOTION_API_KEY ntn_|{d:11}{A:35} secret_|{A:43}
figma-token FIGMA_TOKEN figd_|{s:40}
airtable-token AIRTABLE_TOKEN,AIRTABLE_API_KEY pat{A:14}.|{h:64}
contentful-token CONTENTFUL_MANAGEMENT_TOKEN CFPAT-|{s:43}
mapbox-secret-token MAPBOX_SECRET_TOKEN sk.eyJ|1Ijoi{A:80}.{s:22}
telegram-token TELEGRAM_BOT_TOKEN |{d:9-10}:AA{s:33}
typeform-token TYPEFORM_TOKEN tfp_|{s:44}_{A:14}
hubspot-token HUBSPOT_ACCESS_TOKEN pat-na1-|{U}
"""

_CODEC = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _checked(prefix: str, sound: float) -> Kind:
    """GitHub's and npm's tokens; a share has a checksum that fails, as a token changed by hand."""
    names = {
        "ghp_": ("github-token", "GITHUB_TOKEN,GH_TOKEN"),
        "gho_": ("github-oauth-token", "GITHUB_OAUTH_TOKEN"),
        "ghu_": ("github-user-token", "GITHUB_USER_TOKEN"),
        "ghr_": ("github-refresh-token", "GITHUB_REFRESH_TOKEN"),
        "ghs_": ("github-app-token", "GITHUB_APP_TOKEN"),
        "npm_": ("npm-token", "NPM_TOKEN,NODE_AUTH_TOKEN"),
    }
    name, variables = names[prefix]

    def make(random: Random) -> str:
        body = run(random, "A", 30)
        tail = crc62(body) if random.random() < sound else run(random, "A", 6)
        return f"{prefix}|{body}{tail}"

    return Kind(name, "keys", make, tuple(variables.split(",")), alone=True)


def _github_fine(random: Random) -> str:
    return f"github_pat_|{run(random, 'A', 22)}_{run(random, 'A', 59)}"


def _github_app_new(random: Random) -> str:
    claims = {"iss": str(random.randint(10**5, 10**7)), "exp": 1790000000, "jti": uuid(random)}
    return f"ghs_|{random.randint(10**5, 10**7)}_{jwt(random, claims, 'RS256')}"


def _gitlab_routable(random: Random) -> str:
    return f"glpat-|{run(random, 's', 40)}.01.{run(random, 'l', 9)}"


def _atlassian(random: Random) -> str:
    return f"ATATT3xFfGF0|{run(random, 's', 172)}={run(random, 'H', 8)}"


def _pypi(random: Random) -> str:
    body = b"\x02\x01\x08pypi.org\x02\x24" + uuid(random).encode() + random.randbytes(60)
    return f"pypi-AgEIcHlwaS5vcmc|{b64(body, pad=False, safe=True)[19:]}"


def _jwt(random: Random) -> str:
    claims = {"sub": str(random.randint(1, 10**6)), "iat": 1760000000, "exp": 1790000000}
    return "eyJ|" + jwt(random, claims)[3:]


def _sentry(random: Random) -> str:
    body = json.dumps({"iat": 1760000000.5, "url": "https://sentry.io", "org": "acme"})
    return f"sntrys_|{b64(body.encode(), pad=False)}_{run(random, 'b', 43)}"


def _grafana_cloud(random: Random) -> str:
    body = json.dumps({"o": "1184", "n": "stack-read", "k": run(random, "A", 24), "m": {"r": "eu"}})
    return f"glc_|{b64(body.encode())}"


def _discord(random: Random) -> str:
    snowflake = str(random.randint(10**17, 10**18)).encode()
    return f"|{b64(snowflake, pad=False)}.{run(random, 'A', 6)}.{run(random, 's', 38)}"


def _age(random: Random) -> str:
    return "AGE-SECRET-KEY-1|" + "".join(random.choices(_CODEC, k=58)).upper()


def _one_password(random: Random) -> str:
    body = json.dumps(
        {
            "signInAddress": "acme.1password.eu",
            "userAuth": {"method": "SRPg-4096", "alg": "PBES2g-HS256"},
            "email": "x@1passwordserviceaccounts.eu",
            "srpX": run(random, "h", 64),
            "secretKey": "A3-" + run(random, "u", 26),
        }
    )
    return f"ops_eyJ|{b64(body.encode(), pad=False)[3:]}"


def _bedrock(random: Random) -> str:
    text = f"BedrockAPIKey-{run(random, 'l', 4)}-at-{run(random, 'd', 12)}:".encode()
    return "ABSK|" + b64(text + random.randbytes(30))


KINDS: list[Kind] = [
    *table("\n".join((_MODELS, _CODE, _CLOUDS, _SERVICES)), alone=True),
    _checked("ghp_", 0.7),
    _checked("gho_", 0.7),
    _checked("ghu_", 0.7),
    _checked("ghr_", 0.7),
    _checked("ghs_", 0.7),
    _checked("npm_", 0.7),
    Kind("github-fine-grained-token", "keys", _github_fine, ("GH_TOKEN",), alone=True),
    Kind("github-app-jwt-token", "keys", _github_app_new, ("GITHUB_TOKEN",), alone=True),
    Kind("gitlab-routable-token", "keys", _gitlab_routable, ("GITLAB_TOKEN",), alone=True),
    Kind("atlassian-token", "keys", _atlassian, ("JIRA_API_TOKEN",), alone=True),
    Kind("pypi-token", "keys", _pypi, ("TWINE_PASSWORD", "PYPI_TOKEN"), alone=True),
    Kind("jwt", "keys", _jwt, ("ACCESS_TOKEN", "ID_TOKEN"), alone=True),
    Kind("sentry-token", "keys", _sentry, ("SENTRY_AUTH_TOKEN",), alone=True),
    Kind("grafana-cloud-token", "keys", _grafana_cloud, ("GRAFANA_CLOUD_TOKEN",), alone=True),
    Kind("discord-token", "keys", _discord, ("DISCORD_TOKEN",), alone=True),
    Kind("age-secret-key", "keys", _age, ("SOPS_AGE_KEY",), alone=True),
    Kind("1password-service-token", "keys", _one_password, ("OP_SERVICE_ACCOUNT_TOKEN",), True),
    Kind("bedrock-key", "keys", _bedrock, ("AWS_BEARER_TOKEN_BEDROCK",), alone=True),
]
