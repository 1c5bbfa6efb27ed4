"""What is new until somebody has looked."""

import msgspec
from modelctl.desktop.tray import unseen
from modelctl.desktop.tray.unseen import UnseenNews
from modeld.protocol.states import JobState
from support.fake_daemon import AT
from support.views.tray import DISK_FULL, benchmark, model, pull, snapshot_of

replace = msgspec.structs.replace
NONE = UnseenNews()


def test_the_first_snapshot_is_no_news() -> None:
    ended = snapshot_of(jobs=[pull("a", JobState.DONE), pull("b", JobState.FAILED, failure=DISK_FULL)])
    assert unseen.after(NONE, None, ended) == NONE


def test_a_daemon_that_goes_away_is_no_news() -> None:
    assert unseen.after(NONE, snapshot_of(), None) == NONE


def test_a_job_that_ends_is_an_unseen_finish() -> None:
    before, now = snapshot_of(jobs=[benchmark("a")]), snapshot_of(jobs=[benchmark("a", JobState.DONE)])
    assert unseen.after(NONE, before, now).unseen_finish


def test_a_job_that_came_and_ended_between_two_looks_counts() -> None:
    assert unseen.after(NONE, snapshot_of(), snapshot_of(jobs=[pull("a", JobState.DONE, ended_at=AT)])).unseen_finish


def test_a_file_that_was_there_already_is_no_news() -> None:
    before, now = snapshot_of(jobs=[pull("a")]), snapshot_of(jobs=[pull("a", JobState.DONE, already_there=True)])
    assert unseen.after(NONE, before, now) == NONE


def test_a_job_that_had_ended_before_counts_once() -> None:
    ended = snapshot_of(jobs=[pull("a", JobState.DONE)])
    assert unseen.after(NONE, ended, replace(ended, jobs=[*ended.jobs])) == NONE


def test_what_the_person_cancelled_is_no_news() -> None:
    before, now = snapshot_of(jobs=[pull("a")]), snapshot_of(jobs=[pull("a", JobState.CANCELLED)])
    assert unseen.after(NONE, before, now) == NONE


def test_a_failed_job_is_told_with_its_model_and_reason() -> None:
    before = snapshot_of(jobs=[pull("a")])
    told = unseen.after(NONE, before, snapshot_of(jobs=[pull("a", JobState.FAILED, failure=DISK_FULL)]))
    assert told.unseen_failure
    assert told.failure == "A: The disk is full."


def test_a_model_that_fails_is_told_once() -> None:
    before = snapshot_of([model("a")])
    broken = snapshot_of([replace(model("a"), failure=DISK_FULL)])
    told = unseen.after(NONE, before, broken)
    assert told.failure == "A: The disk is full."
    assert unseen.after(unseen.closed(unseen.opened(told)), broken, replace(broken, models=[*broken.models])) == NONE


def test_opening_the_menu_clears_the_badge() -> None:
    assert unseen.opened(UnseenNews(finished=True)) == NONE


def test_opening_the_menu_ends_the_error_and_keeps_its_words_until_it_is_closed() -> None:
    read = unseen.opened(UnseenNews(failure="It broke."))
    assert (read.failure, read.unseen_failure) == ("It broke.", False)
    assert unseen.closed(read) == NONE


def test_opening_the_menu_again_keeps_the_words() -> None:
    assert unseen.opened(unseen.opened(UnseenNews(failure="It broke."))).failure == "It broke."


def test_closing_the_menu_does_not_hide_what_failed_after_it_was_opened() -> None:
    assert unseen.closed(unseen.failed("It broke.")).unseen_failure


def test_a_failure_does_not_take_the_badge_of_a_finish_away() -> None:
    before = snapshot_of(jobs=[pull("a"), pull("b")])
    done = snapshot_of(jobs=[pull("a", JobState.DONE), pull("b")])
    both = snapshot_of(jobs=[pull("a", JobState.DONE), pull("b", JobState.FAILED, failure=DISK_FULL)])
    told = unseen.after(unseen.after(NONE, before, done), done, both)
    assert told.unseen_finish
    assert told.unseen_failure
