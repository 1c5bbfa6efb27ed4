"""Which backend a desktop gets."""

import sys
from types import ModuleType

import pytest
from modelctl.tray import choose, legacy, sni
from modelctl.tray.backend import Listener
from modelctl.tray.legacy import PystrayTray
from modelctl.tray.sni import SniTray

LISTENER = Listener(lambda _: None, lambda: None, lambda: None)


def use_legacy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legacy, "load", lambda: ModuleType("pystray"))


def chosen() -> object:
    made = choose.choose(LISTENER, "dark")
    if isinstance(made, SniTray):
        made._loop.close()  # run would have
    return type(made)


@pytest.mark.parametrize("platform", ["win32", "darwin"])
def test_windows_and_macos_get_pystray(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    use_legacy(monkeypatch)
    monkeypatch.setattr(sys, "platform", platform)
    assert chosen() is PystrayTray


def test_linux_gets_the_status_item_although_nothing_shows_it_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    assert chosen() is SniTray


@pytest.mark.parametrize(("watcher", "expected"), [(False, PystrayTray), (True, SniTray)])
def test_a_desktop_with_an_old_tray_gets_pystray_unless_it_has_a_new_one_too(
    watcher: bool, expected: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_legacy(monkeypatch)
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    monkeypatch.setattr(choose, "find_spec", lambda _: object())
    monkeypatch.setattr(choose, "_x_tray_there", lambda: True)
    monkeypatch.setattr(choose, "_watcher_there", lambda: watcher)
    assert chosen() is expected


def test_a_bus_that_is_not_there_has_no_watcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    assert not choose._watcher_there()


# Xlib leaves the sockets of its attempts to be collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_display_that_is_not_there_has_no_old_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":59999")
    assert not choose._x_tray_there()


def test_where_the_package_for_the_bus_is_missing_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setitem(sys.modules, sni.__name__, None)
    monkeypatch.delattr("modelctl.tray.sni")
    with pytest.raises(choose.NoBackendError, match=r"pip install 'modeld\[desktop\]'"):
        choose.choose(LISTENER, "dark")
