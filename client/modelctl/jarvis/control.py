"""The two functions that JarvisCore offers its web page: model status and model control."""

from modelctl.jarvis.manager import LlmManager


def get_llm_status(manager: LlmManager) -> dict[str, object]:
    """Which models exist, which are loaded, and which one answers."""
    overview = manager.get_model_overview()
    return {
        "available": overview,
        "current": manager.current_model,
        "loaded": [key for key, entry in overview.items() if entry["loaded"]],
        "active": [key for key, entry in overview.items() if entry["active"]],
        "metadata": manager.model_metadata,
        "ready_models": [key for key, entry in overview.items() if entry["ready"]],
    }


def control_llm_model(manager: LlmManager, action: str, model_key: str | None = None) -> dict[str, object]:
    """Perform ``load``, ``unload`` or ``download``; ``success`` says whether it worked."""
    match action:
        case "load":
            key = model_key or manager.default_model
            return {"action": action, "success": manager.load_model(key), "model": key}
        case "unload":
            manager.unload_model(model_key)
            gone = model_key.lower() not in manager.loaded_models if model_key else not manager.model_loaded
            return {"action": action, "success": gone, **({"model": model_key} if model_key else {})}
        case "download" if model_key:
            return {"action": action, "success": manager.download_model(model_key), "model": model_key}
        case _:
            return {"action": action, "success": False, **({"model": model_key} if model_key else {})}
