"""Values below the name of a column: CSV, drawn tables, `INSERT`."""

from __future__ import annotations

import pytest

from opensession.core.privacy import Stripper

STRIPPER = Stripper("/home/annette", b"k" * 32)
VALUE = "qs353f2Huu6mXrxW"
OTHER = "FzYI20eBahcyXic6"


@pytest.mark.parametrize(
    "content",
    [
        f"user,password,role\nbob,{VALUE},admin\n",
        f"user,password\nann,{OTHER}\nbob,{VALUE}",
        f"password;user\r\n{VALUE};bob\r\n",
        f"user\tpassword\nbob\t{VALUE}\n",
        f"user\tpassword\trole\nbob\t{VALUE}\tadmin\n",
        f'name,"password"\n"bob, jr","{VALUE}"\n',
        f"id;name;api_key\n1;prod;{'9f8e2b6c9d1a4375' * 2}",
        f"     1\tuser,password\n     2\tbob,{VALUE}",
        f"1→user,password\n2→bob,{VALUE}",
        f"+user,password\n+bob,{VALUE}",
        f'{{"stdout": "user,password\\nbob,{VALUE}\\n"}}',
        f"+------+----------+\n| user | password |\n+------+----------+\n| bob  | {VALUE} |\n",
        f"| user | password |\n|------|---|\n| ann | `{OTHER}` |\n| bob | `{VALUE}` |\n",
        f" user | password \n------+----------\n bob  | {VALUE}\n(1 row)\n",
        f"│ user │ password │\n├──────┼──────────┤\n│ bob  │ {VALUE} │\n",
        f"┃ user ┃ password ┃\n┡━━━━━━╇━━━━━━━━━━┩\n│ bob  │ {VALUE} │\n",
        f"INSERT INTO users (name, password) VALUES ('bob', '{VALUE}');",
        f"insert into `users` (`name`,\n `password`)\nvalues ('a','{OTHER}'),\n ('b', '{VALUE}');",
        f"INSERT INTO t (a, f, password) VALUES (1, crypt('x', gen_salt('bf')), '{VALUE}')",
        f"\"psql -c \\\"INSERT INTO users (name, password) VALUES ('it''s', '{VALUE}')\\\"\"",
    ],
)
def test_a_value_below_the_name_of_a_secret_is_taken_out(content: str) -> None:
    stripped, counts = STRIPPER.strip_text(content)

    assert VALUE not in stripped
    assert OTHER not in stripped
    assert "9f8e2b6c" not in stripped
    assert counts and stripped.count("[redacted:") == sum(counts.values())
    assert stripped.count("\n") == content.count("\n")
    assert STRIPPER.strip_text(stripped)[0] is stripped


@pytest.mark.parametrize(
    "content",
    [
        "token,count,share\nfoo,12,0.3\nbar2,9,0.2\n",
        "| token | meaning |\n|---|---|\n| `IDENT2` | a name |\n| kw_return1 | x |\n",
        "│ user │ password │\n│ bob  │ (null) │\n",
        "user,password,role\n\nlater the password1x is y",
        "user,password\nbob,changeme\nann,${PASSWORD}\n",
        "def f(\n    user, password, role\n):\n    a1b2c3, d4e5f6, g7h8i9\n",
        "import (\n    _X25519PrivateKey,\n    _X25519PublicKey,\n)\n",
        '    "no_proxy",\n    "password",\n    "perl5lib_verbosity",\n',
        "INSERT INTO lex (token, n) VALUES ('foo', 3), ('bar2', 4);",
        "INSERT INTO users (name, password) VALUES (?, ?), ($1, $2), (%s, :password);",
        "INSERT INTO users (name, password) VALUES ('bob', 'changeme'), ('a', crypt('x', 'y'));",
        f"INSERT INTO files (name, digest) VALUES ('bob', '{VALUE}');",
        f"user,commit\nbob,{VALUE}\n",
    ],
)
def test_what_is_no_secret_below_a_name_stays(content: str) -> None:
    assert STRIPPER.strip_text(content)[0] is content
