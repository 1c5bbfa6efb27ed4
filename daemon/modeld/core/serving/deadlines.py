"""Deadlines of workers: a worker that hangs is ended, and those who wait for it are answered.

A worker sends signs of life from the thread that works (``workers.Alive``). A load has one more: the worker's memory
grows, which the daemon sees from outside, while the kernel reads a file into memory in one long call.
"""

from modeld.core.facts import Sampled
from modeld.core.serving.loading import Loader
from modeld.core.state.model import Model
from modeld.core.state.state import State
from modeld.core.state.undo import Tracked
from modeld.protocol.reasons import Reason
from modeld.protocol.states import ModelState
from modeld.protocol.workers import Activity, Alive, AnyNews


class Deadlines(Tracked):
    """Looks once a second whether a worker has passed a deadline."""

    def __init__(self, state: State, loader: Loader) -> None:
        self._state = state
        self._loader = loader

    def heard(self, model: Model, news: AnyNews) -> None:
        """A worker sent a message."""
        pulse, now = model.pulse, self._state.awake_s
        if isinstance(news, Alive) and news.activity is not pulse.activity:
            pulse.begin(news.activity, now)
        else:
            pulse.hear(now)

    def sampled(self, fact: Sampled) -> None:
        """The memory of the workers was measured."""
        for run, (resident, _) in fact.workers.items():
            model = self._loader.by_run(run)
            if model is not None and model.state is ModelState.LOADING:
                if resident > model.pulse.resident_bytes:
                    model.pulse.hear(self._state.awake_s)
                model.pulse.resident_bytes = resident

    def ticked(self) -> None:
        """A second passed: end the workers that passed a deadline."""
        for model in list(self._state.models.values()):
            if model.state is ModelState.LOADING:
                self._check_load(model)
            elif model.state is ModelState.BUSY:
                self._check_task(model)

    def _check_load(self, model: Model) -> None:
        settings, now, key = self._state.settings, self._state.awake_s, model.key
        if now - model.pulse.since_s >= settings.load_timeout_s:
            limit = round(settings.load_timeout_s)
            self._loader.give_up(model, Reason.LOAD_TOO_SLOW.failure(key=key, seconds=limit))
        elif now - model.pulse.heard_s >= settings.worker_silence_s:
            limit = round(settings.worker_silence_s)
            self._loader.give_up(model, Reason.LOAD_HANGS.failure(key=key, seconds=limit))

    def _check_task(self, model: Model) -> None:
        settings, now, key = self._state.settings, self._state.awake_s, model.key
        asked = model.current.stop_asked_s if model.current is not None else None
        if asked is not None and now - asked >= settings.stop_timeout_s:
            limit = round(settings.stop_timeout_s)
            self._loader.give_up_task(model, Reason.STOP_IGNORED.failure(key=key, seconds=limit))
        elif model.pulse.activity is Activity.TEMPLATE:
            self._check_template(model)
        elif now - model.pulse.heard_s >= settings.worker_silence_s:
            limit = round(settings.worker_silence_s)
            if model.pulse.activity is Activity.DECODE:
                self._loader.give_up(model, Reason.ANSWER_HANGS.failure(key=key, seconds=limit))
            else:
                self._loader.give_up(model, Reason.PROMPT_HANGS.failure(key=key, seconds=limit))

    def _check_template(self, model: Model) -> None:
        limit_s = self._state.settings.template_timeout_s
        if self._state.awake_s - model.pulse.since_s >= limit_s:
            self._loader.give_up(model, Reason.TEMPLATE_TOO_SLOW.failure(key=model.key, seconds=round(limit_s)))
