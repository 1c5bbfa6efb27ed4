"""The dialogs' items as they are made and changed, without a display."""

import dearpygui.dearpygui as dpg
import pytest
from modelctl.desktop.viewer.benchmarks.comparison import ComparisonWindow
from modelctl.desktop.viewer.downloads.dialog import DownloadDialog
from modelctl.desktop.viewer.downloads.progress_windows import ProgressWindows
from modelctl.desktop.viewer.style import theme
from modeld.protocol.states import JobState, ModelState
from modeld.protocol.views import Comparison, JobView, Progress
from support.desktop.headless_ui import BenchUi, texts
from support.views.dialogs import model, pull, result, snapshot


@pytest.fixture
def ui(window: int) -> BenchUi:
    """A viewer without a daemon, in a context with the themes."""
    theme.make()
    return BenchUi()


def opened(title: str) -> int:
    """The window of this title."""
    return next(item for item in dpg.get_windows() if dpg.get_item_label(item) == title)


def closable(window: int) -> bool:
    """Whether the window has an X and its Close button can be pressed; they go together."""
    buttons = [item for item in dpg.get_all_items() if dpg.get_item_label(item) == "Close"]
    (enabled,) = [dpg.get_item_configuration(item)["enabled"] for item in buttons]
    assert enabled != dpg.get_item_configuration(window)["no_close"]
    return bool(enabled)


def test_a_progress_window_follows_its_job_to_the_end(ui: BenchUi) -> None:
    windows = ProgressWindows(ui)
    windows.open(pull(JobState.QUEUED))
    window = opened("Downloading MISTRAL")
    assert not closable(window)
    windows.show(snapshot(jobs=[pull(progress=Progress(done=1, total=2, percent=50.0, phase="downloading"))]))
    assert "Status: Downloading..." in texts(window)
    windows.show(snapshot(jobs=[pull(JobState.DONE)]))
    assert "Status: Completed" in texts(window)
    assert closable(window)


def test_a_snapshot_from_before_the_download_does_not_end_its_window(ui: BenchUi) -> None:
    windows = ProgressWindows(ui)
    windows.open(pull(JobState.QUEUED))
    windows.show(snapshot())
    assert not closable(opened("Downloading MISTRAL"))


def test_a_download_that_the_daemon_forgot_can_be_closed(ui: BenchUi) -> None:
    windows = ProgressWindows(ui)
    windows.open(pull())
    windows.show(snapshot(jobs=[pull()]))
    windows.show(snapshot())
    window = opened("Downloading MISTRAL")
    assert "Status: No longer known to the daemon" in texts(window)
    assert closable(window)


def test_a_window_lives_through_the_daemons_absence(ui: BenchUi) -> None:
    windows = ProgressWindows(ui)
    windows.open(pull())
    windows.show(None)
    window = opened("Downloading MISTRAL")
    assert "Status: The daemon is not reachable" in texts(window)
    windows.show(snapshot(jobs=[pull()]))
    assert "Status: Downloading..." in texts(window)
    assert not closable(window)


def test_a_second_look_at_a_download_opens_no_second_window(ui: BenchUi) -> None:
    windows = ProgressWindows(ui)
    windows.open(pull())
    windows.open(pull())
    titles = [dpg.get_item_label(item) for item in dpg.get_windows()]
    assert titles.count("Downloading MISTRAL") == 1


def test_the_download_list_changes_with_the_snapshot(ui: BenchUi) -> None:
    begun: list[JobView] = []
    dialog = DownloadDialog(ui, begun.append)
    dialog.open(snapshot([model("mistral", ModelState.ABSENT), model("phi", ModelState.ABSENT)]))
    window = opened("📥 Download a model")
    assert {"MISTRAL", "PHI"} <= {*texts(window)}
    dialog.show(snapshot([model("mistral", ModelState.ON_DISK), model("phi", ModelState.ABSENT)]))
    assert "MISTRAL" not in texts(window)
    dialog.show(snapshot([model("mistral"), model("phi")]))
    assert any("All models are already on this computer" in text for text in texts(window))


def test_a_thousand_models_are_compared_and_sorted(ui: BenchUi) -> None:
    rows = [result(f"m{number:04}", speed=1000.0 - number, memory=1.0 + (number * 7) % 1000) for number in range(1000)]
    comparison = Comparison(rows=rows, fastest="m0000", most_efficient="m0000")
    window = ComparisonWindow(ui)
    window.open(None)
    window.compare(comparison)
    shown = [*texts(opened("📊 Performance Comparison"))]
    assert shown.index("M0001") < shown.index("M0999")
    assert any(text.startswith("🏆 Fastest: M0000 (1000.00 tokens/sec)") for text in shown)


def test_one_model_alone_gets_a_friendly_word_instead_of_a_table(ui: BenchUi) -> None:
    window = ComparisonWindow(ui)
    window.open(None)
    window.compare(Comparison(rows=[result()], fastest="mistral", most_efficient="mistral"))
    assert any("at least two models" in text for text in texts(opened("📊 Performance Comparison")))
