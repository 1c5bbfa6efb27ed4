"""The menu as pystray's own, and the icon through a stand-in for its window system."""

import importlib
import sys
from types import ModuleType

import pytest
from modelctl.desktop.tray import pystray_backend
from modelctl.desktop.tray.appearance import appearance
from modelctl.desktop.tray.backend import Listener
from modelctl.desktop.tray.choices import Choice, Load, OpenViewer, QuitTray
from modelctl.desktop.tray.menu import MenuItem, menu
from modelctl.desktop.tray.unseen import UnseenNews
from modeld.protocol.states import ModelState
from support.views.tray import model, snapshot_of


@pytest.fixture
def pystray(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The real package, with its backend that has no window system."""
    monkeypatch.setenv("PYSTRAY_BACKEND", "dummy")
    for name in [name for name in sys.modules if name.split(".")[0] == "pystray"]:
        monkeypatch.delitem(sys.modules, name)
    return importlib.import_module("pystray")


class FakeIcon:
    """Runs until it is stopped; a backend's window system in the place of a real one."""

    made: "FakeIcon"

    def __init__(self, name: str, icon: object, title: str, menu: object) -> None:
        self.name, self.icon, self.title, self.menu = name, icon, title, menu
        self.stopped = False
        FakeIcon.made = self

    def run(self) -> None:
        self.ran = True

    def stop(self) -> None:
        self.stopped = True


def test_a_menu_becomes_pystrays_with_submenus_lines_and_marks(pystray: ModuleType) -> None:
    chosen: list[Choice] = []
    entries = (
        MenuItem("viewer", "Open viewer", OpenViewer()),
        MenuItem("line", separator=True),
        MenuItem("load", "Load", children=(MenuItem("load/a", "A", Load("a")),)),
        MenuItem("pin", "Pinned", QuitTray(), enabled=False, checked=True),
    )
    viewer, line, load, pin = pystray_backend.converted(entries, pystray, chosen.append)
    assert (viewer.text, viewer.default, viewer.enabled, viewer.checked) == ("Open viewer", True, True, None)
    assert line is pystray.Menu.SEPARATOR
    assert [item.text for item in load.submenu.items] == ["A"]
    assert (pin.enabled, pin.checked) == (False, True)
    load.submenu.items[0](None)
    assert chosen == [Load("a")]


def test_the_real_menu_has_one_default_entry_and_as_many_entries(pystray: ModuleType) -> None:
    entries = menu(snapshot_of([model("a", ModelState.LOADED), model("b")]), UnseenNews(failure="It broke."))
    items = pystray_backend.converted(entries, pystray, lambda _: None)
    assert len(items) == len(entries)
    assert [item.text for item in items if item.default] == ["Open viewer"]


def test_the_icon_is_brought_up_to_date_and_a_choice_counts_as_having_looked(
    pystray: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pystray, "Icon", FakeIcon)
    told: list[object] = []
    listener = Listener(chosen=told.append, opened=lambda: told.append("opened"), closed=lambda: told.append("closed"))
    tray = pystray_backend.PystrayTray(listener, "dark", pystray)
    tray.run()
    icon = FakeIcon.made
    before = icon.icon
    now = snapshot_of([model("a", ModelState.LOADED)])
    tray.set_appearance(appearance(now, UnseenNews()))
    tray.set_menu(menu(now, UnseenNews()))
    assert icon.title.startswith("modeld 1.2.3: 1 model loaded")
    assert icon.icon.tobytes() != before.tobytes()
    next(item for item in icon.menu.items if item.text == "Quit tray")(icon)
    assert told == ["opened", "closed", QuitTray()]
    tray.stop()
    assert icon.stopped


def test_a_tray_that_is_stopped_before_it_runs_shows_nothing(
    pystray: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pystray, "Icon", None)
    tray = pystray_backend.PystrayTray(Listener(lambda _: None, lambda: None, lambda: None), "dark", pystray)
    tray.stop()
    tray.run()


def test_a_tooltip_is_no_longer_than_windows_can_show() -> None:
    long = appearance(snapshot_of([model(f"model-{n}", ModelState.LOADED) for n in range(20)]), UnseenNews())
    assert len(pystray_backend.tip(long)) == pystray_backend.TIP_CHARACTERS
    assert pystray_backend.tip(appearance(snapshot_of(), UnseenNews())) == "modeld 1.2.3: idle"


def test_a_pystray_that_cannot_be_imported_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pystray", None)
    with pytest.raises(pystray_backend.PystrayError, match="pystray cannot be used here"):
        pystray_backend.load()
