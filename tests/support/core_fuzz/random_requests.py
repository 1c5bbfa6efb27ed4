"""Random client requests, valid and invalid."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from modeld.protocol import requests, views

from support.core_fuzz.adapters import EXTREME
from support.manager_world import run

SOURCES = (
    "hf:org/repo:Q4_K_M",
    "hf:org/split:Q8_0",
    "https://example.org/x.gguf",
    "http://127.0.0.1:1/y.gguf",
    "/disk/z.gguf",
    "/disk/none.gguf",
    "package:p:f.gguf",
    "not a source",
)
BUILT = ("alpha", "beta", "gamma", "delta", "inplace", "hub")
ADDED = ("new1", "new2", "x", "y", "llama3-8b", "r.q4_k_m", "repo-q4_k_m", "split-q8_0")
KEYS = (*BUILT, *ADDED, "", "no such model")
SIZES = (0, 1, 3, 2**31, 2**63 - 1, -1)


class RandomRequests:
    """Creates requests from ``rng``; ``job_ids`` are those that a client could know."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._count = 0

    def next(self, job_ids: Sequence[str]) -> requests.AnyRequest:
        """One more request with its own id."""
        self._count += 1
        return self._rng.choice(self._kinds(f"r{self._count}", job_ids))()

    def _kinds(self, name: str, job_ids: Sequence[str]) -> list[Callable[[], requests.AnyRequest]]:
        rng, choice = self._rng, self._rng.choice
        repeat = f"k{rng.randint(1, 6)}" if rng.random() < 0.1 else ""
        model, size = choice(KEYS), choice(SIZES)
        job = choice(job_ids) if job_ids and rng.random() < 0.5 else ""
        target: dict[str, Any] = {"job": job, "model": "" if job else model}
        wait, coin = rng.random() < 0.6, rng.random() < 0.5
        change: dict[str, Any] = {"id": name, "key": repeat}
        return [
            lambda: requests.Ping(id=name),
            lambda: requests.Status(id=name),
            lambda: requests.List(id=name),
            lambda: requests.Snapshot(id=name),
            lambda: requests.Show(id=name, model=model, look=coin),
            lambda: requests.Jobs(id=name, model=choice(["", model])),
            lambda: requests.Add(**change, model=choice(ADDED), source=choice(SOURCES)),
            lambda: requests.Remove(**change, model=model, keep_file=coin),
            lambda: requests.Remove(**change, model=choice(BUILT)),
            lambda: requests.Pull(**change, model=choice([model, *SOURCES]), wait=wait, look=coin),
            lambda: requests.Pull(**change, model=model, wait=wait),
            lambda: requests.Cancel(**change, **target, keep=coin),
            lambda: requests.Cancel(**change, request=f"r{rng.randint(1, self._count)}"),
            lambda: requests.Pause(**change, **target),
            lambda: requests.Resume(**change, **target),
            lambda: requests.Resume(**change),
            lambda: requests.Move(**change, **target, place=size),
            lambda: requests.Limit(**change, job=job, bytes_per_s=size),
            lambda: requests.Load(**change, model=model, context_size=choice([0, 0, 100, 2**40, -1]), wait=wait),
            lambda: requests.Load(**change, model=choice(BUILT), wait=wait),
            lambda: requests.Unload(**change, model=choice([model, model, ""]), wait=wait),
            lambda: requests.Pin(**change, model=model, pinned=coin),
            lambda: requests.Generate(**change, model=model, prompt="x", stream=coin),
            lambda: requests.Generate(**change, model=choice(BUILT), prompt="x", stream=coin),
            lambda: requests.Chat(**change, model=model, messages=[requests.Message(role="user", content="x")]),
            lambda: requests.Benchmark(**change, models=[model] if wait else [], all=coin, wait=wait),
            lambda: requests.Benchmark(**change, models=[choice(BUILT)], wait=wait),
            lambda: requests.Results(id=name, model=model),
            lambda: requests.Compare(id=name, models=[model] if coin else []),
            lambda: requests.Backup(id=name),
            lambda: requests.Restore(**change, models=[self._added_model()], runs=[self._run()]),
            lambda: requests.Files(id=name, repo=choice(["hf:org/repo", "hf:org/split", "nonsense"])),
            lambda: requests.Search(id=name, words="x"),
            lambda: requests.Scan(**change, all=coin, add=["llama3-8b"] if wait else []),
        ]

    def _added_model(self) -> views.AddedModel:
        return views.AddedModel(key=self._rng.choice([*ADDED, "bad key"]), source=self._rng.choice(SOURCES))

    def _run(self) -> views.BenchmarkRun:
        return run(speed=self._rng.choice(EXTREME), memory=self._rng.choice(EXTREME))
