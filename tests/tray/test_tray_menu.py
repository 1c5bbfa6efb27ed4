"""The menu as a tree."""

import msgspec
import pytest
from modelctl.desktop.tray import choices
from modelctl.desktop.tray.menu import MOST_ENTRIES, Menu, MenuItem, find, menu
from modelctl.desktop.tray.unseen import UnseenNews
from modeld.protocol.states import JobState, ModelState
from support.views.tray import benchmark, model, pull, snapshot_of

NONE = UnseenNews()


def labels(entries: Menu) -> list[str]:
    return ["---" if entry.separator else entry.label for entry in entries]


def entry(entries: Menu, id_: str) -> MenuItem:
    found = find(entries, id_)
    assert found is not None, f"no {id_} in {labels(entries)}"
    return found


def test_the_whole_menu_from_top_to_bottom() -> None:
    snapshot = snapshot_of(
        [model("mistral", ModelState.LOADED), model("phi"), model("far", ModelState.ABSENT)],
        [pull("far", done=1, total=4)],
    )
    assert labels(menu(snapshot, NONE)) == [
        "1 download 25% · 1 model loaded, 1.0 GB",
        "---",
        "Open viewer",
        "---",
        "MISTRAL   1.0 GB · context 1.9%",
        "---",
        "Load",
        "Unload",
        "Unload all",
        "---",
        "FAR   25.0%, 2.0 MB/s, 1m 3s left",
        "---",
        "Download",
        "Pause all downloads",
        "Resume all downloads",
        "---",
        "Run benchmark",
        "---",
        "Open logs",
        "---",
        "Quit tray",
    ]


def test_without_a_daemon_there_is_what_helps() -> None:
    assert labels(menu(None, NONE)) == [
        "modeld is not running",
        "---",
        "Start the daemon",
        "Open viewer",
        "Open logs",
        "---",
        "Quit tray",
    ]
    assert entry(menu(None, NONE), "start").action == choices.StartDaemon()


def test_the_first_line_is_for_reading() -> None:
    assert not entry(menu(snapshot_of(), NONE), "status").enabled


def test_a_loaded_model_can_be_unloaded_and_pinned() -> None:
    below = entry(menu(snapshot_of([model("m", ModelState.LOADED)]), NONE), "model/m").children
    assert [(item.action, item.checked) for item in below] == [
        (choices.Unload("m"), None),
        (choices.Pin("m", True), False),
    ]


def test_a_pinned_model_is_marked_and_can_be_released() -> None:
    pinned = msgspec.structs.replace(model("m", ModelState.LOADED), pinned=True)
    item = entry(menu(snapshot_of([pinned]), NONE), "model/m/pin")
    assert (item.action, item.checked) == (choices.Pin("m", False), True)


@pytest.mark.parametrize("state", [ModelState.LOADING, ModelState.UNLOADING])
def test_a_model_on_its_way_has_nothing_to_choose(state: ModelState) -> None:
    item = entry(menu(snapshot_of([model("m", state)]), NONE), "model/m")
    assert (item.label, item.enabled, item.children) == (f"M: {state}", False, ())


def test_only_models_on_disk_and_not_loaded_can_be_loaded_and_have_their_size() -> None:
    models = [model("m", ModelState.LOADED), model("phi"), model("far", ModelState.ABSENT)]
    load = entry(menu(snapshot_of(models), NONE), "load")
    assert [(item.label, item.action) for item in load.children] == [("PHI   4.0 GB", choices.Load("phi"))]


def test_only_models_not_on_disk_can_be_downloaded() -> None:
    models = [model("phi"), model("far", ModelState.ABSENT), model("coming", ModelState.DOWNLOADING)]
    download = entry(menu(snapshot_of(models), NONE), "pull")
    assert [(item.label, item.action) for item in download.children] == [("FAR   4.0 GB", choices.Pull("far"))]


def test_what_has_nothing_to_offer_is_greyed() -> None:
    offered = menu(snapshot_of(), NONE)
    greyed = ["load", "unload", "unload-all", "pull", "pause-all", "resume-all", "bench"]
    assert [id_ for id_ in greyed if entry(offered, id_).enabled] == []


def test_a_running_download_can_be_paused_and_a_held_one_resumed() -> None:
    running = menu(snapshot_of(jobs=[pull("a", done=1, total=4)]), NONE)
    held = menu(snapshot_of(jobs=[pull("a", JobState.PAUSED, done=1, total=4)]), NONE)
    assert entry(running, "download/a/pause").action == choices.Pause("pull-a")
    assert entry(held, "download/a/resume").action == choices.Resume("pull-a")
    assert entry(held, "download/a").label == "A   paused at 25.0%"
    assert (entry(running, "pause-all").enabled, entry(running, "resume-all").enabled) == (True, False)
    assert (entry(held, "pause-all").enabled, entry(held, "resume-all").enabled) == (False, True)


def test_every_job_that_has_not_ended_can_be_cancelled_and_ended_ones_are_gone() -> None:
    jobs = [pull("a"), pull("b", JobState.DONE), benchmark("c"), benchmark("d", JobState.CANCELLED)]
    offered = menu(snapshot_of(jobs=jobs), NONE)
    assert entry(offered, "download/a/cancel").action == choices.Cancel("pull-a")
    assert entry(offered, "benchmark/c/cancel").action == choices.Cancel("bench-c")
    assert find(offered, "download/b") is None
    assert find(offered, "benchmark/d") is None


def test_one_model_or_all_can_be_benchmarked() -> None:
    offered = entry(menu(snapshot_of([model("a"), model("far", ModelState.ABSENT)]), NONE), "bench")
    assert [item.action for item in offered.children if not item.separator] == [
        choices.Benchmark(),
        choices.Benchmark("a"),
    ]


def test_a_thousand_models_do_not_leave_the_screen() -> None:
    load = entry(menu(snapshot_of([model(f"m{n}") for n in range(1000)]), NONE), "load")
    assert len(load.children) == MOST_ENTRIES
    assert load.children[-1].label == "961 more in the viewer…"
    assert load.children[-1].action == choices.OpenViewer()


def test_a_failure_is_a_line_that_leads_to_the_viewer() -> None:
    item = entry(menu(snapshot_of(), UnseenNews(failure="A: The disk\nis full.")), "failure")
    assert (item.label, item.action) == ("⚠ A: The disk is full.", choices.OpenViewer())


def test_every_entry_has_an_id_of_its_own() -> None:
    models = [model("a", ModelState.LOADED), model("b"), model("c", ModelState.ABSENT)]
    offered = menu(snapshot_of(models, [pull("c"), benchmark("a")]), UnseenNews(failure="It broke."))
    ids = [item.id for item in flat(offered)]
    assert len(ids) == len(set(ids))


def test_quitting_is_always_the_last_entry() -> None:
    assert [menu(now, NONE)[-1].action for now in (None, snapshot_of())] == [choices.QuitTray()] * 2


def flat(entries: Menu) -> list[MenuItem]:
    return [item for parent in entries for item in (parent, *flat(parent.children))]
