"""Secrets that are known by where they stand: passwords, headers, addresses, command lines."""

from __future__ import annotations

from random import Random
from urllib.parse import quote

from bench.privacy_labels.kind import Kind, Make, shaped
from bench.privacy_labels.shapes import b64, password, run
from bench.privacy_labels.wrappings import BESIDE, CLOSE

_KEY_ID = "AKIA" + "Q3EGRNTHUWXYZ234"


def _password(random: Random) -> str:
    return "|" + password(random)


def _in_url(random: Random) -> str:
    return "|" + quote(password(random), safe="")


def _basic(random: Random) -> str:
    user = random.choice(("deploy", "ann.lee", "svc-build", "admin"))
    return "|" + b64(f"{user}:{password(random)}".encode())


def _unfolded(lines: str) -> tuple[str, ...]:
    r"""One text per line; a line break within a text is written \n, a key's id \beside."""
    return tuple(
        line.replace("\\n", "\n").replace("\\beside", f"{BESIDE}{_KEY_ID}{CLOSE}")
        for line in lines.split("\n")
        if line
    )


def _kind(name: str, set_name: str, make: Make, lines: str) -> Kind:
    return Kind(name, set_name, make, lines=_unfolded(lines))


_SIGNED = shaped("|{h:64}")
_OPAQUE = shaped("|{A:40} |{s:48} |{h:40}")

KINDS: list[Kind] = [
    Kind(
        "password",
        "assignments",
        _password,
        ("DB_PASSWORD", "POSTGRES_PASSWORD", "SMTP_PASSWORD", "REDIS_PASSWORD", "ADMIN_PASSWORD",
         "MYSQL_ROOT_PASSWORD", "PGPASSWORD", "KEYSTORE_PASSPHRASE", "ADMIN_PASSWD"),
    ),
    _kind("url-password", "urls", _in_url, r"""
postgres://app:{}@db.internal:5432/app
postgresql+asyncpg://svc_orders:{}@10.0.3.7/orders?sslmode=require
mongodb+srv://reader:{}@cluster0.ab1cd.mongodb.net/prod?retryWrites=true
redis://default:{}@cache.acme.dev:6379/0
rediss://:{}@cache.acme.dev:6380
amqp://worker:{}@mq.acme.dev:5672/%2f
mysql://root:{}@127.0.0.1:3306/shop
https://ann:{}@git.acme.dev/team/app.git
ftp://upload:{}@files.acme.dev/in
smtp://mailer:{}@smtp.acme.dev:587
clickhouse://default:{}@ch.acme.dev:9440/events
ldap://cn=admin:{}@ldap.acme.dev
"""),
    _kind("url-token", "urls", _OPAQUE, r"""
https://{}@github.com/acme/app.git
https://oauth2:{}@gitlab.acme.dev/team/app.git
https://x-access-token:{}@github.com/acme/app.git
"""),
    _kind("query-secret", "urls", _OPAQUE, r"""
https://api.acme.dev/v1/items?access_token={}&page=2
GET /callback?state=8f2&client_secret={} HTTP/1.1
https://maps.acme.dev/tiles?api_key={}
wss://stream.acme.dev/live?token={}
https://hooks.acme.dev/in?auth={}&id=7
"""),
    _kind("aws-signature", "urls", _SIGNED, r"""
https://bucket.s3.amazonaws.com/a.csv?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&X-Amz-Signature={}
"""),
    _kind("azure-sas", "urls", shaped("|{A:43}%3D"), r"""
https://acme.blob.core.windows.net/c/a.csv?sv=2024-05-04&se=2026-12-01T00%3A00%3A00Z&sr=b&sp=r&sig={}
"""),
    _kind("ado-password", "urls", _password, r"""
Server=tcp:acme.database.windows.net,1433;Database=shop;User ID=app;Password={};Encrypt=True;
Data Source=db;Initial Catalog=shop;User Id=sa;Pwd={};
"ConnectionString": "Host=db;Username=app;Password={};Database=shop"
Driver={ODBC Driver 18 for SQL Server};Server=db;Uid=app;Pwd={};
"""),
    _kind("jdbc-password", "urls", _in_url, r"""
jdbc:postgresql://db.acme.dev:5432/app?user=app&password={}
jdbc:mysql://db/app?useSSL=false&user=root&password={}&serverTimezone=UTC
"""),
    _kind("azure-connection-key", "urls", shaped("|{b:86}=="), r"""
DefaultEndpointsProtocol=https;AccountName=acmestore;AccountKey={};EndpointSuffix=core.windows.net
AccountEndpoint=https://acme.documents.azure.com:443/;AccountKey={};
"""),
    _kind("azure-shared-key", "urls", shaped("|{b:43}="), r"""
Endpoint=sb://acme.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey={}
HostName=acme.azure-devices.net;DeviceId=d1;SharedAccessKey={}
"""),
    _kind("bearer-token", "headers", _OPAQUE, r"""
Authorization: Bearer {}
curl -H "Authorization: Bearer {}" https://api.acme.dev/v1/me
-H 'authorization: Bearer {}' \
headers = {"Authorization": "Bearer {}"}
> Authorization: Bearer {}
"Authorization": "Bearer {}",
fetch(url, { headers: { Authorization: 'Bearer {}' } })
authorization=[Bearer {}]
"""),
    _kind("token-header", "headers", _OPAQUE, r"""
Authorization: token {}
PRIVATE-TOKEN: {}
X-Api-Key: {}
x-auth-token: {}
curl -H "X-Vault-Token: {}" https://vault.acme.dev/v1/secret/data/app
"x-api-key": "{}",
curl -s -H 'apikey: {}' https://acme.supabase.co/rest/v1/items
"""),
    _kind("basic-auth", "headers", _basic, r"""
Authorization: Basic {}
"Authorization": "Basic {}"
Proxy-Authorization: Basic {}
curl -H 'Authorization: Basic {}' https://api.acme.dev
"""),
    _kind("cookie", "headers", shaped("|{s:43} |{h:64} |{A:32}"), r"""
Cookie: sessionid={}; theme=dark
Set-Cookie: session={}; Path=/; HttpOnly; Secure
set-cookie: connect.sid={}; Max-Age=3600
curl -b 'session={}' https://acme.dev/account
cookie: _gh_sess={}
"""),
    _kind("docker-auth", "headers", _basic, r"""
{"auths": {"ghcr.io": {"auth": "{}"}}}
"https://index.docker.io/v1/": { "auth": "{}" }
"""),
    _kind("npmrc-token", "assignments", shaped("|{U} |{A:40} |{b:48}"), r"""
//registry.npmjs.org/:_authToken={}
//npm.acme.dev/repository/private/:_authToken="{}"
npm config set //registry.acme.dev/:_authToken {}
_password={}
"""),
    _kind("netrc-password", "assignments", _password, r"""
machine github.com login ann password {}
machine api.heroku.com login a@acme.dev password {}
"""),
    _kind("pgpass", "assignments", _password, r"""
db.acme.dev:5432:app:svc_orders:{}
localhost:5432:*:postgres:{}
"""),
    _kind("cli-password", "assignments", _password, r"""
mysql -u root -p{} shop < dump.sql
sshpass -p '{}' ssh deploy@10.0.3.7 uptime
docker login -u ann -p {} registry.acme.dev
curl -u ann:{} https://nexus.acme.dev/repository/raw/a.tgz
curl --user 'ann:{}' https://api.acme.dev
psql "host=db user=app password={} dbname=shop"
PGPASSWORD={} psql -h db -U app shop
redis-cli -h cache -a {} ping
mongosh --username root --password {} admin
echo '{}' | sudo -S systemctl restart app
wget --http-user=ann --http-password={} https://files.acme.dev/a.tgz
openssl pkcs12 -in a.p12 -passin pass:{} -nodes
htpasswd -b .htpasswd ann {}
net use Z: \\files\share {} /user:ann
"""),
    _kind("cli-token", "assignments", _OPAQUE, r"""
vault login {}
gh auth login --with-token <<< {}
npx deploy --token {} --prod
netlify deploy --auth {}
sentry-cli --auth-token {} releases list
firebase deploy --token "{}"
az login --service-principal -u app -p {} --tenant acme
argocd login cd.acme.dev --auth-token={}
gitlab-runner register --registration-token {} --url https://gitlab.acme.dev
twine upload -u __token__ -p {} dist/*
"""),
    _kind("prose-password", "assignments", _password, r"""
The password is {} and the user is admin.
password: {}
my db password = {}
Passwort: {}
log in with user admin, password "{}"
"""),
    _kind("hash-of-password", "assignments",
          lambda random: f"|$2b$12${run(random, 'A', 53)}", r"""
admin:{}
"password_hash": "{}"
basic_auth_users:\n  ann: {}
"""),
    _kind("totp-seed", "assignments", shaped("|{r:32} |{r:16}"), r"""
otpauth://totp/Acme:ann?secret={}&issuer=Acme
"""),
    _kind("kubernetes-secret", "assignments",
          lambda random: "|" + b64(password(random).encode()), r"""
apiVersion: v1\nkind: Secret\nmetadata:\n  name: db\ndata:\n  password: {}
kind: Secret\ndata:\n  DB_PASSWORD: {}\n  username: YXBw
"""),
    _kind("xml-password", "assignments", _password, r"""
<password>{}</password>
<add key="DbPassword" value="{}" />
<property name="hibernate.connection.password">{}</property>
<server><id>acme</id><username>ann</username><password>{}</password></server>
"""),
    _kind("aws-pair", "keys", shaped("|{b:40}"), r"""
aws_access_key_id = \beside\naws_secret_access_key = {}
Access key ID,Secret access key\n\beside,{}
"AccessKeyId": "\beside",\n"SecretAccessKey": "{}",
"""),
]  # fmt: skip
