"""The viewer's fonts have every character the viewer shows, and DearPyGui draws it."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dearpygui.dearpygui as dpg
import modelctl
import pytest
from fontTools.ttLib import TTFont
from modelctl.desktop.viewer.style import fonts
from PIL import Image
from support.desktop import font_sheet
from support.desktop.virtual_desktop import VirtualDesktop

LETTERS = (
    "".join(map(chr, (*range(0x20, 0x7F), *range(0xA0, 0x180)))) + "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩαβγδεζηθικλμνξοπρςστυφχψω"
)
PUNCTUATION = "‘’‚“”„‹›«»–—…·•€™"
SIGNS = "±×≤≥→▸▾▲▼█░✓✗"
EMOJI = "✅❌🟢🔵🔴📝💬📁📊⚡🎮🖥⏱🧮🔄📥🔍🏆💾🧠⚠📌⏸▶⏹🗑📈🌡"
BLANK = " \u00a0\u00ad"
SPILL = 50
"""A twentieth of an em: less than a pixel at the size of text."""
ABSENT = "\ue000"
FILES = {"regular": fonts.REGULAR, "bold": fonts.BOLD, "mono": fonts.MONO}


def literals() -> set[str]:
    """Every character of every string in the package, docstrings included, and of its translations."""
    folder = Path(modelctl.__file__).parent
    found: set[str] = set()
    for file in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= set(node.value)
    for catalogue in folder.rglob("*.po"):
        found |= set(catalogue.read_text(encoding="utf-8"))
    return {character for character in found if character.isprintable()}


@pytest.fixture(params=FILES)
def font(request: pytest.FixtureRequest) -> Iterator[TTFont]:
    with TTFont(FILES[request.param]) as opened:
        yield opened


def test_every_font_has_letters_punctuation_signs_and_emoji(font: TTFont) -> None:
    having = font.getBestCmap()
    assert [c for c in LETTERS + PUNCTUATION + SIGNS + EMOJI if ord(c) not in having] == []


def test_every_font_has_every_character_of_the_package(font: TTFont) -> None:
    found = literals()
    assert "▸" in found or "⚡" in found
    assert sorted(c for c in found if ord(c) not in font.getBestCmap()) == []


def test_what_can_be_seen_has_an_outline_and_what_cannot_has_no_width(font: TTFont) -> None:
    names, outlines, widths = font.getBestCmap(), font["glyf"], font["hmtx"]
    seen = [c for c in LETTERS + PUNCTUATION + SIGNS + EMOJI if c not in BLANK]
    assert [c for c in seen if outlines[names[ord(c)]].numberOfContours == 0] == []
    assert [widths[names[code]][0] for code in (0xAD, 0xFE0E, 0xFE0F, 0x200D, 0x1F3FD)] == [0] * 5


def test_a_bar_keeps_its_length_while_it_fills(font: TTFont) -> None:
    names, widths = font.getBestCmap(), font["hmtx"]
    assert len({widths[names[ord(c)]][0] for c in "█▓▒░"}) == 1


def test_figures_are_equally_wide_so_that_numbers_stay_in_their_columns(font: TTFont) -> None:
    names, widths = font.getBestCmap(), font["hmtx"]
    assert len({widths[names[ord(c)]][0] for c in "0123456789"}) == 1


def test_no_character_reaches_beyond_its_line_by_much(font: TTFont) -> None:
    names, outlines, line = font.getBestCmap(), font["glyf"], font["hhea"]
    for character in (*EMOJI, *SIGNS, *"ÄÖÜÅÇgjpqyß"):
        glyph = outlines[names[ord(character)]]
        assert line.descent - SPILL <= glyph.yMin and glyph.yMax <= line.ascent + SPILL, character


def test_the_mono_font_has_one_width_for_all_letters() -> None:
    with TTFont(fonts.MONO) as opened:
        names, widths = opened.getBestCmap(), opened["hmtx"]
        assert {widths[names[ord(c)]][0] for c in LETTERS + PUNCTUATION + SIGNS if c != "\u00ad"} == {600}


def test_the_fonts_are_small_and_carry_our_name_and_their_licences(font: TTFont) -> None:
    for file in FILES.values():
        assert file.stat().st_size < 400_000
    family = font["name"].getDebugName(1)
    assert family in ("Modeld Sans", "Modeld Mono")
    for source in ("noto-sans", "noto-sans-mono", "noto-sans-math", "noto-sans-symbols-2", "noto-emoji"):
        assert "SIL Open Font License" in (fonts.FOLDER / f"LICENSE-{source}.txt").read_text(encoding="utf-8")


def test_the_selectors_of_emoji_styles_are_not_shown() -> None:
    assert fonts.glyphs("⚠\ufe0f 🖥\ufe0f GPU \u260e\ufe0e") == "⚠ 🖥 GPU \u260e"


def test_all_other_text_is_shown_as_it_is() -> None:
    text = LETTERS + PUNCTUATION + SIGNS + EMOJI + "語"
    assert fonts.glyphs(text) == text


def test_the_fonts_are_loaded_into_each_context_anew() -> None:
    for scale in (1.0, 1.5):
        dpg.create_context()
        try:
            loaded = fonts.load(scale)
            tags = (loaded.regular, loaded.bold, loaded.large, loaded.mono)
            assert len(set(tags)) == 4
            assert [dpg.get_item_type(tag) for tag in tags] == ["mvAppItemType::mvFont"] * 4
        finally:
            dpg.destroy_context()


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VirtualDesktop]:
    """A screen with nothing else on it."""
    made = VirtualDesktop(tmp_path_factory.mktemp("screen"), panel=False, notifications=False)
    yield made
    made.close()


@pytest.mark.parametrize("file", FILES)
def test_every_character_is_drawn_and_the_host_keeps_its_font(
    file: str, screen: VirtualDesktop, tmp_path: Path
) -> None:
    characters = [ABSENT, *(c for c in LETTERS + PUNCTUATION + SIGNS + EMOJI if c not in BLANK)]
    command = [sys.executable, "-m", "support.desktop.font_sheet", file, *characters]
    with subprocess.Popen(
        command, env=screen.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdin is not None and program.stdout is not None
        shots = []
        for step in ("host", "sheet"):
            assert program.stdout.readline().strip() == step
            with Image.open(screen.screenshot(tmp_path / f"{step}.png")) as opened:
                shots.append(opened.convert("L"))
            program.stdin.write("\n")
            program.stdin.flush()
    assert program.returncode == 0
    before, after = shots
    cells = [_cell(after, number) for number in range(len(characters))]
    assert cells[0].getextrema()[1] > 150, "the character that is missing is to be drawn as what stands for one"
    assert [c for c, cell in zip(characters, cells, strict=True) if cell.getextrema()[1] < 75] == []
    stand_in = cells[0].tobytes()
    assert [c for c, cell in zip(characters, cells, strict=True) if cell.tobytes() == stand_in] == [ABSENT, "?"]
    text = (0, 0, 600, font_sheet.TOP - 10)
    assert before.crop(text).getextrema()[1] > 150
    assert before.crop(text).tobytes() == after.crop(text).tobytes()


def _cell(shot: Image.Image, number: int) -> Image.Image:
    x, y = font_sheet.place(number)
    return shot.crop((x + 6, y + 4, x + font_sheet.CELL - 2, y + font_sheet.CELL - 2))
