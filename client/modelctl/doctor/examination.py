"""Runs all checks of ``modelctl doctor``, from the installation to the running programs.

A check is a line in ``examine``: its name, and the function that judges what was inspected.
"""

from collections.abc import Iterator
from pathlib import Path

from modelctl.client import Client
from modelctl.doctor import daemons, desktops, engines, environment, folders, leftovers, versions
from modelctl.doctor.finding import Finding, Verdict
from modelctl.language.catalogue import marked


def examine(client: Client, *, online: bool = False) -> Iterator[Finding]:
    """Run all checks without changing anything, yielding findings as they come. ``online`` also contacts the hub."""
    places = client.transport.places
    yield from _check(marked("python"), versions.judge_python())
    packages = versions.inspect()
    yield from _check(marked("packages"), *versions.judge_metadata(packages))
    yield from _check(marked("packages:client"), *versions.judge_part("", packages))
    yield from _check(marked("packages:daemon"), *versions.judge_part("daemon", packages))
    yield from _check(marked("packages:desktop"), *versions.judge_part("desktop", packages))
    result = engines.ask_settings()
    settings = engines.settings_of(result)
    yield from _check(marked("settings"), engines.judge_settings(result, str(places.config_file)))
    yield from _check(marked("preferences"), environment.judge_preferences(places))
    yield from _check(marked("secrets"), *environment.judge_secrets(places.config_file))
    yield from _check(marked("environment"), *environment.judge_environment())
    yield from _check(marked("folder:config"), folders.judge(folders.look_at(places.config_dir)))
    yield from _check(marked("folder:data"), folders.judge(folders.look_at(places.data_dir)))
    yield from _check(marked("folder:log"), folders.judge(folders.look_at(places.state_dir)))
    yield from _check(marked("folder:runtime"), folders.judge(folders.look_at(places.runtime_dir), private=True))
    models_dir = Path(settings.get("models_dir") or places.models_dir).expanduser()
    models = folders.look_at(models_dir)
    yield from _check(marked("folder:models"), folders.judge(models))
    yield from _check(marked("disk"), folders.judge_disk(models))
    daemon = daemons.inspect(client)
    left = leftovers.look(places, models_dir, leftovers.known_files(places, daemon.snapshot))
    nobodys = leftovers.names(left.partial)
    files = [file for file in folders.look_for_models(models_dir) if file.name not in nobodys]
    yield from _check(marked("model-files"), *folders.judge_models(files))
    yield from _check(marked("leftovers"), *leftovers.judge(left, models_dir))
    yield from _check(marked("clock"), folders.judge_clock(*folders.look_at_clock(places)))
    engine = engines.engine_of(engines.ask_engine())
    yield from _check(marked("engine"), engines.judge_engine(engine))
    yield from _check(marked("gpu"), *engines.judge_gpu(engine, settings, engines.sees_gpu()))
    yield from _check(marked("daemon"), daemons.judge(daemon))
    if daemon.snapshot is not None:
        yield from _check(marked("answers"), daemons.judge_answer(daemon.answer_s))
        yield from _check(marked("memory"), *daemons.judge_memory(daemon.snapshot))
        yield from _check(marked("models"), *daemons.judge_models(daemon.snapshot))
        yield from _check(marked("downloads"), *daemons.judge_downloads(daemon.snapshot))
    service = environment.look_at_service()
    yield from _check(marked("service"), environment.judge_service(service, running=daemon.snapshot is not None))
    desktop = desktops.inspect()
    if desktop is None or desktop.owned is None:
        yield from _check(marked("desktop"), desktops.judge(desktop))
    else:
        yield from _check(marked("tray"), desktops.judge_tray(desktop.owned))
        yield from _check(marked("notifications"), desktops.judge_notifications(desktop.owned))
    if online:
        endpoint = str(settings.get("hub_endpoint") or "https://huggingface.co")
        yield from _check(marked("hub"), environment.judge_hub(endpoint, environment.look_at_hub(endpoint)))


def _check(name: str, *verdicts: Verdict) -> Iterator[Finding]:
    return (Finding(name, *verdict) for verdict in verdicts)
