"""What is said of a crashed worker, from what it printed; and the environment it runs in."""

import pytest
from modeld.adapters.workers.environment import SPIN_COUNT, for_worker
from modeld.adapters.workers.output import Output

ASSERT = "/src/ggml/src/ggml.c:1: GGML_ASSERT(a->ne[0] == b->ne[0]) failed"


def cause(*lines: str) -> str:
    output = Output()
    for line in lines:
        output.add(line + "\n")
    return output.cause()


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([ASSERT, "[New LWP 12]", "360 ../csu/libc-start.c: No such file or directory."], ASSERT),
        (
            ["terminate called after throwing an instance of 'std::bad_alloc'", "  what():  std::bad_alloc"],
            "terminate called after throwing an instance of 'std::bad_alloc' what():  std::bad_alloc",
        ),
        (
            [
                "Traceback (most recent call last):",
                '  File "error.py", line 1, in run',
                "    failed()",
                "KeyError: 'x'",
                "",
                "During handling of the above exception, another exception occurred:",
                "",
                "Traceback (most recent call last):",
                "ValueError: later",
            ],
            "KeyError: 'x'",
        ),
        (["loading", "error: no such tensor", "error: another"], "error: no such tensor"),
        (["one", "two", "", "three", "four"], "two; three; four"),
        ([], ""),
    ],
)
def test_the_first_cause_is_kept_and_the_last_lines_where_there_is_none(lines: list[str], expected: str):
    assert cause(*lines) == expected


def test_a_cause_has_a_limited_length():
    assert len(cause("error: " + "x" * 10_000)) == 500


def test_a_worker_spins_briefly_starts_no_debugger_and_gets_no_secret():
    child = for_worker({"PATH": "/bin", "HF_TOKEN": "secret"}, {"KEY": "public"})
    assert child == {
        "PATH": "/bin",
        "GOMP_SPINCOUNT": SPIN_COUNT,
        "GGML_NO_BACKTRACE": "1",
        "KEY": "public",
    }


@pytest.mark.parametrize("name", ["GOMP_SPINCOUNT", "OMP_WAIT_POLICY"])
def test_what_the_user_set_for_openmp_stays(name: str):
    child = for_worker({name: "active"}, {})
    assert child[name] == "active" and child.get("GOMP_SPINCOUNT", "active") == "active"
