"""What a notification says."""

import pytest
from modelctl.desktop.notices.news import DiskLow, JobEnded, ModelCrashed, SavingChanged
from modelctl.desktop.notices.notice import BODY_LENGTH, TITLE_LENGTH, NoticeAction, Urgency, tidy
from modelctl.desktop.notices.wording import worded
from modeld.protocol.errors import ErrorCode
from modeld.protocol.states import JobKind, JobState
from modeld.protocol.views import Change, SystemView
from support.views.notices import CRASH, GIB, MIB, benchmark_run, failure, job, model


def test_a_finished_download_says_its_size_how_long_it_took_and_how_fast_it_was() -> None:
    news = JobEnded(job(begun=0, ended=256, done=4 * GIB), "Mistral 7B Instruct", received=4 * GIB)

    notice = worded(news)

    assert notice.title == "Download finished: MISTRAL"
    assert notice.body == "Mistral 7B Instruct\n4.0 GB in 4m 16s, 16.0 MB/s on average"
    assert notice.brief == "MISTRAL"


def test_a_download_whose_start_was_not_seen_claims_no_speed() -> None:
    notice = worded(JobEnded(job(begun=0, ended=256, done=4 * GIB)))

    assert notice.body == "4.0 GB in 4m 16s"


def test_a_failed_download_says_why_what_to_do_and_how_far_it_came() -> None:
    wrong = failure(ErrorCode.HTTP_ERROR, "The server answered 404.", "Check the address.")

    notice = worded(JobEnded(job(state=JobState.FAILED, failure=wrong, done=63 * MIB, total=100 * MIB)))

    assert notice.title == "Download failed: MISTRAL"
    assert notice.body == "The server answered 404.\nCheck the address."
    assert notice.progress == 63
    assert notice.actions == (NoticeAction.OPEN, NoticeAction.RETRY, NoticeAction.SHOW_LOG)
    assert notice.brief == "MISTRAL (refused by the server)"


@pytest.mark.parametrize(
    ("change", "body"),
    [
        (Change(percent=12.5, significant=True), "45.3 tokens/s, 12.5% faster than the previous run"),
        (Change(percent=-3.0, significant=True), "45.3 tokens/s, 3.0% slower than the previous run"),
        (Change(percent=-0.4, significant=False), "45.3 tokens/s, within noise of the previous run (-0.4%)"),
        (None, "45.3 tokens/s"),
    ],
    ids=["faster", "slower", "noise", "first"],
)
def test_a_finished_benchmark_says_its_number_and_the_change(change: Change | None, body: str) -> None:
    notice = worded(JobEnded(job(kind=JobKind.BENCHMARK, model="qwen", benchmark=benchmark_run())), change)

    assert (notice.title, notice.body) == ("Benchmark finished: QWEN", body)


def test_a_disturbed_benchmark_says_so() -> None:
    run = benchmark_run(disturbance="other load")

    notice = worded(JobEnded(job(kind=JobKind.BENCHMARK, model="qwen", benchmark=run)))

    assert notice.body == "45.3 tokens/s\nThe run was disturbed: other load"


def test_a_crash_says_what_the_daemon_knows() -> None:
    notice = worded(ModelCrashed(model(failed=CRASH)))

    assert notice.title == "QWEN crashed"
    assert notice.body == "The worker of qwen was ended by SIGKILL.\nLoad it again."
    assert NoticeAction.RETRY not in notice.actions


def test_a_low_disk_says_how_much_is_left_where_and_stays() -> None:
    notice = worded(DiskLow(SystemView(disk_free=3 * GIB, disk_total=100 * GIB), "/models"))

    assert notice.body.startswith("3.0 GB of 100.0 GB are free where the models are: /models\n")
    assert notice.urgency is Urgency.CRITICAL


def test_long_texts_are_cut_where_a_person_sees_it() -> None:
    wrong = failure(message="word " * 300)

    notice = worded(JobEnded(job(model="m" * 200, state=JobState.FAILED, failure=wrong)))

    assert len(notice.title) <= TITLE_LENGTH
    assert len(notice.body) <= BODY_LENGTH
    assert notice.title.endswith("…")
    assert notice.body.endswith("word…")


def test_a_text_is_shown_without_control_characters_and_empty_lines() -> None:
    assert tidy("-a\tb\r\n\n \x00c\x1b[1m 🎉 <b>&", 80, lines=True) == "-a b\nc [1m 🎉 <b>&"
    assert tidy("a\nb", 80) == "a b"
    assert tidy("a\ud800b\u202ec", 80) == "a b c"
    assert tidy("👨\u200d👩\u200d👧", 80) == "👨\u200d👩\u200d👧"


def test_unsaved_changes_stay_on_the_screen_until_they_are_saved() -> None:
    unsaved = worded(SavingChanged(failure(ErrorCode.DISK_FULL, "The disk is full.", "Free some space.")))
    saved = worded(SavingChanged(None))

    assert unsaved.title == "modeld is not saving changes"
    assert unsaved.body.splitlines()[:2] == ["The disk is full.", "Free some space."]
    assert (unsaved.urgency, saved.urgency) == (Urgency.CRITICAL, Urgency.NORMAL)
    assert unsaved.key == saved.key
