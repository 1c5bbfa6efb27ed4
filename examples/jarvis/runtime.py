"""Use the live ``llama_runtime`` and ``model_downloader``: the same calls, answered by the daemon."""

import sys

from modelctl.jarvis import LlamaRuntime, ModelDownloader

key = sys.argv[1] if len(sys.argv) > 1 else "smollm2"
llama_runtime, model_downloader = LlamaRuntime(), ModelDownloader()

if not model_downloader.is_model_downloaded(key):
    print(model_downloader.download_model(key, progress_callback=lambda percent, text: print(f"{percent:.0f}% {text}")))
path = model_downloader.get_model_path(key)
print("loaded:", llama_runtime.load_model(str(path), model_name=key, n_ctx=512))
answer = llama_runtime.chat("Hello!", system_prompt="You are brief.", max_tokens=16)
assert isinstance(answer, dict)
print("success:", answer["success"], "| model:", answer["model"], "| device:", answer["device"])
print("text:", answer["text"])
print("window:", llama_runtime.get_status()["context_window"])
print("unloaded:", llama_runtime.unload_model())
