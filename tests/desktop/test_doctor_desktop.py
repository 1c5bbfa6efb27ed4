"""The doctor asks a real session bus who shows icons and notifications, with and without them."""

from pathlib import Path

from modelctl.doctor import desktops
from support.desktop.virtual_desktop import VirtualDesktop


def test_a_panel_and_a_notification_server_are_found(desktop: VirtualDesktop):
    found = desktops.inspect(desktop.environment, "linux")
    assert found == desktops.Desktop(True, {desktops.TRAY_HOST: True, desktops.NOTIFICATIONS: True})


def test_a_desktop_without_either_is_seen_as_such(tmp_path: Path):
    bare = VirtualDesktop(tmp_path, panel=False, notifications=False)
    try:
        found = desktops.inspect(bare.environment, "linux")
    finally:
        bare.close()
    assert found == desktops.Desktop(True, {desktops.TRAY_HOST: False, desktops.NOTIFICATIONS: False})
