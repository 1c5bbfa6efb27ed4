"""What a person can tell from an icon, measured in its pixels."""

from itertools import combinations
from typing import get_args

import pytest
from modelicons import IconState, Panel, app_icon, draw
from modelicons.palette import Colour, palette
from PIL import Image, ImageChops

PANELS: tuple[Panel, ...] = get_args(Panel)
GROUNDS: dict[str, Colour] = {"dark": (0x2B, 0x2E, 0x34), "light": (0xF0, 0xF1, 0xF3)}


def luminance(colour: Colour) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [
        share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in (c / 255 for c in colour)
    ]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one: Colour, other: Colour) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def pixels(picture: Image.Image) -> list[tuple[int, int, int, int]]:
    raw = picture.tobytes()
    return [(raw[i], raw[i + 1], raw[i + 2], raw[i + 3]) for i in range(0, len(raw), 4)]


def near(colour: Colour, other: Colour) -> bool:
    return max(abs(a - b) for a, b in zip(colour, other, strict=True)) <= 12


def count(picture: Image.Image, colour: Colour) -> int:
    return sum(1 for r, g, b, alpha in pixels(picture) if alpha > 200 and near((r, g, b), colour))


def shape(picture: Image.Image) -> Image.Image:
    """Where there is something to see, whatever its colour."""
    return picture.getchannel("A").point(lambda alpha: 255 if alpha >= 128 else 0)


def hues(picture: Image.Image) -> set[Colour]:
    """The saturated colours that fill at least three pixels."""
    found: dict[Colour, int] = {}
    for r, g, b, alpha in pixels(picture):
        if alpha > 200 and max(r, g, b) - min(r, g, b) > 70:
            found[r, g, b] = found.get((r, g, b), 0) + 1
    return {colour for colour, times in found.items() if times >= 3}


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("size", [16, 22, 24])
def test_every_two_states_differ_in_shape_even_at_the_smallest_sizes(size: int, panel: Panel) -> None:
    for one, other in combinations(IconState, 2):
        changed = ImageChops.difference(
            shape(draw(one, size, progress=0.4, panel=panel)), shape(draw(other, size, progress=0.4, panel=panel))
        )
        share = changed.histogram()[255] / size**2
        assert share >= 0.06, (one, other, share)


@pytest.mark.parametrize("panel", PANELS)
def test_every_two_states_differ_in_colour(panel: Panel) -> None:
    seen = {state: hues(draw(state, 16, progress=0.4, panel=panel)) for state in IconState}
    assert seen[IconState.OFFLINE] == seen[IconState.IDLE] == set()
    for one, other in combinations(set(IconState) - {IconState.OFFLINE, IconState.IDLE}, 2):
        assert seen[one], one
        assert not seen[one] & seen[other], (one, other)
    assert count(draw(IconState.OFFLINE, 48, panel=panel), palette(panel).left) == 0
    assert count(draw(IconState.IDLE, 48, panel=panel), palette(panel).left) > 0


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("size", [22, 48, 128])
@pytest.mark.parametrize("share", [0.25, 0.5, 0.75])
def test_the_ring_is_to_scale(share: float, size: int, panel: Panel) -> None:
    colour = palette(panel).downloading
    whole = count(draw(IconState.DOWNLOADING, size, progress=1.0, panel=panel), colour)
    part = count(draw(IconState.DOWNLOADING, size, progress=share, panel=panel), colour)
    assert whole > 2 * size
    assert part / whole == pytest.approx(share, abs=0.02)


def test_the_ring_grows_clockwise_from_the_top() -> None:
    ring = palette("dark").downloading
    quarter = draw(IconState.DOWNLOADING, 64, progress=0.25)
    assert count(quarter.crop((32, 0, 64, 32)), ring) == count(quarter, ring)


def test_an_empty_ring_a_full_ring_and_an_unknown_one_are_three_pictures() -> None:
    empty, full, unknown = (draw(IconState.DOWNLOADING, 22, progress=share) for share in (0.0, 1.0, None))
    assert count(empty, palette("dark").downloading) == 0
    assert count(full, palette("dark").track) == 0
    assert shape(unknown).tobytes() != shape(empty).tobytes()
    assert unknown.tobytes() != full.tobytes()


def test_progress_beyond_its_bounds_is_none_of_it_or_all_of_it() -> None:
    assert draw(IconState.DOWNLOADING, 22, progress=-1.0) == draw(IconState.DOWNLOADING, 22, progress=0.0)
    assert draw(IconState.DOWNLOADING, 22, progress=7.0) == draw(IconState.DOWNLOADING, 22, progress=1.0)


def test_progress_means_nothing_outside_a_download() -> None:
    assert draw(IconState.BUSY, 22, progress=0.5) == draw(IconState.BUSY, 22)


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize(
    "role", ["left", "right", "offline", "loading", "loaded", "busy", "downloading", "error", "badge"]
)
def test_every_colour_stands_out_from_its_panel(role: str, panel: Panel) -> None:
    assert contrast(getattr(palette(panel), role), GROUNDS[panel]) >= 3.0


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("state", IconState)
def test_enough_of_a_small_icon_stands_out_from_its_panel(state: IconState, panel: Panel) -> None:
    strong = 0
    for r, g, b, alpha in pixels(draw(state, 16, progress=0.4, panel=panel)):
        ground = GROUNDS[panel]
        seen = tuple(
            round((c * alpha + under * (255 - alpha)) / 255) for c, under in zip((r, g, b), ground, strict=True)
        )
        strong += contrast((seen[0], seen[1], seen[2]), ground) >= 3.0
    assert strong >= 40


@pytest.mark.parametrize("size", [16, 22, 24, 48, 256])
@pytest.mark.parametrize("state", IconState)
def test_the_corners_are_transparent(state: IconState, size: int) -> None:
    alpha = draw(state, size).getchannel("A")
    edge = size - 1
    assert [alpha.getpixel(spot) for spot in ((0, 0), (edge, 0), (0, edge), (edge, edge))] == [0, 0, 0, 0]


@pytest.mark.parametrize("panel", PANELS)
@pytest.mark.parametrize("size", [16, 22, 48])
@pytest.mark.parametrize("state", IconState)
def test_the_badge_shows_on_every_state(state: IconState, size: int, panel: Panel) -> None:
    colour = palette(panel).badge
    plain, badged = (draw(state, size, progress=0.4, unseen=unseen, panel=panel) for unseen in (False, True))
    assert count(plain, colour) == 0
    assert count(badged, colour) >= size**2 * 0.06


def test_the_badge_leaves_the_state_to_be_seen() -> None:
    for one, other in combinations(IconState, 2):
        assert draw(one, 16, progress=0.4, unseen=True) != draw(other, 16, progress=0.4, unseen=True)
    for state in IconState:
        plain, badged = (draw(state, 16, progress=0.4, unseen=unseen) for unseen in (False, True))
        changed = ImageChops.difference(plain.getchannel("A"), badged.getchannel("A")).getbbox()
        assert changed is None or min(changed[:2]) >= 8, state


@pytest.mark.parametrize("state", IconState)
def test_every_size_can_be_drawn(state: IconState) -> None:
    for size in (*range(16, 66), 96, 127, 128, 180, 255, 256):
        picture = draw(state, size, progress=0.3, unseen=size % 2 == 0)
        assert (picture.mode, picture.size) == ("RGBA", (size, size))
        assert picture.getchannel("A").getextrema() == (0, 255)


def test_the_box_falls_on_whole_pixels_at_the_sizes_of_trays() -> None:
    for size in (16, 22, 24):
        alpha = draw(IconState.IDLE, size).getchannel("A")
        row = [alpha.getpixel((x, size * 5 // 8)) for x in range(size)]
        assert set(row) == {0, 255}, size


@pytest.mark.parametrize("size", [16, 22, 24, 48, 256])
@pytest.mark.parametrize("state", sorted(set(IconState) - {IconState.OFFLINE}, key=lambda state: state.value))
def test_the_outline_is_symmetrical(state: IconState, size: int) -> None:
    alpha = draw(state, size, progress=1.0).getchannel("A")
    mirrored = alpha.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    assert ImageChops.difference(alpha, mirrored).getextrema()[1] <= 32


@pytest.mark.parametrize("size", [15, 257, 0, -1])
def test_a_size_out_of_bounds_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="16 to 256"):
        draw(IconState.IDLE, size)
    with pytest.raises(ValueError, match="16 to 256"):
        app_icon(size)


def test_a_panel_that_is_neither_dark_nor_light_is_refused() -> None:
    with pytest.raises(ValueError, match="neither"):
        draw(IconState.IDLE, 22, panel="green")  # type: ignore[arg-type]  # what a caller without types could pass


def test_the_same_question_gets_the_same_pixels() -> None:
    first = draw(IconState.DOWNLOADING, 24, progress=0.5)
    assert draw(IconState.DOWNLOADING, 24, progress=0.5).tobytes() == first.tobytes()


def test_painting_on_a_picture_spoils_no_later_one() -> None:
    before = draw(IconState.LOADED, 24).tobytes()
    draw(IconState.LOADED, 24).paste((1, 2, 3, 255), (0, 0, 24, 24))
    assert draw(IconState.LOADED, 24).tobytes() == before


@pytest.mark.parametrize("size", [16, 32, 48, 128, 256])
def test_the_application_icon_has_a_ground_of_its_own_with_round_corners(size: int) -> None:
    icon = app_icon(size)
    alpha = icon.getchannel("A")
    assert (icon.mode, icon.size) == ("RGBA", (size, size))
    assert alpha.getpixel((0, 0)) < 128
    assert shape(icon).histogram()[255] >= size**2 * 0.9
    assert count(icon, (255, 255, 255)) >= size**2 * 0.08
