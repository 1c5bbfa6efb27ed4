"""Draws the icons of the tray and the windows for each state, on request.

Needs Pillow and nothing else: no toolkit, no display, no files.
"""

from modelicons.icon import app_icon, draw
from modelicons.palette import Panel
from modelicons.states import IconState

__all__ = ["IconState", "Panel", "app_icon", "draw"]
