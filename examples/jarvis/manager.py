"""Use an LlmManager in place of the classic ``jarvis.llm_manager``."""

import sys

from modelctl.jarvis import LlmManager, control_llm_model, get_llm_status


class Jarvis:
    """A stand-in for your assistant."""

    llm_manager: LlmManager


key = sys.argv[1] if len(sys.argv) > 1 else "smollm2"
jarvis = Jarvis()
jarvis.llm_manager = LlmManager(jarvis)

entry = jarvis.llm_manager.get_model_overview().get(key, {})
print(entry.get("display_name"), "|", entry.get("size_human"), "| ready:", jarvis.llm_manager.is_model_ready(key))
if not jarvis.llm_manager.load_model(key):
    sys.exit(f"{key} could not be loaded")
print("loaded:", list(jarvis.llm_manager.loaded_models), "| current:", jarvis.llm_manager.current_model)
answer = jarvis.llm_manager.generate_response(
    "Why is the sky blue?", system_prompt="Answer in one sentence.", max_tokens=24, temperature=0.0
)
print("answer:", answer)
print("status:", get_llm_status(jarvis.llm_manager)["loaded"])
print(control_llm_model(jarvis.llm_manager, "unload", key))
