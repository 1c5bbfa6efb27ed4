"""Cells of exported tables: text of others must neither become a formula nor split a row; pure."""

from collections.abc import Sequence

from modelctl.language.printable import one_line

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""Spreadsheets take a cell that begins with one of these for a formula (OWASP, "CSV Injection")."""


def csv_cell(text: str) -> str:
    """``text`` on one line, quoted if a spreadsheet would take it for a formula; numbers stay numbers."""
    formula = text.lstrip(" ").startswith(_FORMULA_STARTS) and not _is_number(text)
    return f"'{one_line(text)}" if formula else one_line(text)


def markdown_row(cells: Sequence[str]) -> str:
    """One row of a Markdown table."""
    return "| " + " | ".join(one_line(cell).replace("|", "\\|") for cell in cells) + " |"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
