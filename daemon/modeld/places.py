"""Where things live: reads the environment, creates nothing."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

MAX_SOCKET_PATH = 100
"""Unix socket paths end at 107 bytes; this leaves room for the longest file name used here."""


@dataclass(frozen=True)
class Places:
    """The folders and files of one daemon; ``home`` is set when MODELD_HOME put them all in one folder."""

    config_dir: Path
    data_dir: Path
    state_dir: Path
    runtime_dir: Path

    @property
    def config_file(self) -> Path:
        """The settings a person edits."""
        return self.config_dir / "config.toml"

    @property
    def models_dir(self) -> Path:
        """Where downloaded models go unless a setting says otherwise."""
        return self.data_dir / "models"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.data_dir / "modeld.sqlite3"

    @property
    def benchmarks_file(self) -> Path:
        """The mirror of the last benchmark runs."""
        return self.data_dir / "model_benchmarks.json"

    @property
    def log_file(self) -> Path:
        """The newest log."""
        return self.state_dir / "modeld.log"

    @property
    def starts_file(self) -> Path:
        """The starts of the daemon that had no orderly end."""
        return self.state_dir / "starts.json"

    @property
    def lock_file(self) -> Path:
        """Held by the one daemon of this home."""
        return self.runtime_dir / "modeld.lock"

    @property
    def server_key_file(self) -> Path:
        """The daemon's own keys for the network."""
        return self.data_dir / "server.key"

    @property
    def allowed_keys_file(self) -> Path:
        """The public keys of the clients that may connect over the network."""
        return self.config_dir / "allowed_keys"

    @property
    def client_keys_dir(self) -> Path:
        """This person's own keys for the daemons of other machines."""
        return self.config_dir / "keys"

    @property
    def hosts_file(self) -> Path:
        """The daemons of other machines, by name."""
        return self.config_dir / "hosts.toml"

    @property
    def connection_file(self) -> Path:
        """Tells clients where the daemon listens."""
        return self.runtime_dir / "connection.json"


def find(environment: dict[str, str] | None = None) -> Places:
    """The places of this user, all under MODELD_HOME where that is set, else by the platform's custom."""
    env = os.environ if environment is None else environment
    home = env.get("MODELD_HOME")
    if home:
        root = Path(home).expanduser().absolute()
        return Places(config_dir=root, data_dir=root, state_dir=root / "logs", runtime_dir=_short(root / "run"))
    dirs = platformdirs.PlatformDirs("modeld", appauthor=False)
    return Places(
        config_dir=dirs.user_config_path,
        data_dir=dirs.user_data_path,
        state_dir=dirs.user_log_path,
        runtime_dir=_short(dirs.user_runtime_path if _has_runtime_folder(env) else dirs.user_data_path / "run"),
    )


def _has_runtime_folder(env: dict[str, str] | os._Environ[str]) -> bool:
    """Whether the system made this user a runtime folder; without one platformdirs warns and offers a shared one."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(env.get("XDG_RUNTIME_DIR")) or Path(f"/run/user/{os.getuid()}").is_dir()


def _short(wanted: Path) -> Path:
    """``wanted``, or a folder in the temporary directory named by its hash where a socket's path would be too long."""
    if len(os.fsencode(wanted)) + len("/workers.sock") <= MAX_SOCKET_PATH:
        return wanted
    import hashlib
    import tempfile

    name = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:16]
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return Path(tempfile.gettempdir()) / f"modeld-{user}-{name}"
