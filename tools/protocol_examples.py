"""One real message for every request, result and event: what docs/protocol.md shows."""

from modeld.protocol import events, replies, requests, views
from modeld.protocol.errors import ErrorCode, Failure
from modeld.protocol.states import JobKind, JobState, ModelState

AT = "2025-06-01T10:15:30.250Z"
EPOCH = "5f0c8a52d9e7"

RESULT = views.BenchmarkResult(
    model_key="smollm2",
    tokens_per_second=96.4,
    inference_time=1431.0,
    context_used=172,
    context_available=8192,
    timestamp=AT,
    prompt_tokens=44,
    completion_tokens=128,
    memory_usage_mb=412.5,
)
RUN = views.BenchmarkRun(
    id="j3",
    result=RESULT,
    prefill=views.Figure(mean=418.0, stddev=6.2, n=3),
    decode=views.Figure(mean=96.4, stddev=1.1, n=3),
    first_token_ms=views.Figure(mean=106.0, stddev=1.6, n=3),
    inference_ms=views.Figure(mean=1431.0, stddev=15.0, n=3),
)
AVERAGE = views.BenchmarkAverage(
    runs=4, avg_tokens_per_second=95.1, avg_inference_time=1450.0, avg_memory_usage_mb=412.0
)
MODEL = views.ModelView(key="smollm2", state=ModelState.ON_DISK, display_name="SmolLM2 135M", size_bytes=98362432)
LOADED = views.ModelView(
    key="smollm2",
    state=ModelState.LOADED,
    display_name="SmolLM2 135M",
    size_bytes=98362432,
    loaded=views.LoadedView(run=1, pid=4243, threads=4, context_size=8192, memory_bytes=432013312, load_s=0.31),
)
PROGRESS = views.Progress(done=41943040, total=98362432, percent=42.6, rate=31457280.0, eta_s=1.8)
PULL = views.JobView(
    id="j1", kind=JobKind.PULL, model="smollm2", state=JobState.RUNNING, created_at=AT, progress=PROGRESS
)
SYSTEM = views.SystemView(memory_total=16777216000, memory_available=11811160064, daemon_memory=36700160)
DAEMON = views.DaemonView(version="0.1.0", pid=4242, started_at=AT)
SNAPSHOT = views.Snapshot(epoch=EPOCH, seq=17, at=AT, daemon=DAEMON, system=SYSTEM, models=[MODEL], jobs=[PULL])
ADDED = views.AddedModel(key="mine", source="hf:org/repo:FILE.gguf")
GENERATION = views.Generation(
    model="smollm2",
    text="Because air scatters blue light most.",
    finish="stop",
    prompt_tokens=36,
    cached_tokens=0,
    completion_tokens=8,
    prefill_ms=88.1,
    decode_ms=83.0,
    first_token_ms=96.2,
    context_used=44,
    context_size=8192,
)

FIT = views.FitView(
    verdict="fits",
    context_size=8192,
    memory_bytes=690_000_000,
    memory_available=8_000_000_000,
    memory_total=16_000_000_000,
    max_context=32768,
    disk_bytes=491_400_032,
    disk_free=80_000_000_000,
)

REQUESTS: list[requests.AnyRequest] = [
    requests.Ping(id="1"),
    requests.Snapshot(id="2"),
    requests.Status(id="3"),
    requests.List(id="4"),
    requests.Show(id="5", model="smollm2"),
    requests.Add(id="6", key="add-1", model="mine", source="hf:org/repo:FILE.gguf"),
    requests.Remove(id="7", model="mine"),
    requests.Pull(id="8", model="smollm2", wait=True),
    requests.Jobs(id="9", model="smollm2"),
    requests.ClearJobs(id="29", model="smollm2"),
    requests.Cancel(id="10", job="j1"),
    requests.Pause(id="20", model="smollm2"),
    requests.Resume(id="21"),
    requests.Move(id="22", model="smollm2", place=1),
    requests.Limit(id="23", bytes_per_s=5242880),
    requests.Load(id="11", model="smollm2", context_size=4096, wait=True),
    requests.Unload(id="12", model="smollm2", wait=True),
    requests.Pin(id="13", model="smollm2"),
    requests.Generate(
        id="14",
        model="smollm2",
        prompt="Once upon a time",
        max_tokens=32,
        sampling=requests.Sampling(temperature=0.7, top_k=20, seed=7),
    ),
    requests.Chat(
        id="15",
        model="smollm2",
        messages=[requests.Message(role="user", content="Why is the sky blue?")],
        sampling=requests.Sampling(temperature=0.0),
        stream=True,
    ),
    requests.Benchmark(id="16", models=["smollm2"], wait=True),
    requests.Results(id="17", model="smollm2"),
    requests.Compare(id="18"),
    requests.Backup(id="24"),
    requests.Restore(id="25", key="restore-1", models=[ADDED], results=[RESULT]),
    requests.Files(id="26", repo="hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF"),
    requests.Search(id="27", words="qwen instruct", limit=2),
    requests.Scan(id="28", key="scan-1", add=["llama3-8b"]),
    requests.Shutdown(id="19"),
]

RESULTS: list[replies.AnyResult] = [
    replies.Pong(version="0.1.0", protocol=1, pid=4242, epoch=EPOCH),
    replies.Snapshot(snapshot=SNAPSHOT),
    replies.Status(daemon=DAEMON, system=SYSTEM, loaded=[LOADED], running=[PULL]),
    replies.Models(models=[MODEL]),
    replies.Model(model=LOADED),
    replies.Jobs(jobs=[PULL]),
    replies.Generated(generation=GENERATION),
    replies.History(history=views.History(model="smollm2", runs=[RUN], average=AVERAGE)),
    replies.Comparison(comparison=views.Comparison(rows=[RESULT], fastest="smollm2", most_efficient="smollm2")),
    replies.Backup(
        backup=views.Backup(
            format=1, at=AT, daemon_version="0.1.0", settings="threads = 4\n", models=[ADDED], runs=[RUN]
        )
    ),
    replies.Restored(models=["mine"], runs=1, settings_known=["threads"]),
    replies.Files(
        repo="Qwen/Qwen2.5-0.5B-Instruct-GGUF",
        commit="9217f5db79a29953eb74d5343926648285ec7e67",
        files=[
            views.RepoFileView(
                file="qwen2.5-0.5b-instruct-q4_k_m.gguf",
                source="hf:Qwen/Qwen2.5-0.5B-Instruct-GGUF:qwen2.5-0.5b-instruct-q4_k_m.gguf",
                quantization="Q4_K_M",
                size_bytes=491_400_032,
                fits=FIT,
            )
        ],
        chosen="qwen2.5-0.5b-instruct-q4_k_m.gguf",
    ),
    replies.Repositories(
        repositories=[views.RepositoryView(id="Qwen/Qwen2.5-0.5B-Instruct-GGUF", downloads=100_000, likes=50)],
        next="eyJfaWQiOiI2NmU",
    ),
    replies.Found(
        found=[
            views.FoundView(
                key="llama3-8b",
                program="Ollama",
                name="llama3:8b",
                path="/home/me/.ollama/models/blobs/sha256-6a0746a1ec1aef3e7ec53868f220ff6e389f6f8ef87a01d77c96807de94ca2aa",
                size_bytes=4_661_211_424,
            )
        ],
        looked=["/home/me/.ollama/models"],
    ),
    replies.Done(note="smollm2 was not loaded."),
]

CHUNK = replies.Reply(id="15", ok=True, chunk=replies.Chunk(text="Because", completion_tokens=1, context_used=37))
FAILURE = replies.Reply(
    id="5",
    ok=False,
    error=Failure(code=ErrorCode.NOT_FOUND, message="There is no model 'mistal'.", hint="Did you mean mistral?"),
)

EVENTS: list[events.AnyEvent] = [
    events.ModelChanged(epoch=EPOCH, seq=18, at=AT, model=MODEL),
    events.ModelRemoved(epoch=EPOCH, seq=19, at=AT, model="mine"),
    events.JobChanged(epoch=EPOCH, seq=20, at=AT, job=PULL),
    events.JobRemoved(epoch=EPOCH, seq=30, at=AT, job="j1", kind=JobKind.PULL, model="smollm2"),
    events.JobProgress(epoch=EPOCH, seq=21, at=AT, job="j1", kind=JobKind.PULL, model="smollm2", progress=PROGRESS),
    events.ContextUsed(epoch=EPOCH, seq=22, at=AT, model="smollm2", used=61, size=8192),
    events.ContextRefused(epoch=EPOCH, seq=23, at=AT, model="smollm2", prompt_tokens=9001, size=8192),
    events.ContextFull(epoch=EPOCH, seq=24, at=AT, model="smollm2", size=8192),
    events.SystemSampled(epoch=EPOCH, seq=25, at=AT, system=SYSTEM),
    events.DaemonStarted(epoch=EPOCH, seq=1, at=AT, daemon=DAEMON),
    events.DaemonChanged(epoch=EPOCH, seq=26, at=AT, daemon=DAEMON),
    events.DaemonStopping(epoch=EPOCH, seq=27, at=AT),
    events.InternalError(epoch=EPOCH, seq=28, at=AT, fact="Asked show", error="KeyError: 'smollm2'"),
    events.Heartbeat(epoch=EPOCH, seq=25, at=AT),
]
