"""Kinds and places that were written down after the detectors were.

At first sight this measured what the detectors make of a vendor or a place they were not made for
(the figures are in `docs/privacy.md`); what was learned of it since is no such measure any more.
"""

from __future__ import annotations

from random import Random

from bench.privacy_labels.kind import Kind, Make, shaped, table
from bench.privacy_labels.shapes import password

_FORMS = """
asaas-key ASAAS_API_KEY $aact_prod_|{A:160}
chief-tools-token CHIEF_TOKEN ctp_|{A:36}
cockroach-key COCKROACH_API_KEY CCDB1_|{A:22}_{A:40}
cfx-key CFX_KEY cfxk_|{A:20}_{A:6}
defined-networking-token DN_API_TOKEN dnkey-|{l:26}-{l:52}
devcycle-key DEVCYCLE_KEY dvc_server_|{h:32}
dvc-studio-token DVC_STUDIO_TOKEN isat_|{A:50}
elastic-key ELASTIC_API_KEY essu_|{b:60}==
gocardless-token GOCARDLESS_TOKEN live_|{s:40}
ionic-token IONIC_TOKEN ion_|{l:42}
lichess-token LICHESS_TOKEN lip_|{A:20}
lob-key LOB_API_KEY live_|{h:35} test_|{h:35}
logfire-token LOGFIRE_TOKEN pylf_v1_us_|{A:43}
logicmonitor-token LM_BEARER_TOKEN lmb_|{A:60}
mailersend-token MAILERSEND_API_KEY mlsn.|{h:64}
maxmind-key MAXMIND_LICENSE_KEY |{A:6}_{A:29}_mmk
midtrans-key MIDTRANS_SERVER_KEY Mid-server-|{s:24} SB-Mid-server-|{s:24}
nightfall-key NIGHTFALL_API_KEY NF-|{A:32}
paddle-key PADDLE_API_KEY pdl_live_apikey_|{l:26}_{A:22}_{A:3}
pangea-token PANGEA_TOKEN pts_|{l:32}
persona-key PERSONA_API_KEY persona_production_|{U}
pubnub-secret PUBNUB_SECRET_KEY sec-c-|{b:48}
samsara-token SAMSARA_API_TOKEN samsara_api_|{A:30}
settlemint-token SETTLEMINT_TOKEN sm_pat_|{A:16}
sindri-key SINDRI_API_KEY sindri_|{A:32}
thunderstore-token TSS_TOKEN tss_|{A:36}
trello-token TRELLO_TOKEN ATTA|{h:72}
unkey-root-key UNKEY_ROOT_KEY unkey_|{A:22}
vercel-blob-token BLOB_READ_WRITE_TOKEN vercel_blob_rw_|{A:16}_{A:30}
wakatime-key WAKATIME_API_KEY waka_|{U}
wandb-new-key WANDB_API_KEY wandb_v1_|{A:80}
yandex-oauth-token YANDEX_OAUTH_TOKEN y0_|{s:55}
zuplo-key ZUPLO_API_KEY zpka_|{h:32}_{h:8}
"""

_OPAQUE = shaped("|{A:32} |{h:40} |{s:43}")


def _password(random: Random) -> str:
    return "|" + password(random)


def _places(name: str, make: Make, lines: str) -> Kind:
    texts = (line.replace("\\n", "\n") for line in lines.split("\n") if line)
    return Kind(name, "assignments", make, lines=tuple(texts))


KINDS: tuple[Kind, ...] = (
    *table(_FORMS, alone=True, source="scanners"),
    _places(
        "later: key in a place",
        _OPAQUE,
        r"""
kubectl create secret generic acme --from-literal=API_KEY={}
aws configure set aws_secret_access_key {}
sed -i 's/^API_KEY=.*/API_KEY={}/' .env
API_KEY ?= {}
%env ACME_API_KEY={}
setx ACME_TOKEN {}
set -gx ACME_TOKEN {}
val apiKey = "{}"
{"name": "ACME_SECRET", "value": "{}"}
ParameterKey=ApiKey,ParameterValue={}
echo "ACME_TOKEN={}" >> $GITHUB_ENV
-H "Ocp-Apim-Subscription-Key: {}"
client.set_auth_token("{}")
requests.get(url, headers={"Authorization": f"Token {}"})
requests.post(url, auth=("api", "{}"))
export default { secret: `{}` }
spring.security.oauth2.client.registration.acme.client-secret={}
acme.config.ApiKey = '{}';
-Dacme.api.key={}
ACME_TOKEN := {}
fmt.Println("token:", "{}")
| API_KEY | {} |
wrangler secret put: ACME_TOKEN = {}
The API key is {}
{"access_token":"{}","token_type":"Bearer","expires_in":3600}
{"refresh_token": "{}"}
token={}
apikey {}
buildConfigField 'String', 'API_KEY', '"{}"'
""",
    ),
    _places(
        "later: password in a place",
        _password,
        r"""
ALTER USER app WITH PASSWORD '{}';
CREATE USER 'app'@'%' IDENTIFIED BY '{}';
CREATE ROLE app LOGIN PASSWORD '{}';
requirepass {}
connect(host="db", user="app", password='{}')
--set auth.postgresPassword={}
POSTGRES_PASSWORD: {} # dev only
smbclient //files/share -U 'ann%{}'
mysqldump --password={} shop
{"username": "ann", "password": "{}"}
username=ann&password={}&grant_type=password
ansible_become_pass: {}
ansible_ssh_pass={}
PASS="{}"
passphrase: '{}'
spring.datasource.password={}
GF_SECURITY_ADMIN_PASSWORD={}
rabbitmqctl add_user ann {}
echo "ann:{}" | chpasswd
gpg --batch --passphrase '{}' -d a.gpg
await page.fill('#password', '{}')
cy.get('[name=password]').type('{}')
new NetworkCredential("ann", "{}")
new DirectoryEntry("LDAP://ad.acme.dev", "ann", "{}");
  password        => '{}',
:password => '{}',
common.logIn({ username: 'ann', password: '{}' });
The default password for the user "ann" is "{}".
ensure the password is "{}" and press the button
connectionString="Server=db; Database=shop; User Id=app; password= {}"
$user = "app";  $password = "{}";
string backend_pass = "{}";
Ldap password      ---- {}
Secret: {}
""",
    ),
)
