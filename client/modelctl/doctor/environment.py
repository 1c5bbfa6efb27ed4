"""Checks the environment, the preferences, the service at login, and the network."""

import os
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

from modeld.places import Places
from modelservice import ServiceError, State, for_this_system

from modelctl import preferences
from modelctl.doctor.finding import Verdict, failed, ok, warning
from modelctl.language.catalogue import _
from modelctl.language.sentences import of_message

OURS = ("MODELD_", "MODELCTL_", "LLAMA_", "LLM_", "HF_", "HUGGING_FACE_", "HUGGINGFACE_")
OFF = ("0", "false", "no", "off", "")
ONLINE_S = 10.0


def judge_environment(environment: Mapping[str, str] = os.environ) -> Iterator[Verdict]:
    """Which variables override the settings of a daemon started from here; their values are not shown."""
    names = sorted(name for name in environment if name.startswith(OURS))
    if not names:
        yield ok(_("no variable overrides a setting"))
        return
    yield ok(_("override the settings file: {names}").format(names=", ".join(names)))
    layers = environment.get("LLAMA_GPU_LAYERS", "").strip()
    if environment.get("LLAMA_USE_GPU", "1").strip().lower() in OFF and layers not in ("", "0"):
        text = _("LLAMA_USE_GPU turns the GPU off, so LLAMA_GPU_LAYERS={layers} has no effect.").format(layers=layers)
        yield warning(text, _("Unset one of the two."))


def judge_preferences(places: Places) -> Verdict:
    """Whether client.toml is valid; otherwise the defaults apply."""
    try:
        preferences.read(places)
    except preferences.PreferencesError as error:
        return warning(str(error), _("Fix it; until then the defaults apply."))
    return ok(str(preferences.file(places)))


def look_at_service() -> State | str:
    """Whether modeld starts at login, or why that is unknown."""
    try:
        return for_this_system().state()
    except ServiceError as error:
        return of_message(error.message)


def judge_service(state: State | str, running: bool) -> Verdict:
    """Whether an installed service is running."""
    if isinstance(state, str):
        return warning(state, "modelctl service status")
    if not state.files:
        return ok(_("not installed; modelctl service install starts modeld at login"))
    if not running:
        text = _("{kind} is installed, but modeld is not running.").format(kind=_(state.kind))
        return warning(text, "modelctl up, modelctl logs")
    return ok(_("{kind}, starts at login").format(kind=_(state.kind)))


def look_at_hub(endpoint: str) -> str:
    """Empty if the hub answers at all, otherwise the error."""
    request = urllib.request.Request(endpoint, method="HEAD", headers={"User-Agent": "modelctl-doctor"})
    try:
        with urllib.request.urlopen(request, timeout=ONLINE_S):
            return ""
    except urllib.error.HTTPError as error:
        error.close()
        return "" if error.code < 500 else f"HTTP {error.code}"
    except (urllib.error.URLError, OSError, ValueError) as error:
        return str(getattr(error, "reason", error))


def judge_hub(endpoint: str, why: str) -> Verdict:
    """Whether downloads can work."""
    if why:
        text = _("{endpoint} is not reachable: {why}").format(endpoint=endpoint, why=why)
        fix = _("Check the network, the proxy (HTTPS_PROXY) and the clock; a mirror is set with HF_ENDPOINT.")
        return failed(text, fix)
    return ok(_("{endpoint} answers").format(endpoint=endpoint))


def judge_secrets(config_file: Path) -> Iterator[Verdict]:
    """Whether other users can read a token in the settings file."""
    try:
        text, mode = config_file.read_text(encoding="utf-8", errors="replace"), config_file.stat().st_mode
    except OSError:
        return
    if os.name == "posix" and "hub_token" in text and mode & 0o077:
        seen = _("{path} contains a token, and other users can read it.").format(path=config_file)
        yield warning(seen, f"chmod 600 {config_file}")
