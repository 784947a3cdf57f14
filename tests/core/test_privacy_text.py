"""What is taken out of text, and what stays."""

from __future__ import annotations

import json
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opensession.core.privacy import Rules, Stripper, untag
from opensession.core.privacy.names import secret_name

KEY = b"k" * 32
STRIPPER = Stripper("/home/ann", KEY)
TAGGED = re.compile(r"\[redacted:([a-z-]+):[A-Z2-7]{8}\]")


def strip(text: str) -> str:
    """The text, stripped, with `#kind` in place of each tagged placeholder."""
    return TAGGED.sub(r"#\1", STRIPPER.strip_text(text)[0])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("/home/ann/x", "~/x"),
        ("see /home/ann.", "see ~."),
        ("cd '/home/ann' && ls", "cd '~' && ls"),
        ("file:///home/ann/x", "file://~/x"),
        ("a\\n/home/ann/x", "a\\n~/x"),
        ("--- a/home/ann/x.py", "--- a~/x.py"),
        ("cc -I/home/ann/include", "cc -I~/include"),
        ("\x1b[34m/home/ann/y", "\x1b[34m~/y"),
        ("/home/anna/x", "/home/[user]/x"),
        ("/Users/bob/x", "/home/[user]/x"),
        ("/Users/jürgen/x", "/home/[user]/x"),
        (r"C:\Users\Bob Smith\proj", r"/home/[user]\proj"),
        (r"C:\\Users\\bob\\p", r"/home/[user]\\p"),
        ("C:/Users/bob/p", "/home/[user]/p"),
        (r"a\nC:\\Users\\bob", r"a\n/home/[user]"),
        ("\\\\?\\C:\\Users\\bob", "\\\\?\\/home/[user]"),
        ("/mnt/c/Users/bob/p", "/home/[user]/p"),
        ("%2FUsers%2Fbob%2Fx", "%2Fhome%2F[user]%2Fx"),
        ("~/.claude/projects/-Users-bob-work/x", "~/.claude/projects/-home-[user]-work/x"),
        ("projects/-home-ann-work", "projects/-home-[user]-work"),
        ("projects/C--Users-bob-proj", "projects/-home-[user]-proj"),
    ],
)
def test_home_folders(text: str, expected: str) -> None:
    """DECISIONS §5: this user's home → `~`, another user's home → `/home/[user]`."""
    assert strip(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "/home/node/x", "/home/runner", "/home/ubuntu/a", "/home/vscode", "/home/user/x",
        "/home/app", "/home/root/x", "/home/circleci/p", "/Users/Shared/x", "C:\\Users\\Public\\x",
        "/home/$USER/x", "/home/<you>/x", "/home/*/x", "src/home/index.tsx",
        "https://example.com/home/about", "/api/Users/12", "foo -home-page", "/home/[user]/x",
    ],
)  # fmt: skip
def test_folders_that_name_nobody_stay(text: str) -> None:
    """DECISIONS §5: except image users and /Users/Shared."""
    assert STRIPPER.strip_text(text) == (text, {})


@pytest.mark.parametrize("home", ["/root", "/data/people/ann", "/home/ubuntu"])
def test_this_users_home_wherever_it_is(home: str) -> None:
    stripper = Stripper(home, KEY)
    assert stripper.strip_text(f"cat {home}/notes {home}2/x")[0].startswith("cat ~/notes ")
    assert home not in stripper.strip_text(f"cat {home}/notes")[0]


def test_a_home_that_is_everywhere_is_none() -> None:
    for home in ("", "/", "relative"):
        assert Stripper(home, KEY).strip_text("a / b relative /x") == ("a / b relative /x", {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("export OPENAI_API_KEY=sk-abc123def", "export OPENAI_API_KEY=#api-key"),
        ('export DB_PASSWORD="hunter2"', 'export DB_PASSWORD="#password"'),
        ("GITHUB_TOKEN=ghp_abc\nFOO=1", "GITHUB_TOKEN=#token\nFOO=1"),
        ("DB_PASSWORD=a,b;c&d\n", "DB_PASSWORD=#password\n"),
        ("a\\nTOKEN=abc\\nFOO=1", "a\\nTOKEN=#token\\nFOO=1"),
        ("docker run -e DB_PASSWORD=p@ss,word img", "docker run -e DB_PASSWORD=#password img"),
        ('-e "API_KEY=abc123"', '-e "API_KEY=#api-key"'),
        ("PGPASSWORD=abc psql", "PGPASSWORD=#password psql"),
        ("MYSQL_PWD=abc", "MYSQL_PWD=#password"),
        ('AWS_SECRET_ACCESS_KEY = "wJalr/XU+x"', 'AWS_SECRET_ACCESS_KEY = "#access-key"'),
        ("AWS_ACCESS_KEY_ID=AKIA1234", "AWS_ACCESS_KEY_ID=#access-key"),
        ("SECRET_KEY_BASE=0123456789abcdef", "SECRET_KEY_BASE=#key"),
        ("password: hunter2", "password: #password"),
        ("  password: correcthorse\n", "  password: #password\n"),
        ("client_secret: 'q'", "client_secret: '#secret'"),
        ("passphrase: 'correct horse battery'", "passphrase: '#password'"),
        ('{"apiKey": "abc123def"}', '{"apiKey": "#api-key"}'),
        ('{"db": {"dbPassword":"x y"}}', '{"db": {"dbPassword":"#password"}}'),
        ('{\\"apiKey\\": \\"abc\\"}', '{\\"apiKey\\": \\"#api-key\\"}'),
        ('{"token": 1234567890}', '{"token": "#token"}'),
        ('token := "abc"', 'token := "#token"'),
        ("'secret' => 'abc'", "'secret' => '#secret'"),
        ('os.environ["TOKEN"] = "abc"', 'os.environ["TOKEN"] = "#token"'),
        ('$env:TOKEN = "abc"', '$env:TOKEN = "#token"'),
        ("--token=abcdef123 x", "--token=#token x"),
        ("https://x.example/?access_token=abcdefgh&x=1",
         "https://x.example/?access_token=#token&x=1"),
        ("curl -H 'Authorization: Bearer abcdef'", "curl -H 'Authorization: Bearer #token'"),
        ("//registry/:_authToken=npm_abc12345678", "//registry/:_authToken=#token"),
        ('PRIVATE_KEY="-----BEGIN X-----\nabc\n-----END X-----"', 'PRIVATE_KEY="#private-key\n\n"'),
        ("credentials = 'aGVsbG8='", "credentials = '#credential'"),
    ],
)  # fmt: skip
def test_values_of_secret_names(text: str, expected: str) -> None:
    """DECISIONS §5: the value in NAME=value or NAME: value where NAME tells of a secret."""
    assert strip(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "API_KEY=${API_KEY}", "API_KEY=$KEY", "API_KEY=YOUR_API_KEY", "api_key: sk-...",
        "token: <token>", "TOKEN=", "secret: ''", "password: ********", "TOKEN=$(cat x)",
        "apiKey: process.env.X", "API_KEY = os.environ['X']", "password = get_password()",
        "const token = await getToken()", "let token = self.peek();", "token = tokens[i]",
        "token: string", "password: str", "token: &str,", "let mut token: Token = x",
        '"token": "string"', "password: null", "secret: true", "pin_secret: 12345",
        "password=password", "api_key=api_key)", "token = next_token", "if token == 'x'",
        "token::Kind", "the secret: it is", "type: password", "credentials: 'include'",
        "password: { type: String }", "Authorization: Bearer $TOKEN", "key: abc123456",
        "private_key: /etc/ssl/key.pem", '"password": "Enter your password"',
        "max_tokens: 4096", "token_count=5000000", "tokens = [1]", '"input_tokens": 500000',
        "next_page_token=abcdef12", "secret_name: db-main", "token_url = 'https://x.example/t'",
        "TOKEN=[redacted:token:ABCDEFGH]", "TOKEN=[redacted:token]", "PASSWORD=[REDACTED]",
    ],
)  # fmt: skip
def test_placeholders_code_and_other_names_stay(text: str) -> None:
    assert STRIPPER.strip_text(text) == (text, {})


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("OPENAI_API_KEY", "api-key"), ("x-api-key", "api-key"), ("apiKey2", "api-key"),
        ("db.password", "password"), ("DATABASE_PASSWD", "password"), ("authToken", "token"),
        ("csrf_token", "token"), ("reset_token", "token"), ("GCP_CREDENTIALS", "credential"),
        ("JWT_SECRET_PROD", "secret"), ("privateKey", "private-key"),
        ("max_tokens", None), ("tokenizer", None), ("tokens", None), ("secretary", None),
        ("password_length", None), ("has_token", None), ("prompt_token", None), ("key", None),
        ("monkey", None), ("primary_key", None), ("token_id", None), ("oldpwd", None),
    ],
)  # fmt: skip
def test_names_that_tell_of_a_secret(name: str, kind: str | None) -> None:
    found = secret_name(name)
    assert (found.kind if found else None) == kind


def test_a_tag_says_the_same_value_and_nothing_else() -> None:
    """DECISIONS §5: a tag from HMAC-SHA256 with a local key."""
    one = STRIPPER.strip_text("TOKEN=abc123xyz")[0]
    assert TAGGED.search(one)
    assert one.removeprefix("TOKEN=") in STRIPPER.strip_text("my_token: 'abc123xyz'")[0]
    assert one != STRIPPER.strip_text("TOKEN=abc123xyq")[0]
    assert one != Stripper("/home/ann", b"q" * 32).strip_text("TOKEN=abc123xyz")[0]


def test_untag_makes_two_machines_equal() -> None:
    """DECISIONS §5: what leaves carries `[redacted:<kind>]` without a tag."""
    other = Stripper("/Users/bob", b"q" * 32)
    assert untag(STRIPPER.strip_text("TOKEN=abc123xyz /home/ann/x")[0]) == untag(
        other.strip_text("TOKEN=abc123xyz /Users/bob/x")[0]
    )
    assert untag("TOKEN=[redacted:token:ABCDEFGH]") == "TOKEN=[redacted:token]"


def test_counts_by_kind() -> None:
    text = "/home/ann/x /home/ann/y /home/bob TOKEN=abc123xyz"
    assert STRIPPER.strip_text(text)[1] == {"home": 2, "user": 1, "token": 1}


def test_each_half_can_be_turned_off() -> None:
    text = "/home/ann/x TOKEN=abc123xyz"
    assert Stripper("/home/ann", KEY, Rules(strip_paths=False)).strip_text(text)[1] == {"token": 1}
    assert Stripper("/home/ann", KEY, Rules(strip_env_vars=False)).strip_text(text)[1] == {
        "home": 1
    }
    off = Stripper("/home/ann", KEY, Rules(strip_paths=False, strip_env_vars=False))
    assert off.strip_text(text) == (text, {})


fragments = st.sampled_from(
    ["/home/", "/Users/", "ann", "bob", "C:\\Users\\", "-home-", "--Users-", "%2Fhome%2F", "TOKEN",
     "password", "apiKey", "api_key", "Authorization", "=", ": ", "==", '"', "'", '\\"', '"""',
     "\n", "\\n", " ", "Bearer ", "$X", "${X}", "[redacted:", "token:", "]", "(", ")", ",", ";",
     "abc123", "-----BEGIN", "\ud800", "ü", "👍", "export ", "- ", "{", "}", "x" * 70]
)  # fmt: skip
texts = st.lists(fragments | st.text(max_size=6), max_size=14).map("".join)


@given(texts)
def test_stripping_twice_is_stripping_once(text: str) -> None:
    once, counts = STRIPPER.strip_text(text)
    assert STRIPPER.strip_text(once) == (once, {})
    assert (once == text) == (not counts)


@given(texts)
def test_lines_are_never_lost(text: str) -> None:
    assert STRIPPER.strip_text(text)[0].count("\n") == text.count("\n")


@given(st.dictionaries(texts, texts | st.integers() | st.none(), max_size=4))
def test_json_stays_json(value: dict[str, object]) -> None:
    for text in (json.dumps(value), json.dumps(value, indent=1), json.dumps(json.dumps(value))):
        json.loads(STRIPPER.strip_text(text)[0])


@given(st.text(alphabet=string.ascii_letters + string.digits + " .,\n(){}/-_", max_size=300))
def test_text_without_a_keyword_is_the_same_object(text: str) -> None:
    words = ("token", "secret", "passw", "credential", "key", "authorization", "pwd")
    if any(word in text.lower() for word in (*words, "/home/", "/users/", "-home-", "-users-")):
        return
    assert STRIPPER.strip_text(text)[0] is text


secrets = st.text(
    alphabet=string.ascii_letters + string.digits + "+/_-", min_size=12, max_size=60
).filter(lambda value: any(c.isdigit() for c in value) and value[0].isalpha() and "/" not in value)


@given(
    secrets,
    st.sampled_from(
        ["export GITHUB_TOKEN=%s", 'API_KEY="%s"', "  db_password: %s", '{"apiKey": "%s"}',
         "run -e X_SECRET=%s img", "const secret = '%s';", "--password=%s",
         '{\\"token\\":\\"%s\\"}', "x\\nTOKEN=%s\\ny", "Authorization: Bearer %s",
         "a?access_token=%s&b=1"]
    ),
    st.text(max_size=10),
    st.text(max_size=10),
)  # fmt: skip
def test_a_planted_value_never_survives(secret: str, form: str, before: str, after: str) -> None:
    planted = "zz" + secret  # never a word of examples
    text = f"{before}\n{form % planted}\n{after}"
    assert planted not in STRIPPER.strip_text(text)[0]


@given(
    st.from_regex(r"[a-z][a-z0-9]{3,12}", fullmatch=True),
    st.sampled_from(["/home/{}/x", "/Users/{}/x", "C:\\Users\\{}\\x", "/mnt/c/Users/{}/x",
                     "'/home/{}'", "/root/.claude/projects/-Users-{}-x"]),
)  # fmt: skip
def test_a_users_name_never_survives(name: str, form: str) -> None:
    if name in ("node", "runner", "ubuntu", "vscode", "user", "root", "circleci", "users", "home"):
        return
    user = "zq" + name
    assert user not in STRIPPER.strip_text(form.format(user))[0]


@pytest.mark.parametrize("text", ["token=", "token ", 'password="', "/home/", "secret_", "a_key: "])
def test_hostile_text_costs_no_more_than_its_length(text: str) -> None:
    """Work is counted in calls, not in seconds: twice the text, about twice the calls."""
    import cProfile
    import pstats

    def calls(length: int) -> int:
        profile = cProfile.Profile()
        profile.runcall(STRIPPER.strip_text, text * length)
        return int(pstats.Stats(profile).total_calls)  # type: ignore[attr-defined]

    assert calls(12_000) < 2.5 * calls(6_000)
