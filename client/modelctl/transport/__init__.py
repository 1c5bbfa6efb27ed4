"""The connection to a daemon: sockets, remote hosts, keys, and the mirror of its state."""
