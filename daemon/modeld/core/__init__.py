"""Decisions, pure: facts in, effects out; no clock, no files, no sockets."""
