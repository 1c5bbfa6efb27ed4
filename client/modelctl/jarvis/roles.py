"""The purpose of each built-in model, for JarvisCore; these opinions are kept out of the daemon.

``best_for`` counts the words of each use case in the prompt, in English and German, and nothing more.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Role:
    """What a model is suited for."""

    use_case: str = "general"
    strengths: tuple[str, ...] = ()
    weaknesses: tuple[str, ...] = ()
    role: str = "assistant"


ROLES = {
    "mistral": Role("code", ("code", "technical detail", "system commands"), ("long texts",), "engineer"),
    "mistral-nemo": Role("analysis", ("long texts", "several languages"), ("memory",), "analyst"),
    "llama3": Role("conversation", ("conversation", "following instructions"), ("memory",), "assistant"),
    "deepseek": Role("reasoning", ("step-by-step reasoning", "mathematics"), ("short answers",), "analyst"),
    "qwen": Role("analysis", ("several languages", "structured answers"), (), "analyst"),
    "llama": Role("conversation", ("conversation",), ("code", "short context"), "assistant"),
    "llama32-3b": Role("conversation", ("speed", "conversation"), ("hard questions",), "assistant"),
    "llama32-1b": Role("quick", ("speed", "little memory"), ("hard questions",), "assistant"),
    "phi3-mini": Role("reasoning", ("reasoning for its size", "speed"), ("short context",), "assistant"),
    "gemma2-9b": Role("creative", ("writing", "conversation"), ("memory",), "writer"),
    "llama33-70b": Role("reasoning", ("hard questions", "several languages"), ("memory", "speed"), "expert"),
    "smollm2": Role("quick", ("speed", "little memory"), ("knowledge",), "assistant"),
}
"""The catalogue's keys."""

_WORDS = {
    "code": "code function class python javascript bug script program compile error funktion programm fehler skript",
    "reasoning": "why prove calculate solve logic step math equation warum beweise berechne löse logik schritt mathe",
    "creative": "story poem write song novel invent geschichte gedicht schreibe lied roman erfinde",
    "analysis": "summarize analyse analyze compare translate table explain zusammenfassen vergleiche übersetze erkläre",
    "conversation": "hello hi thanks how are you hallo danke wie geht guten morgen tag",
}


def of(key: str) -> Role:
    """The role of a model; a general one for the user's own models."""
    return ROLES.get(key, Role())


def scores(prompt: str) -> dict[str, float]:
    """Each use case's share of the prompt's matching words, 0 to 1; their sum is 1 unless no word matches."""
    words = re.findall(r"\w+", prompt.lower())
    hits = {use_case: sum(word in known.split() for word in words) for use_case, known in _WORDS.items()}
    total = sum(hits.values())
    return {use_case: count / total if total else 0.0 for use_case, count in hits.items()}


def best_for(prompt: str) -> str:
    """The use case with the most matching words; ``general`` if no word matches."""
    found = scores(prompt)
    best = max(found, key=lambda use_case: found[use_case])
    return best if found[best] > 0 else "general"
