"""Chooses the tray backend for this desktop."""

import asyncio
import logging
import os
import sys
from importlib import import_module
from importlib.util import find_spec

import modelicons

from modelctl.desktop.tray.backend import Listener, TrayBackend
from modelctl.language.catalogue import _

_log = logging.getLogger("modelctl.desktop.tray")


class NoBackendError(Exception):
    """No installed backend can show a tray icon here; the message says what to install."""


def choose(listener: Listener, panel: modelicons.Panel) -> TrayBackend:
    """The backend for this platform and desktop. Raises NoBackendError."""
    if sys.platform in ("win32", "darwin") or _only_an_old_tray():
        from modelctl.desktop.tray import pystray_backend

        try:
            return pystray_backend.PystrayTray(listener, panel, pystray_backend.load())
        except pystray_backend.PystrayError as error:
            if sys.platform in ("win32", "darwin"):
                raise NoBackendError(str(error)) from error
            _log.info("%s", error)
    try:
        from modelctl.desktop.tray.sni import SniTray
    except ImportError as error:
        raise NoBackendError(f"{error}. " + _("Install it with: pip install 'modeld[desktop]'")) from error
    return SniTray(listener, panel)


def _only_an_old_tray() -> bool:
    """Whether there is an XEmbed tray, PyGObject to reach it, and no StatusNotifierItem host on the bus.

    Without a session bus, pystray's GTK backend never ends, so that counts as no.
    """
    if not os.environ.get("DISPLAY") or not os.environ.get("DBUS_SESSION_BUS_ADDRESS") or find_spec("gi") is None:
        return False
    return _x_tray_there() and not _watcher_there()


def _x_tray_there() -> bool:
    """Whether an XEmbed tray owns its selection on this screen."""
    try:
        # python-xlib has no types; it comes with pystray on Linux.
        display = import_module("Xlib.display").Display()
    except Exception as error:  # noqa: BLE001 - Xlib raises its own classes, and OSError, and more
        _log.info("no X display: %s", error)
        return False
    try:
        atom = display.intern_atom(f"_NET_SYSTEM_TRAY_S{display.get_default_screen()}")
        return bool(display.get_selection_owner(atom))
    finally:
        display.close()


def _watcher_there() -> bool:
    """Whether a StatusNotifierItem watcher is on the bus."""
    try:
        from modelctl.desktop.tray import sni
    except ImportError:
        return False
    return asyncio.run(sni.watcher_there())
