"""Download a model with progress callbacks."""

import sys

from modelctl.jarvis import DownloadProgress, ModelDownloadManager, format_bytes, format_eta, format_speed

key = sys.argv[1] if len(sys.argv) > 1 else "smollm2"


def on_progress(progress: DownloadProgress) -> None:
    """Called for every download of the daemon, no matter which client requested it."""
    if progress.status == "in_progress" and progress.percent is not None:
        print(f"{progress.model}: {progress.percent:.1f}%")
        print(f"Downloaded: {format_bytes(progress.downloaded)} / {format_bytes(progress.total)}")
        print(f"Speed: {format_speed(progress.speed or 0)}  ETA: {format_eta(progress.eta)}")
    else:
        print(f"{progress.model}: {progress.status} {progress.message}")


manager = ModelDownloadManager(None)  # or your jarvis instance
manager.register_callback(on_progress)
there = manager.download_model(key)  # blocks
now = manager.get_progress(key)
print("there:", there, "| status:", now.status if now else None, "| downloading:", manager.is_downloading(key))
manager.close()
sys.exit(0 if there else 1)
