"""Makes text of others safe to show on a terminal, in a menu, a window, a notification or a file; pure.

Names, descriptions, file names, headers of model files, error messages and answers of models and servers may contain
control characters. A terminal would obey them, and a line end would split a row.
"""

import re

_OTHER_LINE_ENDS = re.compile("[\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters (C0, C1), line separators, bidirectional overrides, and halves of characters."""

_RAW_IN_JSON = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069]")
"""Those that a JSON string may contain unescaped."""


def one_line(text: str) -> str:
    r"""``text`` on one line, without control characters; an inner line end becomes a visible ``\n``, a tab a space."""
    if text.isprintable():
        return text
    whole = text.replace("\r\n", "\n").replace("\r", "\n")
    return printable(whole).replace("\n", "\\n").replace("\t", " ")


def printable(text: str) -> str:
    """``text`` without control characters; tabs and newlines stay.

    A carriage return is removed, so that the text may arrive in pieces; other line ends become newlines.
    """
    if text.isprintable():
        return text
    return _UNWANTED.sub("", _OTHER_LINE_ENDS.sub("\n", text))


def json_text(text: str) -> str:
    """A JSON text whose strings have their control characters escaped, also those that JSON permits unescaped."""
    return _RAW_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
