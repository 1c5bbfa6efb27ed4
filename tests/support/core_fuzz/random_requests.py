"""Random client requests, valid and invalid."""

import collections
import random
from collections.abc import Callable
from typing import Any

import msgspec
from modeld.protocol import requests, views
from modeld.protocol.states import FINAL

from support.core_fuzz.adapters import EXTREME, EXTREME_TIMES
from support.manager_world import run

ON_HUB = ("hf:org/repo:Q4_K_M", "hf:org/split:Q8_0")
SOURCES = (
    *ON_HUB,
    "https://example.org/x.gguf",
    "http://127.0.0.1:1/y.gguf",
    "/disk/z.gguf",
    "/disk/none.gguf",
    "package:p:f.gguf",
    "not a source",
    "hf:nonsense",
    "https://example.org/",
)
BUILT = ("alpha", "beta", "gamma", "delta", "inplace", "hub")
ADDED = ("new1", "new2", "x", "y", "llama3-8b", "r.q4_k_m", "repo-q4_k_m", "split-q8_0")
KEYS = (*BUILT, *ADDED, "", "no such model")
SIZES = (0, 1, 1, 3, 2**31, 2**63 - 1, 2**64 - 1, 10**400, -1)
"""Numbers that a client may send; a JSON integer has no limit of its own."""


class RandomRequests:
    """Makes requests from ``rng``, mostly about what a client knows: the models and jobs of its mirror."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._count = 0
        self._recent: collections.deque[str] = collections.deque([""], maxlen=2)

    def next(self, known: views.Snapshot | None) -> requests.AnyRequest:
        """One more request with its own id."""
        self._count += 1
        name = f"r{self._count}"
        model = self._model(known)
        kinds = self._questions(name, model) if self._rng.random() < 0.15 else self._changes(name, model, known)
        return self._rng.choice(kinds)()

    def _model(self, known: views.Snapshot | None) -> str:
        """A model's key; often that of a recent request, so that requests cross."""
        if self._rng.random() < 0.5:
            return self._rng.choice(self._recent)
        keys = [model.key for model in known.models] if known is not None else []
        self._recent.append(self._rng.choice(KEYS if not keys or self._rng.random() < 0.1 else keys))
        return self._recent[-1]

    def _job(self, known: views.Snapshot | None) -> str:
        """A job's id, mostly of one that has not ended; or nothing."""
        if known is None or not known.jobs or self._rng.random() < 0.5:
            return ""
        unended = [job for job in known.jobs if job.state not in FINAL]
        return self._rng.choice(unended if unended and self._rng.random() < 0.8 else known.jobs).id

    def _questions(self, name: str, model: str) -> list[Callable[[], requests.AnyRequest]]:
        choice = self._rng.choice
        size, coin = choice(SIZES), choice([True, False])
        return [
            lambda: requests.Ping(id=name, v=choice([1, 1, 1, size])),
            lambda: requests.Status(id=name),
            lambda: requests.List(id=name),
            lambda: requests.Snapshot(id=name),
            lambda: requests.Show(id=name, model=model, look=coin),
            lambda: requests.Jobs(id=name, model=choice(["", model])),
            lambda: requests.ClearJobs(id=name, model=choice(["", model])),
            lambda: requests.Results(id=name, model=model, limit=choice([10, size])),
            lambda: requests.Compare(id=name, models=[model] if coin else []),
            lambda: requests.Backup(id=name),
            lambda: requests.Files(id=name, repo=choice(["hf:org/repo", "hf:org/split", "nonsense"])),
            lambda: requests.Search(id=name, words="x", limit=choice([20, size])),
        ]

    def _changes(self, name: str, model: str, known: views.Snapshot | None) -> list[Callable[[], requests.AnyRequest]]:
        rng, choice = self._rng, self._rng.choice
        size, job = choice(SIZES), self._job(known)
        target: dict[str, Any] = {"job": job, "model": "" if job else model}
        wait, coin = rng.random() < 0.6, rng.random() < 0.5
        change: dict[str, Any] = {"id": name, "key": f"k{rng.randint(1, 6)}" if rng.random() < 0.1 else ""}
        earlier = f"r{rng.randint(max(1, self._count - 30), self._count)}"
        return [
            lambda: requests.Add(**change, model=choice([*ADDED, *BUILT]), source=choice(SOURCES)),
            lambda: requests.Remove(**change, model=model, keep_file=coin),
            lambda: requests.Pull(**change, model=choice([model, *SOURCES]), wait=wait, look=coin),
            lambda: requests.Pull(**change, model=model, wait=wait),
            lambda: requests.Pull(**change, model=choice(ON_HUB), wait=wait),
            lambda: requests.Cancel(**change, **target, keep=coin),
            lambda: requests.Cancel(**change, request=earlier),
            lambda: requests.Pause(**change, **target),
            lambda: requests.Resume(**change, **target),
            lambda: requests.Resume(**change),
            lambda: requests.Move(**change, **target, place=size),
            lambda: requests.Limit(**change, job=job, bytes_per_s=size),
            lambda: requests.Load(**change, model=model, context_size=choice([0, 0, 100, size]), wait=wait),
            lambda: requests.Load(**change, model=model, threads=choice([0, 1, size]), gpu_layers=choice([None, size])),
            lambda: requests.Unload(**change, model=choice([model, model, ""]), wait=wait),
            lambda: requests.Pin(**change, model=model, pinned=coin),
            lambda: requests.Generate(**change, model=model, prompt="x", stream=coin, max_tokens=choice([0, 0, size])),
            lambda: requests.Generate(**change, model=model, prompt="x", sampling=self._sampling()),
            lambda: requests.Chat(**change, model=model, messages=[requests.Message(role="user", content="x")]),
            lambda: requests.Benchmark(**change, models=[model] if wait else [], all=coin, wait=wait),
            lambda: requests.Benchmark(**change, models=[model], wait=wait, repetitions=choice([3, 3, size])),
            lambda: requests.Restore(
                **change,
                models=[self._added_model() for _ in range(choice([1, 1, 120]))],
                runs=[self._run()],
                settings=choice(["", "threads = 2"]),
            ),
            lambda: requests.Scan(**change, all=coin, add=["llama3-8b"] if wait else []),
        ]

    def _sampling(self) -> requests.Sampling:
        return requests.Sampling(temperature=self._rng.choice(EXTREME), seed=self._rng.choice([None, *SIZES]))

    def _added_model(self) -> views.AddedModel:
        key, source = self._rng.choice([*ADDED, *BUILT, "bad key"]), self._rng.choice(SOURCES)
        return views.AddedModel(key=key, source=source, size_bytes=self._rng.choice(SIZES))

    def _run(self) -> views.BenchmarkRun:
        """A run as a backup may hold it, possible or not."""
        choice = self._rng.choice
        good = run(speed=choice([50.0, *EXTREME]), memory=choice([100.0, *EXTREME]))
        result = msgspec.structs.replace(
            good.result, timestamp=choice(EXTREME_TIMES), context_used=choice([100, *SIZES])
        )
        figure = views.Figure(mean=choice(EXTREME), stddev=choice(EXTREME), n=choice(SIZES))
        return msgspec.structs.replace(good, id="x", result=result, pp=choice([None, figure]))
