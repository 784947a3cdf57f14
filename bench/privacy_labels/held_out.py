"""Kinds and places that no detector was made for, and that none is to be made for.

Written down from what vendors document of their keys and from what commands take, before the rules
for keys of no known vendor were. It stays out of the labelled set, and misses of it are not mended
one by one: only so does it say what is found of what nobody thought of. Who adds a kind that is in
it takes it out here.
"""

from __future__ import annotations

from random import Random

from bench.privacy_labels.kind import Kind, Make, shaped, table
from bench.privacy_labels.shapes import password

_FORMS = """
adapty-key ADAPTY_SECRET_KEY secret_live_|{A:32}
africastalking-key AT_API_KEY atsk_|{h:64}
aftership-key AFTERSHIP_API_KEY asat_|{h:32}
ably-key ABLY_API_KEY |{A:6}.{A:6}:{s:43}
anyscale-key ANYSCALE_API_KEY esecret_|{l:26}
apidog-token APIDOG_ACCESS_TOKEN APS-|{A:32}
astra-token ASTRA_DB_APPLICATION_TOKEN AstraCS:|{A:24}:{h:64}
blockfrost-key BLOCKFROST_PROJECT_KEY mainnet|{A:32}
builder-key BUILDER_PRIVATE_KEY bpk-|{h:32}
cal-com-key CALCOM_API_KEY cal_live_|{h:32}
cartesia-key CARTESIA_API_KEY sk_car_|{A:22}
census-token CENSUS_API_TOKEN secret-token:|{A:24}
checkout-com-key CKO_SECRET_KEY sk_sbx_|{l:27}
close-key CLOSE_API_KEY api_|{A:22}.{A:22}
codesandbox-token CSB_API_TOKEN csb_v1_|{s:43}
coingecko-key COINGECKO_API_KEY CG-|{A:24}
coralogix-key CORALOGIX_API_KEY cxtp_|{A:30}
courier-token COURIER_AUTH_TOKEN pk_prod_|{u:28}
daytona-key DAYTONA_API_KEY dtn_|{h:64}
dbt-cloud-token DBT_API_TOKEN dbtu_|{s:48}
depot-token DEPOT_TOKEN depot_project_|{h:64}
dnsimple-token DNSIMPLE_TOKEN dnsimple_a_|{A:32}
documenso-key DOCUMENSO_API_KEY api_|{l:16}
dotenv-vault-token DOTENV_VAULT_TOKEN vlt_|{h:64}
dynamic-token DYNAMIC_AUTH_TOKEN dyn_|{A:56}
firehydrant-token FIREHYDRANT_API_TOKEN fhb-|{h:32}
flagsmith-key FLAGSMITH_SERVER_KEY ser.|{A:22}
foursquare-key FOURSQUARE_API_KEY fsq3|{b:44}=
ghost-admin-key GHOST_ADMIN_API_KEY |{h:24}:{h:64}
gitbook-token GITBOOK_API_TOKEN gb_api_|{A:40}
hex-tech-token HEX_API_TOKEN hxtp_|{h:96}
humanloop-key HUMANLOOP_API_KEY hl_sk_|{h:48}
hyperbrowser-key HYPERBROWSER_API_KEY hb_|{h:32}
imagekit-key IMAGEKIT_PRIVATE_KEY private_|{b:27}=
jumpcloud-key JUMPCLOUD_API_KEY jca_|{A:36}
kaggle-token KAGGLE_API_TOKEN KGAT_|{h:32}
keygen-token KEYGEN_PRODUCT_TOKEN prod-|{h:64}v3
kit-key KIT_API_KEY kit_|{h:32}
klaviyo-key KLAVIYO_API_KEY pk_|{h:34}
kong-token KONNECT_TOKEN kpat_|{A:49}
lambda-cloud-key LAMBDA_API_KEY secret_ci_|{h:32}.{A:32}
lightdash-token LIGHTDASH_API_KEY ldpat_|{h:32}
llamacloud-key LLAMA_CLOUD_API_KEY llx-|{A:48}
luma-key LUMAAI_API_KEY luma-|{U}-{U}
materialize-password MZ_APP_PASSWORD mzp_|{h:64}
matrix-token MATRIX_ACCESS_TOKEN syt_|{b:12}_{A:20}_{A:6}
mem0-key MEM0_API_KEY m0-|{A:40}
mercadopago-token MP_ACCESS_TOKEN APP_USR-|{d:16}-{d:6}-{h:32}-{d:9}
metabase-key METABASE_API_KEY mb_|{b:43}=
modal-token MODAL_TOKEN_SECRET as-|{A:22}
modrinth-token MODRINTH_TOKEN mrp_|{A:60}
n8n-key N8N_API_KEY n8n_api_|{h:80}
nomic-key NOMIC_API_KEY nk-|{s:43}
omise-key OMISE_SECRET_KEY skey_|{l:19}
onfido-token ONFIDO_API_TOKEN api_live.|{s:11}.{s:32}
ory-token ORY_ACCESS_TOKEN ory_pat_|{A:32}
outline-key OUTLINE_API_KEY ol_api_|{A:38}
permit-key PERMIT_API_KEY permit_key_|{A:86}
phabricator-token CONDUIT_TOKEN api-|{l:28}
phylum-token PHYLUM_API_KEY ph0_|{s:40}
pimlico-key PIMLICO_API_KEY pim_|{A:22}
pinterest-token PINTEREST_ACCESS_TOKEN pina_|{u:64}
plane-key PLANE_API_KEY plane_api_|{h:32}
porkbun-key PORKBUN_SECRET_API_KEY sk1_|{h:64}
predibase-token PREDIBASE_API_TOKEN pb_|{s:22}
promptlayer-key PROMPTLAYER_API_KEY pl_|{h:32}
quicknode-key QUICKNODE_API_KEY QN_|{h:32}
remote-com-token REMOTE_API_TOKEN ra_live_|{A:40}
retool-token RETOOL_ACCESS_TOKEN retool_01|{l:24}
riot-key RIOT_API_KEY RGAPI-|{U}
runway-key RUNWAYML_API_SECRET key_|{h:128}
smtp2go-key SMTP2GO_API_KEY api-|{H:32}
socket-dev-key SOCKET_API_KEY sktsec_|{s:40}_api
stytch-secret STYTCH_SECRET secret-live-|{s:32}=
svix-key SVIX_API_KEY testsk_|{s:32}.us
telnyx-key TELNYX_API_KEY KEY|{H:32}_{A:22}
unleash-token UNLEASH_API_TOKEN default:production.|{h:56}
upcloud-token UPCLOUD_TOKEN ucat_|{u:26}
uptimerobot-key UPTIMEROBOT_API_KEY u|{d:7}-{h:24}
xendit-key XENDIT_SECRET_KEY xnd_production_|{A:60}
zoho-token ZOHO_REFRESH_TOKEN 1000.|{h:32}.{h:32}
"""

_OPAQUE = shaped("|{A:32} |{h:40} |{s:43}")


def _password(random: Random) -> str:
    return "|" + password(random)


def _places(name: str, make: Make, lines: str) -> Kind:
    texts = (line.replace("\\n", "\n") for line in lines.split("\n") if line)
    return Kind(name, "assignments", make, lines=tuple(texts))


KINDS: tuple[Kind, ...] = (
    *table(_FORMS, alone=True),
    _places(
        "held out: key in a place",
        _OPAQUE,
        r"""
git config --global http.extraheader "AUTHORIZATION: bearer {}"
pip install --index-url https://__token__:{}@pypi.acme.dev/simple acme
helm upgrade --set-string apiKey={} acme ./chart
terraform apply -var 'api_token={}'
vercel env add ACME_KEY production <<< "{}"
railway variables --set "ACME_KEY={}"
api.defaults.headers.common["X-Api-Key"] = "{}"
@Value("${acme.token:{}}")
credentials "app.terraform.io" {\n  token = "{}"\n}
npmAuthToken: "{}"
bundle config gems.acme.dev {}
composer config --global github-oauth.github.com {}
cargo login {}
poetry config pypi-token.pypi {}
wandb login {}
tailscale up --authkey={}
mix hex.user auth --key {}
{"key": "X-Auth", "value": "{}", "type": "secret"}
secret_key     {}  shared-credentials-file
x-goog-api-key: {}
https://api.acme.dev/v1/search?apikey={}&q=a
grpcurl -H 'authorization: {}' api.acme.dev:443 list
.withToken("{}")
req.SetBearerAuth("{}")
new Octokit({ auth: "{}" })
createClient("https://acme.dev", "{}")
openai.api_key = "{}"
LICENSE={}
signing secret => {}
const key = Buffer.from("{}")
""",
    ),
    _places(
        "held out: password in a place",
        _password,
        r"""
<input type="password" name="pw" value="{}">
<Password><Value>{}</Value><PlainText>true</PlainText></Password>
wpa_passphrase acme {}
        psk="{}"
nmcli dev wifi connect acme password {}
mount -t cifs //files/share /mnt -o username=ann,password={}
lftp -u ann,{} sftp://files.acme.dev
xfreerdp /u:ann /p:{} /v:10.0.3.7
ssh-keygen -t ed25519 -N '{}' -f key
unzip -P {} a.zip
cqlsh -u cassandra -p {} db
NEO4J_AUTH=neo4j/{}
rclone obscure {}
svn co --username ann --password {} https://svn.acme.dev/app
ipmitool -I lanplus -H 10.0.3.7 -U admin -P {} chassis status
net user ann {} /add
ConvertTo-SecureString "{}" -AsPlainText -Force
cmdkey /add:files /user:ann /pass:{}
login: admin / {}
user admin, pw {}
pw: {}
PW={}
auth-user-pass ann {}
$ticket = kinit ann <<< '{}'
machine login: ann\nPassword: {}\nLast login: Mon
new password: {}
hasło: {}
salasana: {}
basicAuth("ann", "{}")
conn = pymysql.connect("db", "ann", "{}", "shop")
""",
    ),
)
