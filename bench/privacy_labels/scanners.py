"""Keys that other public scanners know of, and opaque ones that are known by a name alone.

The forms of the first table were read in the rule lists of Nosey Parker, TruffleHog and the partner
list of GitHub's secret scanning; none of them was a source of `core/privacy`.
"""

from __future__ import annotations

from bench.privacy_labels.kind import Kind, shaped, table
from bench.privacy_labels.wrappings import BESIDE, CLOSE

_FORMS = """
adafruit-io-key ADAFRUIT_IO_KEY aio_|{A:28}
adobe-client-secret ADOBE_CLIENT_SECRET p8e-|{s:32}
aiven-password AIVEN_PASSWORD AVNS_|{s:19}
apify-token APIFY_TOKEN apify_api_|{A:36}
axiom-token AXIOM_TOKEN xaat-|{U}
canva-secret CANVA_CLIENT_SECRET cnvca|{s:50}
dependency-track-key DTRACK_API_KEY odt_|{A:32}
deno-deploy-token DENO_DEPLOY_TOKEN ddp_|{A:36}
dropbox-token DROPBOX_ACCESS_TOKEN sl.u.|{s:140} sl.|{s:138}
duffel-token DUFFEL_ACCESS_TOKEN duffel_live_|{s:43} duffel_test_|{s:43}
e2b-key E2B_API_KEY e2b_|{h:40}
easypost-key EASYPOST_API_KEY EZAK|{A:54} EZTK|{A:54}
flutterwave-key FLW_SECRET_KEY FLWSECK_TEST-|{h:32}-X FLWSECK-|{h:32}-X
frameio-token FRAMEIO_TOKEN fio-u-|{s:64}
harness-token HARNESS_API_KEY pat.{A:22}.|{h:24}.{A:20}
inngest-key INNGEST_SIGNING_KEY signkey-prod-|{h:64}
intra42-secret INTRA42_CLIENT_SECRET s-s4t2ud-|{h:64}
jina-key JINA_API_KEY jina_|{A:60}
launchdarkly-key LAUNCHDARKLY_SDK_KEY,LD_API_KEY sdk-|{U} api-|{U}
octopus-key OCTOPUS_API_KEY API-|{u:26}
paystack-key PAYSTACK_SECRET_KEY sk_live_|{h:40}
plaid-token PLAID_ACCESS_TOKEN access-production-|{U} access-sandbox-|{U}
polar-token POLAR_ACCESS_TOKEN polar_oat_|{A:43}
ramp-secret RAMP_CLIENT_SECRET ramp_sec_|{A:48}
readme-key README_API_KEY rdme_|{l:70}
rootly-key ROOTLY_API_TOKEN rootly_|{h:64}
runpod-key RUNPOD_API_KEY rpa_|{u:40}
salesforce-token SF_ACCESS_TOKEN 00D{A:12}!|AQ{A:94}
shippo-token SHIPPO_TOKEN shippo_live_|{h:40} shippo_test_|{h:40}
stackhawk-key HAWK_API_KEY hawk.|{s:20}.{s:20}
statsig-key STATSIG_SERVER_KEY secret-|{A:43}
teams-webhook TEAMS_WEBHOOK_URL https://acme.webhook.office.com/webhookb2/|{U}@{U}/IncomingWebhook/{h:32}/{U}
trigger-dev-key TRIGGER_SECRET_KEY tr_prod_|{A:20} tr_dev_|{A:20}
val-town-token VALTOWN_TOKEN vtwn_|{A:30}
voyage-key VOYAGE_API_KEY pa-|{s:43}
xata-key XATA_API_KEY xau_|{A:36}
discord-webhook DISCORD_WEBHOOK https://discord.com/api/webhooks/{d:18}/|{s:68}
slack-webhook SLACK_WEBHOOK_URL https://hooks.slack.com/services/|T{u:10}/B{u:10}/{A:24}
zapier-webhook ZAP_HOOK https://hooks.zapier.com/hooks/catch/|{d:7}/{l:7}
make-webhook MAKE_HOOK https://hook.eu1.make.com/|{l:32}
mercury-token MERCURY_TOKEN secret-token:mercury_production_|{A:44}
openshift-token OC_TOKEN sha256~|{s:43}
rapidapi-key RAPIDAPI_KEY |{h:10}msh{h:15}p1{h:6}jsn{h:12}
"""

_NAMED_ONLY = """
truenas-key TRUENAS_API_KEY 1-|{A:64}
mistral-key MISTRAL_API_KEY |{A:32}
cohere-key COHERE_API_KEY,CO_API_KEY |{A:40}
deepseek-key DEEPSEEK_API_KEY sk-|{h:32}
together-key TOGETHER_API_KEY |{h:64}
assemblyai-key ASSEMBLYAI_API_KEY |{h:32}
deepgram-key DEEPGRAM_API_KEY |{h:40}
azure-openai-key AZURE_OPENAI_API_KEY |{h:32} |{A:84}
wandb-key WANDB_API_KEY |{h:40}
brave-search-key BRAVE_API_KEY BSA|{s:27}
exa-key EXA_API_KEY |{U}
serper-key SERPER_API_KEY |{h:40}
fal-key FAL_KEY |{U}:{h:32}
aws-secret-key AWS_SECRET_ACCESS_KEY |{b:40}
aws-session-token AWS_SESSION_TOKEN |FwoGZXIvYXdz{b:260}
azure-storage-key AZURE_STORAGE_KEY,AZURE_STORAGE_ACCOUNT_KEY |{b:86}==
azure-devops-token AZURE_DEVOPS_EXT_PAT |{l:52} |{A:76}AZDO{A:4}
cloudflare-global-key CLOUDFLARE_API_KEY |{h:37}
vultr-key VULTR_API_KEY |{u:36}
linode-token LINODE_TOKEN |{h:64}
hetzner-token HCLOUD_TOKEN |{A:64}
fastly-token FASTLY_API_TOKEN |{s:32}
railway-token RAILWAY_TOKEN |{U}
heroku-uuid-key HEROKU_API_KEY |{U}
ngrok-token NGROK_AUTHTOKEN |{A:27}_{A:21}
snyk-token SNYK_TOKEN |{U}
codecov-token CODECOV_TOKEN |{U}
coveralls-token COVERALLS_REPO_TOKEN |{A:32}
travis-token TRAVIS_TOKEN |{s:22}
jenkins-token JENKINS_API_TOKEN |11{h:32}
datadog-api-key DD_API_KEY,DATADOG_API_KEY |{h:32}
datadog-app-key DD_APP_KEY,DATADOG_APP_KEY |{h:40}
splunk-token SPLUNK_HEC_TOKEN |{U}
sumologic-key SUMOLOGIC_ACCESS_KEY |{A:64}
twilio-auth-token TWILIO_AUTH_TOKEN |{h:32}
postmark-token POSTMARK_SERVER_TOKEN |{U}
plaid-secret PLAID_SECRET |{h:30}
paypal-secret PAYPAL_CLIENT_SECRET |{s:80}
braintree-key BRAINTREE_PRIVATE_KEY |{h:32}
adyen-key ADYEN_API_KEY |AQE{s:160}
algolia-admin-key ALGOLIA_ADMIN_KEY,ALGOLIA_ADMIN_API_KEY |{h:32}
okta-token OKTA_API_TOKEN |00{s:40}
auth0-secret AUTH0_CLIENT_SECRET |{s:64}
asana-secret ASANA_CLIENT_SECRET |{h:32}
twitter-secret TWITTER_API_SECRET,TWITTER_CONSUMER_SECRET |{A:50}
spotify-secret SPOTIFY_CLIENT_SECRET |{h:32}
twitch-secret TWITCH_CLIENT_SECRET |{l:30}
zoom-secret ZOOM_CLIENT_SECRET |{A:32}
pagerduty-key PAGERDUTY_API_KEY |u+{s:18}
opsgenie-key OPSGENIE_API_KEY |{U}
intercom-token INTERCOM_ACCESS_TOKEN |dG9rO{b:55}
mixpanel-secret MIXPANEL_API_SECRET |{h:32}
amplitude-secret AMPLITUDE_SECRET_KEY |{h:32}
segment-write-key SEGMENT_WRITE_KEY |{A:32}
rollbar-token ROLLBAR_ACCESS_TOKEN |{h:32}
bugsnag-key BUGSNAG_API_KEY |{h:32}
pusher-secret PUSHER_APP_SECRET,PUSHER_SECRET |{h:20}
ably-key ABLY_API_KEY |{s:6}.{s:6}:{s:43}
mux-secret MUX_TOKEN_SECRET |{b:75}
livekit-secret LIVEKIT_API_SECRET |{A:43}
upstash-token UPSTASH_REDIS_REST_TOKEN |A{A:3}AA{b:60}
flask-secret-key SECRET_KEY,FLASK_SECRET_KEY |{h:48}
django-secret-key DJANGO_SECRET_KEY |{A:20}$%{l:10}^{A:18}
rails-master-key RAILS_MASTER_KEY |{h:32}
rails-secret-base SECRET_KEY_BASE |{h:128}
nextauth-secret NEXTAUTH_SECRET,AUTH_SECRET |{b:43}=
jwt-secret JWT_SECRET |{s:48}
session-secret SESSION_SECRET |{h:64}
encryption-key ENCRYPTION_KEY |{b:43}= |{h:64}
webhook-secret GITHUB_WEBHOOK_SECRET,WEBHOOK_SECRET |{h:40}
api-key API_KEY,X_API_KEY,SERVICE_API_KEY |{A:32} |{h:32} |{A:24}
access-token ACCESS_TOKEN,AUTH_TOKEN,BOT_TOKEN |{A:40} |{s:32} |{h:40}
client-secret CLIENT_SECRET,OAUTH_CLIENT_SECRET |{A:32} |{s:40}
private-token PRIVATE_TOKEN,DEPLOY_TOKEN |{s:20} |{A:24}
wallet-private-key ETH_PRIVATE_KEY,DEPLOYER_PRIVATE_KEY,WALLET_PRIVATE_KEY 0x|{h:64} |{h:64}
"""

_CHAT = "https://chat.googleapis.com/v1/spaces/{s:11}/messages"

KINDS: list[Kind] = [
    *table(_FORMS, alone=True, source="scanners"),
    *table(_NAMED_ONLY, alone=False, source="scanners"),
    Kind(
        "google-chat-webhook",
        "keys",
        shaped(_CHAT + "?key=AIza" + BESIDE + "{s:35}" + CLOSE + "&token=|{s:43}"),
        ("CHAT_WEBHOOK",),
        alone=True,
        source="scanners",
    ),
]
