"""nginx for the benchmarks of downloads: http and https, at full speed or with a limit for each connection."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_CONFIGURATION = """
daemon off;
master_process off;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
worker_rlimit_nofile 1024;
events {{ worker_connections 256; }}
http {{
    access_log off;
    sendfile on;
    tcp_nopush on;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    map $connection $mixed {{ ~[05]$ 2m; default 20m; }}
    server {{
        listen 127.0.0.1:{http};
        listen 127.0.0.1:{https} ssl;
        ssl_certificate {folder}/certificate.pem;
        ssl_certificate_key {folder}/key.pem;
        root {files};
        location /fast/ {{ alias {files}/; }}
        location /each/ {{ alias {files}/; limit_rate 20m; }}
        location /mixed/ {{ alias {files}/; limit_rate $mixed; }}
    }}
}}
"""
DEADLINE_S = 10.0


@dataclass(frozen=True)
class WebServer:
    """The addresses it serves; a client must trust ``certificate``."""

    http: str
    https: str
    certificate: Path


@contextlib.contextmanager
def running(files: Path, folder: Path) -> Iterator[WebServer]:
    """Serve ``files``; nginx keeps its own files in ``folder``.

    ``/fast/`` has no limit, ``/each/`` sends 20 MiB/s on each connection, and ``/mixed/`` does the same but for two
    connections in ten, which get a tenth of it.
    """
    nginx = shutil.which("nginx") or "/usr/sbin/nginx"
    make_certificate(folder)
    http, https = _free_port(), _free_port()
    user = "user root;" if os.geteuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        _CONFIGURATION.format(folder=folder, files=files, http=http, https=https, user=user), encoding="utf-8"
    )
    server = subprocess.Popen([nginx, "-c", str(configuration), "-p", str(folder)], stderr=subprocess.DEVNULL)
    try:
        _until_it_answers(https)
        yield WebServer(f"http://127.0.0.1:{http}", f"https://127.0.0.1:{https}", folder / "certificate.pem")
    finally:
        server.terminate()
        server.wait(DEADLINE_S)


def make_certificate(folder: Path) -> None:
    """A self-signed certificate for 127.0.0.1, and its key."""
    name = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *name, *files]
    subprocess.run(command, check=True, capture_output=True)


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


def _until_it_answers(port: int) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise SystemExit("nginx does not answer")
