"""State to picture: the icons of the tray and of the windows, drawn when they are asked for.

Needs Pillow and nothing else: no toolkit, no display, no files.
"""

from modelicons.icon import app_icon, draw
from modelicons.palette import Panel
from modelicons.states import IconState

__all__ = ["IconState", "Panel", "app_icon", "draw"]
