# noqa: INP001 - a program's module, not a package
"""The parts of `docs/privacy.md` that the code says: sets with their modes, and kinds."""

from __future__ import annotations

import importlib
import pkgutil

from opensession.core.privacy import kinds
from opensession.core.privacy.rules import SETS

_SETS = (
    "<!-- privacy sets: written by scripts/gen_docs.py -->\n",
    "<!-- end of privacy sets -->\n",
)
_KINDS = (
    "<!-- privacy kinds: written by scripts/gen_docs.py -->\n",
    "<!-- end of privacy kinds -->\n",
)


def privacy_page(page: str) -> str:
    """The page with its tables as the code has them."""
    return _filled(_filled(page, _SETS, _sets()), _KINDS, _kinds())


def _filled(page: str, marks: tuple[str, str], text: str) -> str:
    begin, end = marks
    before, _, rest = page.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n{text}\n{end}{after}"


def _sets() -> str:
    lines = ["| set | what | mode unless told |", "|---|---|---|"]
    lines += [f"| `{one.name}` | {one.doc} | `{one.default_mode}` |" for one in SETS.values()]
    return "\n".join(lines) + "\n"


def _kinds() -> str:
    families: list[str] = []
    for found in pkgutil.iter_modules(kinds.__path__):
        family = importlib.import_module(f"{kinds.__name__}.{found.name}")
        names = sorted({kind.name for kind in getattr(family, "KINDS", ())})
        if names:
            title = (family.__doc__ or "").partition("\n")[0].rstrip(".")
            families.append(f"- {title}: " + ", ".join(f"`{name}`" for name in names))
    total = len({kind.name for kind in kinds.KINDS})
    return f"{total} kinds, in families:\n\n" + "\n".join(families) + "\n"
