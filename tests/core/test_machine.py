"""What of the machine is worth an event."""

import pytest
from modeld.core import facts
from modeld.core.machine import moved
from modeld.protocol import events, requests
from modeld.protocol.views import GpuView, SystemView
from support.manager_world import GIB, World

MIB = 1024**2
GPU = GpuView(name="G", memory_total=8 * GIB, memory_used=GIB, busy_percent=10.0)
STILL = SystemView(memory_total=16 * GIB, memory_available=8 * GIB, disk_free=100 * GIB, cpu_percent=5.0, gpus=[GPU])


def changed(**fields: object) -> SystemView:
    return SystemView(**{name: getattr(STILL, name) for name in STILL.__struct_fields__} | fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "now",
    [
        changed(workers_memory=20 * MIB),
        changed(memory_available=8 * GIB - 80 * MIB),
        changed(disk_free=99 * GIB),
        changed(cpu_percent=50.0),
        changed(gpus=[]),
        changed(gpus=[GpuView(name="G", memory_total=8 * GIB, memory_used=2 * GIB, busy_percent=10.0)]),
        changed(gpus=[GpuView(name="G", memory_total=8 * GIB, memory_used=GIB, busy_percent=90.0)]),
    ],
)
def test_what_a_person_would_see_is_told(now: SystemView):
    assert moved(STILL, now)


@pytest.mark.parametrize(
    "now", [STILL, changed(memory_available=8 * GIB - MIB), changed(cpu_percent=9.0), changed(daemon_memory=MIB)]
)
def test_small_moves_are_not_told(now: SystemView):
    assert not moved(STILL, now)


def test_small_moves_that_add_up_are_told():
    world = World()
    told = 0
    for step in range(1, 41):
        world.tell(facts.Sampled(system=SystemView(memory_available=8 * GIB, workers_memory=step * MIB), workers={}))
        told += len(world.events(events.SystemSampled))
    assert told == 2  # at 16 and at 32 MiB
    assert world.snapshot().system.workers_memory == 32 * MIB  # what a mirror that follows the events has
    (status,) = [effect.reply.result for effect in world.ask(requests.Status(id="s"))]
    assert status.system.workers_memory == 40 * MIB
