"""Make the viewer's fonts, "Modeld Sans" and "Modeld Mono", from free ones (SIL Open Font License 1.1).

    npm install --prefix FOLDER @fontsource/noto-sans@5.3.0 @fontsource/noto-sans-mono@5.3.0 \
        @fontsource/noto-sans-math@5.3.0 @fontsource/noto-sans-symbols-2@5.3.0 @fontsource/noto-emoji@5.3.2
    .venv/bin/pip install brotli
    .venv/bin/python tools/make_font.py FOLDER/node_modules/@fontsource

Every glyph is taken from the first source that has it, brought to one em and one line height, and written without
tables that DearPyGui does not read (it neither shapes nor kerns). Blocks, box lines and a few signs are drawn by
font_shapes.py. The licence texts of the sources are put beside the fonts.

fontTools.merge is no shorter here: it joins whole fonts and leaves every glyph as it is, while an emoji is moved and
scaled to fit the line, and in the mono font every foreign glyph to fit its cell.
"""

import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import font_shapes
from font_shapes import ASCENT, CAP_MIDDLE, DESCENT, EM, Glyph
from fontTools.fontBuilder import FontBuilder
from fontTools.misc.timeTools import timestampFromString
from fontTools.misc.transform import Transform
from fontTools.pens.boundsPen import BoundsPen
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.pens.transformPen import TransformPen
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib import TTFont

TARGET = Path(__file__).resolve().parent.parent / "client" / "modelctl" / "desktop" / "viewer" / "style" / "typefaces"

MADE = "Thu Jan  1 00:00:00 2026"
"""The date in the files: always the same, so that the same sources give the same bytes."""
SYMBOL_HEIGHT = 1040
"""No emoji is higher; larger ones would touch the lines above and below."""

SCRIPTS = [
    *range(0x20, 0x7F), *range(0xA0, 0x180), 0x192, *range(0x218, 0x21C), *range(0x2C6, 0x2DE),
    *range(0x384, 0x3CF), *range(0x400, 0x460), *range(0x490, 0x492), 0x1E9E,
    *range(0x2010, 0x2028), *range(0x2030, 0x203B), 0x203E, 0x2044, *range(0x2070, 0x2090), *range(0x20A0, 0x20C0),
    0x2116, 0x2122, 0x2126, *range(0x2150, 0x2160),
]  # fmt: skip
SIGNS = [
    *range(0x2190, 0x21B0), 0x21BA, 0x21BB, 0x21D0, 0x21D2, 0x21D4,
    *map(ord, "∀∂∃∅∆∇∈∉∋∏∑−∓∗∘√∛∝∞∠∧∨∩∪∫∴≈≠≡≤≥≪≫⊂⊃⊆⊇⊕⊗⊥⋅⌀⌂⌃⌈⌉⌊⌋⌘⌥⎋⏎"),
    *range(0x25A0, 0x2600),
    *map(ord, "★☆☐☑☒♠♣♥♦♩♪♫✓✔✕✖✗✘✚❯❮❖➔➜➤"),
]  # fmt: skip
EMOJI = [
    *map(ord, "⌚⌛⌨⏏⏩⏪⏫⏬⏭⏮⏯⏰⏱⏲⏳⏸⏹⏺▶◀☀☁☎☕☠☢☣☹☺♻⚒⚓⚔⚖⚗⚙⚛⚠⚡⚪⚫⛔✅✂✈✉✊✋✌✍✏✒✨❄❌❎❓❔❕❗❤➕➖➗"),
    *map(ord, "➡⬅⬆⬇⬛⬜⭐⭕"),
    *range(0x1F300, 0x1F321), 0x1F321, *range(0x1F330, 0x1F337), *range(0x1F34E, 0x1F354), *range(0x1F37B, 0x1F380),
    *range(0x1F380, 0x1F38A), 0x1F393, 0x1F399, 0x1F39B, *range(0x1F3A4, 0x1F3B7), *range(0x1F3C0, 0x1F3C7),
    *range(0x1F3E0, 0x1F3E8), 0x1F3ED, 0x1F3F3, 0x1F3F4, 0x1F3F7, *range(0x1F431, 0x1F43E),
    0x1F440, 0x1F441, *range(0x1F444, 0x1F451), 0x1F464, 0x1F465, *range(0x1F47B, 0x1F481), *range(0x1F48B, 0x1F4FE),
    *range(0x1F500, 0x1F53E), *range(0x1F550, 0x1F55C), 0x1F570, 0x1F579, 0x1F590, 0x1F595, 0x1F596, 0x1F5A5, 0x1F5A8,
    0x1F5B1, 0x1F5BC, 0x1F5C2, 0x1F5C3, 0x1F5C4, 0x1F5D1, 0x1F5D2, 0x1F5D3, 0x1F5DC, 0x1F5DD, 0x1F5DE, 0x1F5E3, 0x1F5FA,
    *range(0x1F600, 0x1F650), *range(0x1F680, 0x1F685), 0x1F697, 0x1F6A7, 0x1F6A8, 0x1F6A9, 0x1F6AB, 0x1F6D1,
    0x1F6E0, 0x1F6E1, 0x1F6F0, *range(0x1F7E0, 0x1F7EC), *range(0x1F90D, 0x1F930), *range(0x1F970, 0x1F97B),
    0x1F98A, 0x1F999, 0x1F9D0, *range(0x1F9E0, 0x1F9EF), 0x1FA79, 0x1FA84, 0x1FA9F, 0x1FAB4, *range(0x1FAE0, 0x1FAE9),
]  # fmt: skip
NAMED_EMOJI = [
    *map(ord, "✅❌🟢🔵🔴🟡🟠📝💬📁📂📊📉📈⚡🎮🖥⏱⏳🧮🔄📥📤🔍🏆💾🧠⚠📌⏸▶⏹⏺🗑🌡🔥💡🔒🔧⚙📄📦🤖👤🎯🚀⭐❓❗➕➖")
]
NOTHING = [0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFE0E, 0xFE0F, 0xFEFF, *range(0x1F3FB, 0x1F400)]
"""Joiners, selectors and tones of skin: drawn as nothing, with no width, instead of as a character that is missing."""


@dataclass(frozen=True)
class Source:
    """A package, at one weight."""

    package: str
    weight: int
    symbol: bool = False
    """Bring the glyphs to the middle of the line and to a height that fits."""


@dataclass(frozen=True)
class Recipe:
    """One font: its names, and where its glyphs come from."""

    family: str
    style: str
    file: str
    parts: list[tuple[list[int], list[Source]]]
    cell: int = 600
    """How wide a block or a box line is."""
    block: tuple[int, int] = (-130, 844)
    """The foot and the head of a block: as much above a capital letter as below it."""
    monospaced: bool = False


MATH = Source("noto-sans-math", 400)
SYMBOLS = Source("noto-sans-symbols-2", 400)


def recipes() -> list[Recipe]:
    """The three fonts."""
    signs = (SIGNS, [SYMBOLS, MATH])
    plain, strong = (Source("noto-emoji", weight, symbol=True) for weight in (400, 600))
    regular = [(SCRIPTS, [Source("noto-sans", 400), MATH]), (EMOJI, [plain]), signs]
    bold = [(SCRIPTS, [Source("noto-sans", 700), MATH]), (NAMED_EMOJI, [strong]), signs]
    mono = [(SCRIPTS, [Source("noto-sans-mono", 400), MATH]), (NAMED_EMOJI, [plain]), signs]
    return [
        Recipe("Modeld Sans", "Regular", "ModeldSans-Regular.ttf", regular),
        Recipe("Modeld Sans", "Bold", "ModeldSans-Bold.ttf", bold),
        Recipe("Modeld Mono", "Regular", "ModeldMono-Regular.ttf", mono, block=(DESCENT, ASCENT), monospaced=True),
    ]


class Package:
    """The files of one source, together."""

    def __init__(self, root: Path, source: Source) -> None:
        files = sorted((root / source.package / "files").glob(f"*-{source.weight}-normal.woff2"))
        if not files:
            raise SystemExit(
                f"{root / source.package} has no files of weight {source.weight}; see the top of this tool"
            )
        self._source = source
        self._where: dict[int, tuple[TTFont, str]] = {}
        for file in files:
            font = TTFont(file)
            for code, name in font.getBestCmap().items():
                self._where.setdefault(code, (font, name))

    def glyph(self, code: int, monospaced_width: int | None) -> Glyph | None:
        """The glyph for ``code`` at our em, or None."""
        if code not in self._where:
            return None
        font, name = self._where[code]
        outlines = font.getGlyphSet()
        scale = EM / font["head"].unitsPerEm
        width = outlines[name].width * scale
        bounds_pen = BoundsPen(outlines)
        outlines[name].draw(bounds_pen)
        left, low, right, high = bounds_pen.bounds or (0, 0, 0, 0)
        shift_x = shift_y = 0.0
        if self._source.symbol and high > low:
            scale = min(scale, SYMBOL_HEIGHT / (high - low))
            width = outlines[name].width * scale
            shift_y = CAP_MIDDLE - (high + low) / 2 * scale
        if monospaced_width is not None and self._source.package != "noto-sans-mono":
            cells = 2 if self._source.symbol else 1
            room = cells * monospaced_width
            fit = min(1.0, room / ((right - left) * scale)) if right > left else 1.0
            shift_y += CAP_MIDDLE * (1 - fit) if fit < 1 else 0.0
            scale *= fit
            width, shift_x = room, room / 2 - (left + right) / 2 * scale
        placed = Transform(scale, 0, 0, scale, shift_x, shift_y)
        recording = DecomposingRecordingPen(outlines)
        outlines[name].draw(recording)
        return Glyph(round(width), lambda pen: recording.replay(TransformPen(pen, placed)))


def collected(root: Path, recipe: Recipe) -> Iterator[tuple[int, Glyph]]:
    """Each code point of the recipe with its glyph."""
    yield from font_shapes.drawn(recipe.cell, *recipe.block)
    for code in NOTHING:
        yield code, font_shapes.nothing()
    for codes, sources in recipe.parts:
        packages = [Package(root, source) for source in sources]
        for code in codes:
            found = (package.glyph(code, recipe.cell if recipe.monospaced else None) for package in packages)
            glyph = next((one for one in found if one is not None), None)
            if glyph is not None:
                yield code, glyph


def build(root: Path, recipe: Recipe) -> Path:
    """Write one font."""
    chosen: dict[int, Glyph] = {}
    for code, glyph in collected(root, recipe):
        chosen.setdefault(code, glyph)
    names = {code: f"u{code:04X}" for code in sorted(chosen)}
    glyphs = {".notdef": font_shapes.missing(), **{names[code]: chosen[code] for code in names}}
    outlines = {}
    for name, glyph in glyphs.items():
        pen = TTGlyphPen(None)
        glyph.draw(pen)
        outlines[name] = pen.glyph(round=round)
    builder = FontBuilder(EM, isTTF=True)
    builder.setupGlyphOrder(list(glyphs))
    builder.setupCharacterMap(names)
    builder.setupGlyf(outlines)
    table = builder.font["glyf"]
    builder.setupHorizontalMetrics(
        {name: (glyph.width, getattr(table[name], "xMin", 0)) for name, glyph in glyphs.items()}
    )
    builder.setupHorizontalHeader(ascent=ASCENT, descent=DESCENT)
    bold = recipe.style == "Bold"
    builder.setupOS2(
        sTypoAscender=ASCENT, sTypoDescender=DESCENT, sTypoLineGap=0, usWinAscent=ASCENT, usWinDescent=-DESCENT,
        sxHeight=536, sCapHeight=714, usWeightClass=700 if bold else 400, fsSelection=0x20 if bold else 0x40,
    )  # fmt: skip
    builder.setupNameTable(
        {
            "familyName": recipe.family,
            "styleName": recipe.style,
            "uniqueFontIdentifier": f"{recipe.family} {recipe.style} 1",
            "fullName": f"{recipe.family} {recipe.style}",
            "psName": f"{recipe.family.replace(' ', '')}-{recipe.style}",
            "version": "Version 1.0",
            "copyright": "Made from Noto Sans, Noto Sans Mono, Noto Sans Math, Noto Sans Symbols 2 and Noto Emoji.",
            "licenseDescription": "SIL Open Font License, Version 1.1. The text is beside this file.",
        }
    )
    builder.setupPost(keepGlyphNames=False, isFixedPitch=int(recipe.monospaced))
    builder.font["head"].macStyle = 1 if bold else 0
    builder.font["head"].created = builder.font["head"].modified = timestampFromString(MADE)
    builder.font.recalcTimestamp = False
    path = TARGET / recipe.file
    builder.save(path)
    print(f"{recipe.file}: {len(names)} characters, {path.stat().st_size / 1024:.0f} KB")
    return path


def main() -> None:
    """Write the fonts and the licences."""
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    root = Path(sys.argv[1])
    TARGET.mkdir(exist_ok=True)
    made = recipes()
    for recipe in made:
        build(root, recipe)
    for package in sorted({source.package for recipe in made for _, sources in recipe.parts for source in sources}):
        shutil.copyfile(root / package / "LICENSE", TARGET / f"LICENSE-{package}.txt")


if __name__ == "__main__":
    main()
