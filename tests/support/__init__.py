"""What tests, demos and measurements share.

- ``fixtures``: the pytest fixtures that every test may ask for.
- ``real_daemon``, ``worker_child``, ``commandline``, ``example_program``: our programs as child processes.
- ``fake_daemon``, ``replay_daemon``: a daemon whose answers and events the test chooses.
- ``manager_world``, ``hub_steps``: the manager of the core without a loop, files or sockets.
- ``single_download``: one download without a daemon.
- ``range_server``, ``hub_emulator``: HTTP servers with faults on demand.
- ``tiny_gguf``, ``split_gguf``, ``released_databases``: files.
- ``other_user``: what another user of the machine can reach.
- ``waiting``: wait for what can only be looked at from outside.
- ``desktop``: a virtual desktop, and the programs that run on it.
- ``views``: models, jobs and snapshots for the tests of one part of the client.
"""
