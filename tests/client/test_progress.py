"""Bars on a terminal, and lines for the person meanwhile."""

import os
import pty
import sys

import pytest
from modelctl.cli.progress import shown, text
from modelctl.cli.session import Session
from modeld.protocol.states import JobKind, JobState
from modeld.protocol.views import JobView, Progress
from support.fake_daemon import AT


def test_a_download_in_trouble_says_what_it_waits_for() -> None:
    waits = Progress(done=1, total=2, percent=50.0, phase="waiting to retry", retries=2, trouble="connection reset")
    job = JobView(id="j", kind=JobKind.PULL, model="m", state=JobState.RUNNING, created_at=AT, progress=waits)
    assert "waiting to retry  (connection reset)" in text(job)


def test_a_line_that_comes_while_there_are_bars_is_printed_above_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    main, side = pty.openpty()
    with os.fdopen(side, "w", encoding="utf-8") as terminal, os.fdopen(main, "rb", buffering=0) as seen:
        monkeypatch.setattr(sys, "stderr", terminal)
        session = Session()
        plain = session.above
        job = JobView(
            id="j",
            kind=JobKind.PULL,
            model="mistral",
            state=JobState.RUNNING,
            created_at=AT,
            progress=Progress(done=1, total=2, percent=50.0),
        )
        with shown(session) as show:
            show(job)
            session.say("It fits this machine.")
        assert session.above is plain
        terminal.flush()
        printed = ""
        while "MISTRAL" not in printed.partition("It fits this machine.")[2]:  # a read returns what has come so far
            printed += seen.read(65536).decode()
    assert printed.count("It fits this machine.") == 1
    assert "MISTRAL" in printed[printed.index("It fits this machine.") :]
