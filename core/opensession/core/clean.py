"""Text from sessions made safe for a terminal: no escapes, no hidden or reversing characters.

A transcript holds whatever a program printed. Shown as it is, it could recolour the screen, change
the window's title, hide text or make it read backwards.
"""

from __future__ import annotations

import re

_ESCAPES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]{0,4096}(?:\x07|\x1b\\|\x9c)"  # OSC, DCS, SOS, PM, APC
    r"|\x9b[0-?]*[ -/]*[@-~]"  # CSI in one C1 byte
    r"|\x1b[ -/]*[0-~]"  # two-character and charset escapes
)
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 without tab and line feed, DEL, C1
    "\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
_JOINERS = re.compile(
    "(?<![\u0600-\u0dff\u200d\ufe0f\u2600-\u27bf\U0001f000-\U0001faff])[\u200c\u200d]"
)
_PLAIN = re.compile(r"[\n -~]*\Z")
_BREAKS = re.compile(r"[\s\u2028\u2029]+")


def safe(text: str) -> str:
    """`text` without terminal escapes, control, zero-width and bidi characters.

    Line feeds and tabs stay; a carriage return, with or without one, is a line feed.
    Joiners stay where a script or an emoji needs them.
    """
    if _PLAIN.match(text):
        return text
    text = _ESCAPES.sub("", text)
    text = (
        text.replace("\r\n", "\n")
        .replace("\r", "\n")
        .replace("\u2028", "\n")
        .replace("\u2029", "\n")
    )
    return _JOINERS.sub("", _HIDDEN.sub("", text))


def safe_line(text: str) -> str:
    """`text` as one line: as `safe`, with every run of white space as one blank."""
    return _BREAKS.sub(" ", safe(text)).strip()
