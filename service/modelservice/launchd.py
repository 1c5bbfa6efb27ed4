"""macOS: a launch agent. Written from launchd.plist(5) and launchctl(1); it has not been run on a Mac."""

import os
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

from modelservice import texts
from modelservice.messages import Message, Template
from modelservice.program import Program
from modelservice.service import ServiceError, State, remove, write

DEADLINE_S = 60.0

Run = Callable[[Sequence[str]], "subprocess.CompletedProcess[str]"]


def _run(command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run launchctl. Raises ServiceError."""
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ServiceError(Template.CANNOT_RUN.of(command=" ".join(command), error=str(error))) from error


class LaunchAgent:
    """A property list in ``~/Library/LaunchAgents``, in the domain of the user's login session."""

    def __init__(self, home: Path, run: Run = _run, uid: int | None = None) -> None:
        self._file = home / "Library/LaunchAgents" / f"{texts.LABEL}.plist"
        self._log = home / "Library/Logs/modeld.err.log"
        self._run = run
        self._domain = f"gui/{os.getuid() if uid is None else uid}"

    def install(self, program: Program) -> list[Message]:
        """Write the agent and start it; an existing one is stopped first."""
        if self._file.exists():
            self._run(["launchctl", "bootout", f"{self._domain}/{texts.LABEL}"])
        done = write(self._file, texts.launch_agent(program, str(self._log)))
        self._launchctl("bootstrap", self._domain, str(self._file))
        return [done, Template.STARTED.of(unit=texts.LABEL)]

    def uninstall(self) -> list[Message]:
        """Stop the agent and remove its file."""
        if not self._file.exists():
            return []
        self._run(["launchctl", "bootout", f"{self._domain}/{texts.LABEL}"])
        return [Template.STOPPED.of(unit=texts.LABEL), *remove(self._file)]

    def state(self) -> State:
        """The agent's state as launchd reports it."""
        done = self._run(["launchctl", "print", f"{self._domain}/{texts.LABEL}"])
        there = self._file.exists()
        return State(
            kind=Template.LAUNCH_AGENT,
            files=(str(self._file),) if there else (),
            at_login=there,
            running=done.returncode == 0 and "state = running" in done.stdout,
        )

    def _launchctl(self, *words: str) -> None:
        done = self._run(["launchctl", *words])
        if done.returncode != 0:
            error = done.stderr.strip() or str(done.returncode)
            raise ServiceError(Template.LAUNCHCTL_FAILED.of(command=f"launchctl {' '.join(words)}", error=error))
