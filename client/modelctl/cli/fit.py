"""States in words whether a model fits this machine; pure."""

from modeld.protocol.views import FitView

from modelctl.language.catalogue import _
from modelctl.language.format import format_bytes


def verdict(fit: FitView) -> str:
    """The result in one or two words, for a table."""
    if fit.disk_bytes > fit.disk_free:
        return _("disk too full")
    match fit.verdict:
        case "fits":
            return _("fits")
        case "after_unloading":
            return _("after unloading")
        case _:
            return _("too large")


def fit_lines(fit: FitView) -> list[str]:
    """The memory and disk that a model needs, what is available, and what to do if that is too little."""
    text = _("Memory: needs {needed} with a context of {context} tokens; {available} of {total} are available.")
    lines = [
        text.format(
            needed=format_bytes(fit.memory_bytes),
            context=fit.context_size,
            available=format_bytes(fit.memory_available),
            total=format_bytes(fit.memory_total),
        )
    ]
    match fit.verdict:
        case "fits":
            lines.append(_("It fits this machine."))
        case "after_unloading":
            lines.append(_("It fits once other models are unloaded."))
        case _ if fit.max_context:
            text = _("Too large for this machine. It fits with a context of up to {count} tokens.")
            lines.append(text.format(count=fit.max_context))
        case _:
            lines.append(_("Too large for this machine with any context. Choose a smaller model or quantization."))
    if fit.disk_bytes:
        text = _("Disk: {size} to download; {free} are free.")
        lines.append(text.format(size=format_bytes(fit.disk_bytes), free=format_bytes(fit.disk_free)))
    return lines
