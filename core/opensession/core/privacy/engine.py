"""From rules to a scanner, and from a text to what it is without what was found."""

from __future__ import annotations

from collections.abc import Sequence

from opensession.core.privacy.blocks import block_detectors, lines_of
from opensession.core.privacy.colours import colour_detector
from opensession.core.privacy.columns import column_detectors
from opensession.core.privacy.commands import command_detectors
from opensession.core.privacy.declared import declared_detectors
from opensession.core.privacy.detector import Detector, Found, Sweep
from opensession.core.privacy.env import env_detector
from opensession.core.privacy.gather import located
from opensession.core.privacy.headers import header_detectors
from opensession.core.privacy.identities import identity_detectors
from opensession.core.privacy.kinds import KINDS
from opensession.core.privacy.known import Finder, Known, memorable
from opensession.core.privacy.own import own_sweep
from opensession.core.privacy.paths import path_detectors
from opensession.core.privacy.personal import (
    card_sweep,
    health_detector,
    iban_sweep,
    mail_detector,
    phone_sweep,
)
from opensession.core.privacy.redaction import placeholder
from opensession.core.privacy.rules import OWN, SETS, Rules, mode_of
from opensession.core.privacy.scanner import Hits, Scanner, united
from opensession.core.privacy.unknown import unknown_sweep
from opensession.core.privacy.urls import url_detectors
from opensession.core.privacy.vendors import kind_detector
from opensession.core.privacy.view import BEGINNINGS

PASSES = 4
"""So often a text is looked at: what is taken out may show what it hid."""

Counts = dict[str, int]


class Engine:
    """Finds and replaces in bytes, under one set of rules. Immutable."""

    def __init__(self, home: str, host: str, key: bytes, rules: Rules) -> None:
        self.key = key
        self._modes = {name: mode_of(rules, name) for name in SETS}
        self.names_count = self.mode("assignments", "") in ("redact", "block")
        self._own = {pattern.name: pattern.mode for pattern in rules.patterns}
        detectors: list[Detector] = []
        sweeps: list[Sweep] = []
        if self.looks_for("paths"):
            detectors += path_detectors(home)
        if self.looks_for("names"):
            detectors += identity_detectors(home, host)
        if self.looks_for("keys"):
            detectors += [kind_detector(kind) for kind in KINDS]
        if self.looks_for("private-keys"):
            detectors += block_detectors()
        if self.looks_for("urls"):
            detectors += url_detectors()
        if self.looks_for("headers"):
            detectors += header_detectors()
        if self.looks_for("assignments"):
            detectors += [env_detector(), *command_detectors(), *declared_detectors()]
            detectors += column_detectors()
        if self.looks_for("mail"):
            detectors.append(mail_detector())
        if self.looks_for("health"):
            detectors.append(health_detector())
        if self.looks_for("keys"):
            sweeps.append(unknown_sweep())
        if self.looks_for("cards"):
            sweeps.append(card_sweep())
        if self.looks_for("phone"):
            sweeps.append(phone_sweep())
        if self.looks_for("iban"):
            sweeps.append(iban_sweep())
        sweeps += [own_sweep(pattern) for pattern in rules.patterns if pattern.mode != "off"]
        detectors.append(colour_detector(self._without_colours))
        self._scanner = Scanner(detectors, sweeps)
        self.hits = self._scanner.hits
        self.find = self._scanner.find

    def located(self, texts: Sequence[bytes]) -> dict[int, Hits]:
        """Those of many texts that may hold something, by their numbers, with their hits; quicker
        than each alone.
        """
        seen = located(texts, self._scanner.promising)
        for hits in seen.values():
            if hits[-1][0] < 0:
                swept = {number for number, _, _ in hits if number < 0}
                hits[:] = [hit for hit in hits if hit[0] >= 0]
                hits += [(number, 0, 0) for number in sorted(swept, reverse=True)]
        for sweep, probe in self._scanner.unplaced:
            for number, text in enumerate(texts):
                if probe(text):
                    seen.setdefault(number, []).append((sweep, 0, 0))
        return seen

    def _without_colours(self, data: bytes) -> list[Found]:
        """What is in a text that colours were taken out of; those left in it count for nothing."""
        hits = self.hits(data)
        left = [hit for hit in hits if hit[0] < 0 or data[hit[1] : hit[2]] not in BEGINNINGS]
        return self.find(data, left) if left else []

    def looks_for(self, name: str) -> bool:
        """Reports whether a set is on in any way."""
        return self._modes[name] != "off"

    def mode(self, set_name: str, kind: str) -> str:
        """What is done about a finding."""
        return self._own.get(kind, "redact") if set_name == OWN else self._modes[set_name]

    def replaces(self, one: Found) -> bool:
        """Reports whether a finding is taken out of the text."""
        return self.mode(one.set, one.kind) in ("redact", "block")

    def strip(self, data: bytes, hits: Hits, counts: Counts, known: Known | None = None) -> bytes:
        """The text without what is to be replaced; the same object if nothing is. `hits` are its.

        A value that was found is replaced in the whole text, and put into `known`.
        """
        for _ in range(PASSES):
            clean = self.once(data, hits, counts, known) if hits else data
            if clean is data:
                break
            # A value that was left alone may stand in another light without the path inside of it.
            data, hits = clean, self.hits(clean)
        return data

    def once(self, data: bytes, hits: Hits, counts: Counts, known: Known | None) -> bytes:
        """The same after one look: what is found only without what was taken out is left."""
        found = [one for one in self.find(data, hits) if self.replaces(one)]
        if not found:
            return data
        values = {data[one.start : one.end]: one for one in found if memorable(data, one)}
        if values:
            found = united([*found, *Finder(values).find(data)])
            if known is not None:
                known.update(values)
        return self.replaced(data, found, counts)

    def replaced(self, data: bytes, found: list[Found], counts: Counts) -> bytes:
        """The text with these findings replaced; counts them by kind."""
        parts: list[bytes] = []
        shown: dict[tuple[bytes, str, str, bytes], bytes] = {}
        done = 0
        for one in found:
            put = one.text
            if put is None:
                value = data[one.start : one.end]
                what = (value, one.kind, one.set, one.wrap)
                put = shown.get(what) or shown.setdefault(what, self.shown(value, one))
            parts += (data[done : one.start], put)
            done = one.end
            counts[one.kind] = counts.get(one.kind, 0) + 1
        parts.append(data[done:])
        return b"".join(parts)

    def shown(self, value: bytes, one: Found) -> bytes:
        """What stands in place of a value."""
        if one.text is not None:
            return one.text
        lines = b""
        if b"\n" in value or one.set == "private-keys":
            lines = lines_of(value)
        return one.wrap + placeholder(one.kind, value, self.key) + lines + one.wrap
