"""Steps of a hub download in a ``World``: request, listing, header, file."""

import msgspec
from modeld.core import effects, facts
from modeld.core.facts import RemoteFile
from modeld.protocol import requests
from modeld.protocol.states import FINAL
from modeld.protocol.views import JobView

from support.manager_world import GIB, HEADER, World

SHA = "a" * 64
ONE = [RemoteFile(path="m-Q4_K_M.gguf", size_bytes=1000, sha256=SHA)]
THREE = [RemoteFile(path=f"q/m-0000{n}-of-00003.gguf", size_bytes=100 * n, sha256=str(n) * 64) for n in (1, 2, 3)]


def pulled(world: World, source: str = "hf:org/m", wait: bool = False) -> JobView:
    """Request a source; return its job."""
    world.ask(requests.Pull(id="pull", model=source, wait=wait))
    return next(job for job in world.snapshot().jobs if job.state not in FINAL)


def listed(world: World, files: list[RemoteFile]) -> effects.ReadRemote:
    """Deliver the listing; return what the core asks for next."""
    (listing,) = world.of(effects.ListRepository)
    world.tell(facts.RepositoryListed(lookup=listing.lookup, files=files))
    (read,) = world.of(effects.ReadRemote)
    return read


def looked(
    world: World, files: list[RemoteFile], commit: str = "c1", disk_free: int = 100 * GIB, taken: int = 0
) -> None:
    """Deliver listing and header."""
    read = listed(world, files)
    world.tell(
        facts.RemoteRead(lookup=read.lookup, header=HEADER, commit=commit, disk_free=disk_free, taken_bytes=taken)
    )


def started(world: World) -> effects.StartPull:
    (start,) = world.of(effects.StartPull)
    return start


def came(world: World, start: effects.StartPull, part: int = 1, parts: int = 1) -> None:
    """Deliver a downloaded file."""
    architecture = "llama" if part == 1 else ""
    header = msgspec.structs.replace(
        HEADER, part=part, parts=parts, file_bytes=start.size_bytes, architecture=architecture
    )
    world.tell(
        facts.PullFinished(
            job=start.job,
            run=start.run,
            path=f"/models/{start.file_name}",
            header=header,
            sha256=start.sha256,
            verified=True,
        )
    )
