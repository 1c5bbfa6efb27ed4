"""The viewer's themes: one dark palette and one accent colour; created once per context."""

from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from modelctl.desktop.viewer.frame.tab import Tag
from modelctl.desktop.viewer.style import text_metrics
from modelctl.desktop.viewer.style.fonts import TEXT_PX

Colour = tuple[int, int, int]


@dataclass(frozen=True)
class Palette:
    """The colours by their role; text on ``ground`` and ``card`` has a contrast of at least 4.5."""

    ground: Colour = (19, 21, 28)
    card: Colour = (28, 31, 41)
    raised: Colour = (40, 44, 57)
    hover: Colour = (54, 60, 78)
    line: Colour = (48, 53, 68)
    text: Colour = (230, 233, 240)
    muted: Colour = (155, 163, 180)
    faint: Colour = (110, 118, 136)
    accent: Colour = (94, 129, 244)
    accent_hover: Colour = (116, 148, 255)
    accent_active: Colour = (74, 108, 219)
    green: Colour = (76, 175, 80)
    blue: Colour = (79, 158, 248)
    orange: Colour = (255, 152, 0)
    red: Colour = (239, 68, 68)
    purple: Colour = (167, 121, 240)


PALETTE = Palette()

GLOBAL = "modelctl.theme"
SMALL, PRIMARY, DANGER, QUIET = (f"modelctl.theme.{name}" for name in ("small", "primary", "danger", "quiet"))
PRIMARY_SMALL = "modelctl.theme.primary small"
_SMALL_PADDING = (12, 5)
_BOX_PADDING = 3
"""The padding around a checkbox's tick: without it, the checkbox is as high as a button and looks like one."""
BESIDE_BOXES, ABOVE_BOX = "modelctl.theme.beside boxes", "modelctl.theme.above box"
"""For a table with texts aligned to its checkboxes; for the group of a checkbox and the spacer that lowers it."""
CARD, FOOT, ERROR, STRIPE = (f"modelctl.theme.{name}" for name in ("card", "foot", "error", "stripe"))


def make(scale: float = 1.0) -> None:
    """Create the themes, unless this context has them."""
    if dpg.does_item_exist(GLOBAL):
        return
    _global(scale)
    p = PALETTE
    _button(PRIMARY, p.accent, p.accent_hover, p.accent_active, (255, 255, 255))
    _button(DANGER, (74, 37, 43), (128, 45, 52), (160, 52, 60), (255, 190, 190))
    small = (_px(_SMALL_PADDING[0], scale), _px(_SMALL_PADDING[1], scale))
    _button(SMALL, p.raised, p.hover, p.line, p.text, small)
    _button(PRIMARY_SMALL, p.accent, p.accent_hover, p.accent_active, (255, 255, 255), small)
    _button(QUIET, p.card, p.raised, p.line, p.muted, small)
    _child(CARD, p.card, p.line, _px(8, scale), (_px(16, scale), _px(12, scale)))
    with dpg.theme_component(dpg.mvText, parent=CARD):
        dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 0, 0)  # else each line of text is as high as a button
    with dpg.theme(tag=BESIDE_BOXES), dpg.theme_component(dpg.mvText):
        dpg.add_theme_style(dpg.mvStyleVar_FramePadding, 0, _px(_BOX_PADDING, scale))
    with dpg.theme(tag=ABOVE_BOX), dpg.theme_component(dpg.mvAll):
        dpg.add_theme_style(dpg.mvStyleVar_ItemSpacing, 0, 0)
    _child(FOOT, p.card, p.line, _px(8, scale), (_px(14, scale), _px(10, scale)))
    _child(ERROR, (58, 28, 33), (128, 45, 52), _px(8, scale), (_px(14, scale), _px(10, scale)))


def _global(scale: float) -> None:
    p = PALETTE
    with dpg.theme(tag=GLOBAL):
        with dpg.theme_component(dpg.mvAll):
            for colour, value in _colours(p).items():
                dpg.add_theme_color(colour, value)
            for style, size in {
                dpg.mvStyleVar_WindowPadding: (18, 16),
                dpg.mvStyleVar_FramePadding: (12, 7),
                dpg.mvStyleVar_ItemSpacing: (10, 8),
                dpg.mvStyleVar_ItemInnerSpacing: (8, 6),
                dpg.mvStyleVar_CellPadding: (10, 6),
                dpg.mvStyleVar_WindowRounding: (10,),
                dpg.mvStyleVar_ChildRounding: (8,),
                dpg.mvStyleVar_FrameRounding: (6,),
                dpg.mvStyleVar_PopupRounding: (8,),
                dpg.mvStyleVar_ScrollbarRounding: (8,),
                dpg.mvStyleVar_GrabRounding: (6,),
                dpg.mvStyleVar_TabRounding: (6,),
                dpg.mvStyleVar_ScrollbarSize: (12,),
            }.items():
                dpg.add_theme_style(style, *(_px(value, scale) for value in size))
            dpg.add_theme_style(dpg.mvStyleVar_WindowBorderSize, 1)
            dpg.add_theme_style(dpg.mvStyleVar_ChildBorderSize, 1)
            dpg.add_theme_style(dpg.mvStyleVar_FrameBorderSize, 0)
            dpg.add_theme_style(dpg.mvStyleVar_WindowTitleAlign, 0.0, 0.5)
            dpg.add_theme_style(dpg.mvStyleVar_DisabledAlpha, 0.45)
        with dpg.theme_component(dpg.mvCheckbox):
            dpg.add_theme_style(dpg.mvStyleVar_FramePadding, _px(_BOX_PADDING, scale), _px(_BOX_PADDING, scale))
            dpg.add_theme_style(dpg.mvStyleVar_FrameRounding, _px(4, scale))
            dpg.add_theme_style(dpg.mvStyleVar_FrameBorderSize, 1)
            dpg.add_theme_color(dpg.mvThemeCol_Border, p.hover)
            dpg.add_theme_color(dpg.mvThemeCol_FrameBg, p.card)
        with dpg.theme_component(dpg.mvButton, enabled_state=False):
            dpg.add_theme_color(dpg.mvThemeCol_Button, p.card)
            dpg.add_theme_color(dpg.mvThemeCol_ButtonHovered, p.card)
            dpg.add_theme_color(dpg.mvThemeCol_ButtonActive, p.card)
            dpg.add_theme_color(dpg.mvThemeCol_Text, p.faint)


def _colours(p: Palette) -> dict[int, Colour | tuple[int, int, int, int]]:
    clear = (0, 0, 0, 0)
    return {
        dpg.mvThemeCol_WindowBg: p.ground,
        dpg.mvThemeCol_ChildBg: clear,
        dpg.mvThemeCol_PopupBg: p.card,
        dpg.mvThemeCol_MenuBarBg: p.card,
        dpg.mvThemeCol_Border: p.line,
        dpg.mvThemeCol_Text: p.text,
        dpg.mvThemeCol_TextDisabled: p.faint,
        dpg.mvThemeCol_TextSelectedBg: (*p.accent, 110),
        dpg.mvThemeCol_FrameBg: p.raised,
        dpg.mvThemeCol_FrameBgHovered: p.hover,
        dpg.mvThemeCol_FrameBgActive: p.hover,
        dpg.mvThemeCol_TitleBg: p.card,
        dpg.mvThemeCol_TitleBgActive: p.raised,
        dpg.mvThemeCol_TitleBgCollapsed: p.card,
        dpg.mvThemeCol_Button: p.raised,
        dpg.mvThemeCol_ButtonHovered: p.hover,
        dpg.mvThemeCol_ButtonActive: p.line,
        dpg.mvThemeCol_Header: p.raised,
        dpg.mvThemeCol_HeaderHovered: p.hover,
        dpg.mvThemeCol_HeaderActive: p.hover,
        dpg.mvThemeCol_CheckMark: p.accent_hover,
        dpg.mvThemeCol_SliderGrab: p.accent,
        dpg.mvThemeCol_SliderGrabActive: p.accent_hover,
        dpg.mvThemeCol_PlotHistogram: p.accent,
        dpg.mvThemeCol_Separator: p.line,
        dpg.mvThemeCol_ScrollbarBg: clear,
        dpg.mvThemeCol_ScrollbarGrab: p.raised,
        dpg.mvThemeCol_ScrollbarGrabHovered: p.hover,
        dpg.mvThemeCol_ScrollbarGrabActive: p.accent,
        dpg.mvThemeCol_ResizeGrip: clear,
        dpg.mvThemeCol_ResizeGripHovered: p.hover,
        dpg.mvThemeCol_ResizeGripActive: p.accent,
        dpg.mvThemeCol_Tab: p.ground,
        dpg.mvThemeCol_TabHovered: p.hover,
        dpg.mvThemeCol_TabActive: p.raised,
        dpg.mvThemeCol_TabUnfocused: p.ground,
        dpg.mvThemeCol_TabUnfocusedActive: p.raised,
        dpg.mvThemeCol_TabSelectedOverline: p.accent,
        dpg.mvThemeCol_NavHighlight: p.accent_hover,
        dpg.mvThemeCol_TableHeaderBg: p.raised,
        dpg.mvThemeCol_TableBorderStrong: p.line,
        dpg.mvThemeCol_TableBorderLight: p.line,
        dpg.mvThemeCol_TableRowBg: clear,
        dpg.mvThemeCol_TableRowBgAlt: (255, 255, 255, 6),
        dpg.mvThemeCol_ModalWindowDimBg: (6, 8, 14, 150),
    }


def _button(
    tag: str, rest: Colour, hover: Colour, active: Colour, text: Colour, padding: tuple[int, int] | None = None
) -> None:
    with dpg.theme(tag=tag), dpg.theme_component(dpg.mvButton):
        dpg.add_theme_color(dpg.mvThemeCol_Button, rest)
        dpg.add_theme_color(dpg.mvThemeCol_ButtonHovered, hover)
        dpg.add_theme_color(dpg.mvThemeCol_ButtonActive, active)
        dpg.add_theme_color(dpg.mvThemeCol_Text, text)
        if padding is not None:
            dpg.add_theme_style(dpg.mvStyleVar_FramePadding, *padding)


def _child(tag: str, ground: Colour, border: Colour, rounding: int, padding: tuple[int, int]) -> None:
    with dpg.theme(tag=tag), dpg.theme_component(dpg.mvChildWindow):
        dpg.add_theme_color(dpg.mvThemeCol_ChildBg, ground)
        dpg.add_theme_color(dpg.mvThemeCol_Border, border)
        dpg.add_theme_style(dpg.mvStyleVar_ChildRounding, rounding)
        dpg.add_theme_style(dpg.mvStyleVar_WindowPadding, *padding)


def button_width(label: str) -> float:
    """The width of a small button with this label."""
    return text_metrics.size(label)[0] + 2 * _SMALL_PADDING[0] * max(1.0, text_metrics.size("X")[1] / TEXT_PX)


def stripe(colour: Colour) -> Tag:
    """The theme for a progress bar in this colour, created once."""
    tag = f"{STRIPE}.{'-'.join(map(str, colour))}"
    if not dpg.does_item_exist(tag):
        with dpg.theme(tag=tag), dpg.theme_component(dpg.mvProgressBar):
            dpg.add_theme_color(dpg.mvThemeCol_PlotHistogram, colour)
            dpg.add_theme_color(dpg.mvThemeCol_FrameBg, PALETTE.raised)
            dpg.add_theme_style(dpg.mvStyleVar_FrameRounding, 3)
    return tag


def _px(value: float, scale: float) -> int:
    return max(1, round(value * scale)) if value else 0
