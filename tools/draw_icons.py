"""Draw docs/pictures/icons.png: every state of the icon, at the sizes that trays and windows ask for, on both panels.

python tools/draw_icons.py
"""

from pathlib import Path

from modelicons import IconState, Panel, app_icon, draw
from PIL import Image, ImageDraw, ImageFont

ROOT = Path(__file__).resolve().parent.parent

SIZES = (16, 22, 24, 32, 48, 64, 128)
GROUNDS: dict[Panel, tuple[int, int, int]] = {"dark": (0x2B, 0x2E, 0x34), "light": (0xF0, 0xF1, 0xF3)}
INKS: dict[Panel, tuple[int, int, int]] = {"dark": (0xC9, 0xCE, 0xD6), "light": (0x4A, 0x51, 0x5C)}
MARGIN, COLUMN, HEAD, LABEL = 24, 152, 56, 56
RINGS = (0.0, 0.25, 0.5, 0.75, 1.0)


def columns(panel: Panel) -> list[tuple[str, list[Image.Image]]]:
    """The label and the pictures of each column, small to large."""
    found = [(state.value, [draw(state, size, progress=0.4, panel=panel) for size in SIZES]) for state in IconState]
    found.append(("unseen finish", [draw(IconState.LOADED, size, unseen=True, panel=panel) for size in SIZES]))
    found.append(("application", [app_icon(size) for size in SIZES]))
    return found


def half(panel: Panel) -> Image.Image:
    """The sheet for one panel."""
    table = columns(panel)
    rows = [max(size + 20, 36) for size in SIZES]
    ring_row = 64
    sheet = Image.new(
        "RGB",
        (2 * MARGIN + LABEL + COLUMN * len(table), 2 * MARGIN + HEAD + sum(rows) + ring_row),
        GROUNDS[panel],
    )
    pen = ImageDraw.Draw(sheet)
    title, small = ImageFont.load_default(20), ImageFont.load_default(15)
    ink = INKS[panel]
    pen.text((MARGIN, MARGIN), f"{panel} panel", ink, title)
    for place, (label, pictures) in enumerate(table):
        middle = MARGIN + LABEL + COLUMN * place + COLUMN // 2
        pen.text((middle, MARGIN + HEAD - 8), label, ink, small, anchor="ms")
        top = MARGIN + HEAD
        for height, picture in zip(rows, pictures, strict=True):
            spot = (middle - picture.width // 2, top + (height - picture.height) // 2)
            sheet.paste(picture, spot, picture)
            top += height
    top = MARGIN + HEAD
    for height, size in zip(rows, SIZES, strict=True):
        pen.text((MARGIN, top + height // 2), str(size), ink, small, anchor="lm")
        top += height
    _rings(sheet, panel, top + ring_row // 2)
    return sheet


def _rings(sheet: Image.Image, panel: Panel, middle: int) -> None:
    """A row that shows the ring at known lengths, and without one."""
    pen, small = ImageDraw.Draw(sheet), ImageFont.load_default(15)
    pen.text((MARGIN, middle), "ring", INKS[panel], small, anchor="lm")
    left = MARGIN + LABEL + 60
    for share in (None, *RINGS):
        picture = draw(IconState.DOWNLOADING, 32, progress=share, panel=panel)
        sheet.paste(picture, (left, middle - picture.height // 2), picture)
        label = "size not known" if share is None else f"{share:.0%}"
        pen.text((left + 44, middle), label, INKS[panel], small, anchor="lm")
        left += 190 if share is None else 130


def main() -> None:
    """Write the sheet."""
    halves = [half(panel) for panel in GROUNDS]
    sheet = Image.new("RGB", (halves[0].width, sum(part.height for part in halves)))
    top = 0
    for part in halves:
        sheet.paste(part, (0, top))
        top += part.height
    target = ROOT / "docs" / "pictures" / "icons.png"
    target.parent.mkdir(parents=True, exist_ok=True)
    sheet.save(target, optimize=True)
    print(f"{target.relative_to(ROOT)}: {sheet.width} x {sheet.height}, {target.stat().st_size / 1024:.0f} KB")


if __name__ == "__main__":
    main()
