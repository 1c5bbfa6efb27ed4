"""The system monitor: what the memory goes to, the ring of samples, and the tab's texts."""

import msgspec
import pytest
from modelctl.desktop.viewer.monitor.series import SAMPLES, SampleSeries, edges, memory_parts
from modelctl.desktop.viewer.monitor.tab import MonitorTab, gpu_line
from modeld.protocol.states import ModelState
from modeld.protocol.views import DaemonView, GpuView, ModelView, Snapshot, SystemView
from support.desktop.headless_ui import BenchUi, items, texts
from support.fake_daemon import AT, model_of

GIB = 1 << 30
LOADED = msgspec.structs.replace(model_of("mistral", ModelState.LOADED), estimated_bytes=2 * GIB)


def snapshot_of(system: SystemView, *models: ModelView, at: str = AT) -> Snapshot:
    daemon = DaemonView(version="1", pid=1, started_at=AT)
    return Snapshot(epoch="e", seq=1, at=at, daemon=daemon, system=system, models=[*models], jobs=[])


def system_of(available: int = 4, cpu: float = 12.5, gpus: tuple[GpuView, ...] = ()) -> SystemView:
    return SystemView(
        memory_total=8 * GIB,
        memory_available=available * GIB,
        daemon_memory=GIB // 2,
        workers_memory=GIB,
        disk_free=75 * GIB,
        disk_total=100 * GIB,
        cpu_percent=cpu,
        gpus=[*gpus],
    )


def test_the_parts_of_the_memory_sum_up_to_all_of_it() -> None:
    parts = memory_parts(snapshot_of(system_of(), LOADED))

    assert [(part.key, part.size_bytes) for part in parts] == [
        ("mistral", GIB),
        (":daemon", GIB // 2),
        (":other", 4 * GIB - GIB - GIB // 2),
        (":free", 4 * GIB),
    ]


def test_shared_pages_counted_twice_make_no_part_negative() -> None:
    parts = memory_parts(snapshot_of(system_of(available=7), LOADED, model_of("phi", ModelState.BUSY)))

    assert min(part.size_bytes for part in parts) == 0
    assert sum(part.size_bytes for part in parts) == 8 * GIB


def test_the_edges_of_a_stacked_bar_are_to_scale() -> None:
    assert edges([1, 0, 3], 400) == [0, 100, 100, 400]
    assert edges([], 400) == [0]
    assert edges([0, 0], 400) == [0, 0, 0]


def test_a_sample_is_kept_only_when_the_machine_changed() -> None:
    series = SampleSeries()

    assert series.take(snapshot_of(system_of(cpu=1)))
    assert not series.take(snapshot_of(system_of(cpu=1)))
    assert series.take(snapshot_of(system_of(cpu=2)))

    assert len(series) == 2


def test_the_plot_has_the_last_ten_minutes_and_the_ring_no_more_than_it_holds() -> None:
    series = SampleSeries()
    for second in range(2 * SAMPLES):
        at = f"2026-01-02T{second // 3600:02}:{second // 60 % 60:02}:{second % 60:02}+00:00"
        series.take(snapshot_of(system_of(cpu=second / 100), at=at))

    minutes, memory, cpu = series.plot()

    assert len(series) == len(minutes) == SAMPLES
    assert minutes[-1] == 0
    assert minutes[0] == pytest.approx(-(SAMPLES - 1) / 60)
    assert memory[-1] == 50
    assert cpu[-1] == pytest.approx((2 * SAMPLES - 1) / 100)


def test_a_gpu_that_does_not_tell_how_busy_it_is_shows_its_memory_only() -> None:
    gpu = GpuView(name="A", memory_total=8 * GIB, memory_used=2 * GIB)

    assert gpu_line(gpu) == "2.0 GB of 8.0 GB"
    assert gpu_line(msgspec.structs.replace(gpu, busy_percent=40.0)) == "2.0 GB of 8.0 GB  ·  40.0% busy"


def test_the_pane_shows_estimated_next_to_measured_and_that_no_gpu_is_seen(window: int) -> None:
    tab = MonitorTab(BenchUi())
    tab.build(window)

    tab.show(snapshot_of(system_of(), LOADED))

    shown = list(texts(window))
    assert "Memory: 4.0 GB of 8.0 GB used (50.0%), 4.0 GB available" in shown
    row = shown.index("MISTRAL")
    assert shown[row : row + 5] == ["MISTRAL", "CPU", "2.0 GB", "1.0 GB", "-"]
    assert "75.0 GB free of 100.0 GB" in shown
    assert "No GPU found: models run on the CPU." in shown


def test_the_pane_says_that_there_are_no_numbers_while_the_daemon_is_away(window: int) -> None:
    tab = MonitorTab(BenchUi())
    tab.build(window)
    tab.show(snapshot_of(system_of(), LOADED))

    tab.show(None)

    assert list(texts(window)) == ["No data: modeld is not running."]


def test_a_hundred_thousand_samples_leave_no_more_items_than_one(window: int) -> None:
    tab = MonitorTab(BenchUi())
    tab.build(window)
    gpu = GpuView(name="A", memory_total=8 * GIB)
    tab.show(snapshot_of(system_of(gpus=(gpu,)), LOADED))
    before = items(window)
    quiet = snapshot_of(system_of(cpu=50, gpus=(gpu,)), LOADED)

    for _number in range(100_000):
        tab.show(quiet)
    for number in range(1_000):
        tab.show(snapshot_of(system_of(cpu=number / 10, gpus=(gpu,)), LOADED))

    assert items(window) == before
