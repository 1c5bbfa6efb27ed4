"""``python -m modeld.worker ENDPOINT RUN DAEMON``: holds one model for the daemon, whose process id is DAEMON."""

import os
import signal
import sys
import threading

from modeld.protocol.reasons import Reason
from modeld.protocol.workers import Answer, AnyOrder, Exit, Hello, LoadFailed, LoadFile, Measure, Ready
from modeld.worker import lifeline, memory_limit
from modeld.worker.daemon_link import Link

EXIT_LOAD_FAILED = 1
EXIT_USAGE = 2

NICENESS = 1
"""Other programs go first, a little: each step costs a fifth of the speed beside busy programs, and nothing else."""


def main(arguments: list[str]) -> int:
    """Serve one model; returns the exit code."""
    if len(arguments) != 3:
        print("usage: python -m modeld.worker ENDPOINT RUN DAEMON (started by modeld, not by hand)", file=sys.stderr)
        return EXIT_USAGE
    endpoint, run, daemon = arguments
    lifeline.tie_to(int(daemon))
    memory_limit.be_killed_first()
    if sys.platform != "win32":
        os.nice(NICENESS)
    # A Ctrl-C at the terminal goes to the whole group; the daemon decides when to end.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_daemon, name="stdin", daemon=True).start()
    link = Link(endpoint, run)
    link.say(Hello(pid=os.getpid()))
    order = link.next_order()
    code = _serve(link, order) if isinstance(order, LoadFile) else 0
    link.close()
    return code


def _serve(link: Link, order: LoadFile) -> int:
    from modeld.worker import native
    from modeld.worker.engine import Engine, EngineError

    native.begin()
    try:
        engine = Engine(order, link.stopping)
    except EngineError as error:
        link.say(LoadFailed(failure=error.failure))
        return EXIT_LOAD_FAILED
    except ImportError as error:
        link.say(LoadFailed(failure=Reason.LIBRARY_MISSING.failure(error=str(error))))
        return EXIT_LOAD_FAILED
    memory_limit.limit_growth()
    import psutil

    link.say(
        Ready(
            device=engine.device,
            gpu_layers=engine.gpu_layers,
            threads=engine.threads,
            context_size=engine.context_size,
            load_s=engine.load_s,
            memory_bytes=psutil.Process().memory_info().rss,
            library=native.version(),
        )
    )
    from modeld.worker.answer import Answering
    from modeld.worker.measure import Measuring

    while not link.exiting:
        task: AnyOrder = link.next_order()
        match task:
            case Answer():
                link.begin(task.task)
                link.say(Answering(engine, link, order.model, task).run())
            case Measure():
                link.begin(task.task)
                link.say(Measuring(engine, link, order.model, task).run())
            case Exit():
                break
            case _:
                raise TypeError(f"not an order for a loaded worker: {task}")
    engine.free()
    return 0


def _end_with_the_daemon() -> None:
    """The daemon holds the other end of our standard input: when that closes, it is gone, and so are we."""
    while os.read(0, 4096):
        pass
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
