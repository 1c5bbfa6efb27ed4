"""The downloads in the pictures: copies of the sample model under well-known names, from a slow server."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelctl import Client
from modeld.protocol.states import FINAL
from support.range_server import RangeServer
from support.real_daemon import sample_file

NAMES = ("mistral-small", "qwen-coder", "gemma-it")


@contextmanager
def models_to_download(client: Client, folder: Path, *, bytes_per_second: int) -> Iterator[None]:
    """Add the models; at the end cancel their downloads and delete what was downloaded."""
    served = folder / "served"
    served.mkdir()
    with RangeServer(served, bytes_per_second=bytes_per_second) as server:
        for name in NAMES:
            shutil.copy(sample_file(), served / f"{name}.gguf")
            client.add(name, server.url(f"{name}.gguf"))
        yield
        for job in client.jobs():
            if job.state not in FINAL:
                client.cancel(job=job.id, keep=False)
