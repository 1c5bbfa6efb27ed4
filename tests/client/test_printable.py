"""Text of others on one line or on several: no control character is left."""

import unicodedata

from modelctl.language.cells import csv_cell, markdown_row
from modelctl.language.printable import json_text, one_line, printable

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
EVERY_CONTROL = "".join(map(chr, [*range(32), *range(127, 160)])) + BIDI + "\u2028\u2029\ud800"


def test_no_control_character_stays_on_one_line() -> None:
    assert one_line(f"a{EVERY_CONTROL}b").isprintable()


def test_text_with_several_lines_keeps_only_newlines_and_tabs() -> None:
    left = {sign for sign in printable(EVERY_CONTROL) if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")}
    assert left == {"\n", "\t"}


def test_a_line_end_within_a_line_is_visible() -> None:
    assert one_line("a\r\nb\nc\rd\te") == "a\\nb\\nc\\nd e"


def test_a_carriage_return_split_from_its_newline_adds_no_line() -> None:
    assert printable("a\r") + printable("\nb") == "a\nb"


def test_emoji_umlauts_and_right_to_left_letters_stay() -> None:
    text = "👩\u200d💻 Größe שלום ❤\ufe0f"
    assert one_line(text) == printable(text) == text


def test_json_stays_json_and_has_no_raw_control_character() -> None:
    assert json_text('{"a":"\x9b31m\u202e\x7f"}') == '{"a":"\\u009b31m\\u202e\\u007f"}'


def test_a_cell_that_looks_like_a_formula_is_quoted() -> None:
    for formula in ("=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1", "\r=1", "\n=1", "  =1"):
        assert csv_cell(formula).startswith("'")


def test_a_number_in_a_cell_stays_a_number() -> None:
    assert [csv_cell(number) for number in ("-1.5", "+2", "-1e-3")] == ["-1.5", "+2", "-1e-3"]


def test_a_markdown_row_is_not_split() -> None:
    assert markdown_row(["a|b", "c\r\nd\re", "f"]) == "| a\\|b | c\\nd\\ne | f |"
