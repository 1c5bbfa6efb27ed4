"""``ps``: the models in memory."""

from datetime import UTC, datetime

import click
from modeld.protocol import replies
from modeld.protocol.states import HAS_WORKER, ModelState
from modeld.protocol.views import ModelView

from modelctl.cli.session import Session, pass_session
from modelctl.cli.verb import Verb
from modelctl.language import names
from modelctl.language.catalogue import _


@click.command(cls=Verb, example="modelctl ps")
@pass_session
def ps(session: Session) -> None:
    """Show the loaded models: memory, context, device, idle time, state."""
    models = [model for model in session.client.list() if model.state in HAS_WORKER]
    if session.json:
        session.emit(replies.Models(models=models))
        return
    if not models:
        session.say(_("No model is loaded. Load one with: modelctl load KEY"))
        return
    from modelctl.language.format import table

    now = datetime.now(UTC)
    headers = [_("KEY"), _("MEMORY"), _("CONTEXT"), _("DEVICE"), _("IDLE"), _("STATE")]
    for line in table(headers, [_row(model, now) for model in models]):
        session.line(line)


def _row(model: ModelView, now: datetime) -> list[str]:
    from modelctl.language.format import format_bytes

    key, state = model.key.upper(), names.of_model_state(model.state)
    if model.pinned:
        state = _("{state}, pinned").format(state=state)
    loaded = model.loaded
    if loaded is None:
        return [key, "-", "-", "-", "-", state]
    context = f"{loaded.context_used}/{loaded.context_size}"
    return [key, format_bytes(loaded.memory_bytes), context, loaded.device, _idle(model, now), state]


def _idle(model: ModelView, now: datetime) -> str:
    """Since when nobody used it; "-" while it works or when that is not known."""
    from modelctl.language.format import format_eta

    if model.state is not ModelState.LOADED or model.loaded is None:
        return "-"
    last = model.loaded.last_used_at or model.loaded.loaded_at
    return format_eta(max(0.0, (now - datetime.fromisoformat(last)).total_seconds())) if last else "-"
