"""The whole examination, in the order a person would go: from what is installed to what runs."""

from collections.abc import Iterator
from pathlib import Path

from modelctl.client import Client
from modelctl.doctor import daemons, desktops, engines, homes, surroundings, versions
from modelctl.doctor.finding import Finding


def examine(client: Client, *, online: bool = False) -> Iterator[Finding]:
    """Look at everything, changing nothing; findings come as they are made. ``online`` asks the hub as well."""
    places = client.transport.places
    yield from versions.judge(versions.look())
    said = engines.ask_settings()
    settings = engines.settings_of(said)
    yield engines.judge_settings(said, str(places.config_file))
    yield surroundings.judge_preferences(places)
    yield from surroundings.judge_secrets(places.config_file)
    yield from surroundings.judge_environment()
    models_dir = Path(settings.get("models_dir") or places.models_dir).expanduser()
    folders = {
        "config": places.config_dir,
        "data": places.data_dir,
        "log": places.state_dir,
        "runtime": places.runtime_dir,
        "models": models_dir,
    }
    seen = {name: homes.look_at(path) for name, path in folders.items()}
    yield from homes.judge(seen)
    yield homes.judge_disk(seen["models"])
    yield from homes.judge_models(homes.look_for_models(models_dir))
    yield homes.judge_clock(*homes.look_at_clock(places))
    yield from engines.judge_engine(engines.ask_engine(), settings, engines.sees_gpu())
    daemon = daemons.look(client)
    yield from daemons.judge(daemon)
    yield surroundings.judge_service(surroundings.look_at_service(), running=daemon.snapshot is not None)
    yield from desktops.judge(desktops.look())
    if online:
        endpoint = str(settings.get("hub_endpoint") or "https://huggingface.co")
        yield surroundings.judge_hub(endpoint, surroundings.look_at_hub(endpoint))
