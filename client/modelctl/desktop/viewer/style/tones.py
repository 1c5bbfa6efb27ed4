"""The colours of states, by the tones that the presenters name."""

from modelctl.desktop.viewer.style.theme import PALETTE, Colour

TONES: dict[str, Colour] = {
    "running": PALETTE.accent,
    "stalled": PALETTE.orange,
    "held": PALETTE.faint,
    "done": PALETTE.green,
    "failed": PALETTE.red,
    "gone": PALETTE.faint,
}
"""For bars; a status is also stated in words."""

WARNING: Colour = (255, 179, 71)
ERROR: Colour = (255, 120, 115)
"""Lighter than the palette's orange and red, which are for areas: these are for text."""


def text_colour(tone: str) -> Colour:
    """The colour of a status line."""
    return {"stalled": WARNING, "failed": ERROR}.get(tone, PALETTE.text)
