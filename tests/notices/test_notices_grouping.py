"""Several ends that come together: one notification, and no failure hidden in it."""

from modelctl.desktop.notices.grouping import NAMES, SETTLE_S, WINDOW_S, Grouping, together
from modelctl.desktop.notices.notice import Notice, NoticeAction, NoticeKind
from support.views.notices import notice

FAILED = notice("pull:llama", NoticeKind.DOWNLOAD_FAILED, title="Download failed", brief="LLAMA (disk full)")
KEYS = ("pull:mistral", "pull:qwen", "pull:phi3")


def gathered(*notices: Notice, at: float = 0.0) -> Grouping:
    gather = Grouping()
    for one in notices:
        gather.add(one, at)
    return gather


def test_one_end_is_told_as_it_is_after_a_moment() -> None:
    gather = gathered(notice())

    assert gather.due(SETTLE_S / 2, SETTLE_S) == []
    assert gather.due_at(SETTLE_S) == SETTLE_S
    assert gather.due(SETTLE_S, SETTLE_S) == [notice()]
    assert gather.due_at(SETTLE_S) is None
    assert gather.due(99.0, SETTLE_S) == []


def test_ends_that_come_together_are_one_summary_that_names_them_and_the_failures() -> None:
    (told,) = gathered(*map(notice, KEYS), FAILED).due(SETTLE_S, SETTLE_S)

    assert told.title == "Downloads ended, some failed"
    assert told.body == "3 downloads finished: MISTRAL, QWEN, PHI3; 1 failed: LLAMA (disk full)"
    assert NoticeAction.SHOW_LOG in told.actions


def test_an_end_soon_after_takes_the_place_of_what_was_shown() -> None:
    gather = gathered(notice("pull:mistral"))
    gather.due(SETTLE_S, SETTLE_S)
    gather.add(notice("pull:qwen"), WINDOW_S - 1)

    (told,) = gather.due(WINDOW_S, SETTLE_S)

    assert told.body == "2 downloads finished: MISTRAL, QWEN"
    assert told.instead_of == "pull:mistral"


def test_a_summary_that_grows_replaces_itself() -> None:
    gather = gathered(notice("pull:a"), notice("pull:b"))
    (first,) = gather.due(1.0, SETTLE_S)
    gather.add(FAILED, 2.0)

    (second,) = gather.due(3.0, SETTLE_S)

    assert (second.key, second.instead_of) == (first.key, "")


def test_an_end_after_the_window_is_told_by_itself_and_replaces_no_summary() -> None:
    gather = gathered(notice("pull:a"), FAILED)
    (summary,) = gather.due(1.0, SETTLE_S)
    gather.add(notice("pull:a"), WINDOW_S + 1)

    (told,) = gather.due(WINDOW_S + 2, SETTLE_S)

    assert told == notice("pull:a")
    assert summary.key not in (told.key, told.instead_of)


def test_a_stream_of_ends_is_told_at_the_latest_when_the_window_ends() -> None:
    gather = Grouping()
    for tenth in range(48):
        gather.add(notice(f"pull:m{tenth}"), tenth / 10)

    assert gather.due_at(SETTLE_S) == WINDOW_S


def test_a_server_that_cannot_replace_gets_the_summary_alone() -> None:
    gather = gathered(notice("pull:a"))
    assert gather.due(SETTLE_S, WINDOW_S) == []
    gather.add(notice("pull:b"), 4.0)

    assert [told.body for told in gather.due(WINDOW_S, WINDOW_S)] == ["2 downloads finished: A, B"]


def test_what_was_held_of_an_earlier_group_is_not_lost_to_the_next() -> None:
    gather = gathered(notice("pull:a"))
    gather.add(notice("pull:b"), WINDOW_S + 1)

    assert [told.key for told in gather.due(WINDOW_S + 2, SETTLE_S)] == ["pull:a", "pull:b"]


def test_the_newest_of_one_key_counts() -> None:
    retried = notice("pull:llama")

    assert gathered(FAILED, retried).flush() == [retried]


def test_a_low_disk_is_told_at_once_and_by_itself() -> None:
    low = notice("disk", NoticeKind.DISK_LOW)
    gather = gathered(notice(), low)

    assert gather.due(0.0, SETTLE_S) == [low]
    assert gather.flush() == [notice()]


def test_a_crash_in_a_benchmark_is_told_once_by_the_benchmark() -> None:
    crash = notice("crash:qwen", NoticeKind.MODEL_CRASHED, body="SIGKILL")
    failed = notice("benchmark:qwen", NoticeKind.BENCHMARK_FAILED, body="SIGKILL")

    assert gathered(crash, failed).flush() == [failed]


def test_a_crash_is_never_hidden_by_another_model_s_failure() -> None:
    crash = notice("crash:qwen", NoticeKind.MODEL_CRASHED, body="SIGKILL")
    failed = notice("benchmark:phi", NoticeKind.BENCHMARK_FAILED, body="SIGKILL", brief="PHI (crashed)")

    (told,) = gathered(crash, failed).flush()

    assert told.title == "Some jobs failed"
    assert told.body == "1 benchmark failed: PHI (crashed); 1 model crashed: QWEN"


def test_many_names_are_counted_and_failures_still_named() -> None:
    many = [notice(f"pull:m{number}") for number in range(40)]

    told = together([*many, FAILED], "group:1")

    assert told.body == "40 downloads finished: M0, M1, M2, M3, M4 and 35 more; 1 failed: LLAMA (disk full)"
    assert told.body.count(", M") == NAMES - 2


def test_the_title_says_what_kind_of_jobs_ended_and_how() -> None:
    downloads, benchmarks = notice("pull:a"), notice("benchmark:a", NoticeKind.BENCHMARK_FINISHED)
    failed = notice("benchmark:b", NoticeKind.BENCHMARK_FAILED)
    crashes = [notice(f"crash:{key}", NoticeKind.MODEL_CRASHED) for key in "ab"]

    titles = [
        together(list(some), "g").title
        for some in (
            (downloads, notice("pull:b")),
            (FAILED, FAILED),
            (benchmarks, failed),
            (failed, failed),
            (benchmarks, benchmarks),
            (downloads, benchmarks),
            crashes,
        )
    ]

    assert titles == [
        "Downloads finished",
        "Downloads failed",
        "Benchmarks ended, some failed",
        "Benchmarks failed",
        "Benchmarks finished",
        "Jobs finished",
        "Models crashed",
    ]
