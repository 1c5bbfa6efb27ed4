"""The GLFW functions that DearPyGui's library exports on Linux: wait, wake, focus.

They are not part of DearPyGui's documented interface, so ``find`` returns None if one is missing.
"""

import ctypes
from collections.abc import Callable

_FOCUSED = 0x00020001
_ICONIFIED = 0x00020002


class Glfw:
    """The library's functions; all but ``init`` and ``wake`` need a display."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._post = library.glfwPostEmptyEvent
        self._wait = library.glfwWaitEventsTimeout
        self._wait.argtypes = [ctypes.c_double]
        self._context = library.glfwGetCurrentContext
        self._context.restype = ctypes.c_void_p
        self._attribute = library.glfwGetWindowAttrib
        self._attribute.argtypes = [ctypes.c_void_p, ctypes.c_int]
        self._init = library.glfwInit
        self._monitor = library.glfwGetPrimaryMonitor
        self._monitor.restype = ctypes.c_void_p
        self._scale = library.glfwGetMonitorContentScale
        self._scale.argtypes = [ctypes.c_void_p, ctypes.POINTER(ctypes.c_float), ctypes.POINTER(ctypes.c_float)]
        self._scale.restype = None
        self._area = library.glfwGetMonitorWorkarea
        self._area.argtypes = [ctypes.c_void_p, *[ctypes.POINTER(ctypes.c_int)] * 4]
        self._area.restype = None

    def init(self) -> bool:
        """Whether there is a display; without one, DearPyGui itself would end the process."""
        return bool(self._init())

    def scale(self) -> float:
        """The desktop's display scale (Xft.dpi on X11); 1.0 if unknown. Call after ``init``."""
        monitor = self._monitor()
        across, down = ctypes.c_float(1.0), ctypes.c_float(1.0)
        if monitor:
            self._scale(monitor, ctypes.byref(across), ctypes.byref(down))
        return float(across.value) or 1.0

    def work_area(self) -> tuple[int, int, int, int] | None:
        """The part of the display that no panel covers: left, top, width, height; None if unknown. After ``init``."""
        monitor = self._monitor()
        if not monitor:
            return None
        left, top, width, height = (ctypes.c_int() for _ in range(4))
        self._area(monitor, *map(ctypes.byref, (left, top, width, height)))
        return (left.value, top.value, width.value, height.value) if width.value and height.value else None

    def wake(self) -> None:
        """Wake the drawing thread from ``wait``; may be called from any thread."""
        self._post()

    def wait(self, seconds: float) -> None:
        """Sleep until input, a ``wake``, or the timeout; on the drawing thread."""
        self._wait(seconds)

    def focused(self) -> bool:
        """Whether this thread's window has the keyboard focus and is not minimised."""
        window = self._context()
        return bool(window) and bool(self._attribute(window, _FOCUSED)) and not self._attribute(window, _ICONIFIED)


def find() -> Glfw | None:
    """The functions, if the library exports all of them."""
    import dearpygui._dearpygui as internal

    try:
        return Glfw(ctypes.CDLL(internal.__file__))
    except (OSError, AttributeError):
        return None


def waker() -> Callable[[], None]:
    """``wake``, or a function that does nothing."""
    found = find()
    return found.wake if found is not None else lambda: None
