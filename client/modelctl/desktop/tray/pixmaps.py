"""The icon in the form of a StatusNotifierItem: ARGB32 in network byte order, in the sizes that panels use."""

import modelicons
from PIL import Image

from modelctl.desktop.tray.appearance import Appearance

SIZES = (16, 22, 24, 32, 48)

Pixmap = tuple[int, int, bytes]
"""Width, height, and four bytes per pixel: alpha, red, green, blue."""


def pixmaps(appearance: Appearance, panel: modelicons.Panel) -> list[Pixmap]:
    """The icon in every size."""
    return [_pixmap(picture(appearance, size, panel)) for size in SIZES]


def picture(appearance: Appearance, size: int, panel: modelicons.Panel) -> Image.Image:
    """The icon as a picture."""
    return modelicons.draw(appearance.state, size, progress=appearance.progress, unseen=appearance.unseen, panel=panel)


def _pixmap(image: Image.Image) -> Pixmap:
    red, green, blue, alpha = image.convert("RGBA").split()
    return (image.width, image.height, Image.merge("RGBA", (alpha, red, green, blue)).tobytes())
