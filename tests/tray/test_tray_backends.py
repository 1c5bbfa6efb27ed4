"""Which backend a desktop gets."""

import sys
from types import ModuleType

import pytest
from modelctl.desktop.tray import backends, pystray_backend, sni
from modelctl.desktop.tray.backend import Listener
from modelctl.desktop.tray.pystray_backend import PystrayTray
from modelctl.desktop.tray.sni import SniTray

LISTENER = Listener(lambda _: None, lambda: None, lambda: None)


def use_legacy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pystray_backend, "load", lambda: ModuleType("pystray"))


def chosen() -> object:
    made = backends.choose(LISTENER, "dark")
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
    monkeypatch.setattr(backends, "find_spec", lambda _: object())
    monkeypatch.setattr(backends, "_x_tray_there", lambda: True)
    monkeypatch.setattr(backends, "_watcher_there", lambda: watcher)
    assert chosen() is expected


def test_a_bus_that_is_not_there_has_no_watcher(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nowhere")
    assert not backends._watcher_there()


# Xlib leaves the sockets of its attempts to be collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_display_that_is_not_there_has_no_old_tray(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":59999")
    assert not backends._x_tray_there()


def test_where_the_package_for_the_bus_is_missing_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.setitem(sys.modules, sni.__name__, None)
    monkeypatch.delattr("modelctl.desktop.tray.sni")
    with pytest.raises(backends.NoBackendError, match=r"pip install 'modeld\[desktop\]'"):
        backends.choose(LISTENER, "dark")
