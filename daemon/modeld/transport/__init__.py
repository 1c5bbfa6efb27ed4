"""ZeroMQ sockets of the daemon: on the event loop, bound safely, with allowed keys only."""
