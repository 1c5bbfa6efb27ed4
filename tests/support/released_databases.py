"""Databases written by released versions: their schema and rows. Never change them."""

import sqlite3
from pathlib import Path

V1 = """
CREATE TABLE models (key TEXT PRIMARY KEY, spec TEXT NOT NULL);
CREATE TABLE jobs (id TEXT PRIMARY KEY, created_at TEXT NOT NULL, ended INTEGER NOT NULL, view TEXT NOT NULL);
CREATE TABLE runs (
    id TEXT PRIMARY KEY, model TEXT NOT NULL, at TEXT NOT NULL, tokens_per_second REAL NOT NULL,
    inference_ms REAL NOT NULL, memory_mb REAL NOT NULL, run TEXT NOT NULL
);
CREATE INDEX runs_by_model ON runs (model, at);
INSERT INTO models VALUES ('mine', '{"key":"mine","source":"hf:org/repo:FILE.gguf","file_name":"FILE.gguf","path":"",
 "display_name":"Mine","description":"","size_bytes":42,"sha256":"","verified":false,"context_length":0,
 "builtin":false,"pinned":true}');
INSERT INTO jobs VALUES ('j1', '2026-01-01T00:00:00.000+00:00', 0, '{"id":"j1","kind":"pull","model":"mine",
 "state":"paused","created_at":"2026-01-01T00:00:00.000+00:00","started_at":"","ended_at":"",
 "progress":{"done":21,"total":42,"percent":50.0,"rate":0.0,"eta_s":null,"phase":"","stalled_since":"","retries":0},
 "already_there":false,"failure":null,"benchmark":null}');
INSERT INTO runs VALUES ('b1', 'mine', '2026-01-01T00:00:00.000000+00:00', 45.32, 3250.5, 4829.3, '{"id":"b1",
 "result":{"model_key":"mine","tokens_per_second":45.32,"inference_time":3250.5,"context_used":158,
 "context_available":8192,"timestamp":"2026-01-01T00:00:00.000000+00:00","prompt_tokens":30,"completion_tokens":128,
 "memory_usage_mb":4829.3},"prefill":{"mean":418.0,"stddev":6.2,"n":3},"decode":{"mean":45.32,"stddev":1.1,"n":3},
 "first_token_ms":{"mean":106.0,"stddev":1.6,"n":3},"inference_ms":{"mean":3250.5,"stddev":15.0,"n":3},"pp":null,
 "pp_tokens":0,"tg":null,"tg_tokens":0,"load_s":0.2,"memory_peak_bytes":0,"gpu_memory_bytes":null,"energy_j":null,
 "disturbed":false,"disturbance":"","environment":{"cpu":"A CPU","cores":2,"threads":2,"gpu":"","gpu_layers":0,
 "driver":"","library":"llama","os":"Linux","python":"3.11","power":"n/a"}}');
PRAGMA user_version = 1;
"""
"""modeld 0.1.0"""

V2 = (
    V1
    + """
CREATE TABLE totals (
    model TEXT PRIMARY KEY, runs INTEGER NOT NULL, tokens_per_second REAL NOT NULL,
    inference_ms REAL NOT NULL, memory_mb REAL NOT NULL
);
INSERT INTO totals VALUES ('mine', 1, 45.32, 3250.5, 4829.3);
CREATE TRIGGER runs_counted AFTER INSERT ON runs BEGIN
    INSERT INTO totals SELECT NEW.model, 0, 0.0, 0.0, 0.0
        WHERE NOT EXISTS (SELECT 1 FROM totals WHERE model = NEW.model);
    UPDATE totals SET runs = runs + 1, tokens_per_second = tokens_per_second + NEW.tokens_per_second,
        inference_ms = inference_ms + NEW.inference_ms, memory_mb = memory_mb + NEW.memory_mb
        WHERE model = NEW.model;
END;
PRAGMA user_version = 2;
"""
)
"""A version between releases"""

V3 = V2 + "PRAGMA user_version = 3;"
"""The version after 0.1.0"""

RELEASED = {1: V1, 2: V2, 3: V3}
"""Schema version -> the SQL that creates such a database."""


def write(path: Path, version: int) -> Path:
    """Create a database of this version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    sql = sqlite3.connect(path)
    sql.executescript(RELEASED[version])
    sql.close()
    return path
