"""Turns a conversation into the prompt format that the model was trained on, by the template in its file.

The template is untrusted code from a file. It runs in Jinja's immutable sandbox, which keeps it from attributes, from
changing its arguments, and from the worker process.
"""

import json
from collections.abc import Sequence
from datetime import datetime

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from modeld.protocol.errors import FailureError
from modeld.protocol.reasons import Reason
from modeld.protocol.requests import Message

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)
"""The template for files without one."""

MAX_PROMPT_CHARACTERS = 16 * 1024 * 1024


_FAULTS = (
    jinja2.TemplateError,
    TypeError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    AssertionError,
    RuntimeError,
    SyntaxError,
)
"""What a template can raise: it is compiled to Python (SyntaxError: 21 loops inside each other), and run."""


class TemplateError(FailureError):
    """The template could not be used."""


def render(template: str, messages: Sequence[Message], bos: str, eos: str) -> str:
    """The prompt for ``messages``, ready for the model to answer.

    Raises:
        TemplateError: the template is invalid, did something forbidden, or refused the conversation.
    """
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols])
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _refuse
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(str(form))
    turns = [{"role": message.role, "content": message.content} for message in messages]
    try:
        text = environment.from_string(template or CHATML).render(
            messages=turns, bos_token=bos, eos_token=eos, add_generation_prompt=True, tools=None
        )
        # A template can write half a surrogate pair, which is not text: fail here and not in the tokenizer.
        text.encode()
    except (MemoryError, RecursionError) as error:
        raise TemplateError(Reason.TEMPLATE_TOO_EXPENSIVE.failure(error=type(error).__name__)) from error
    except _FAULTS as error:
        raise TemplateError(Reason.TEMPLATE_FAILED.failure(error=str(error))) from error
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise TemplateError(Reason.TEMPLATE_TOO_LONG.failure(count=len(text)))
    return text


def _to_json(value: object, indent: int | None = None) -> str:
    """JSON as templates expect it: Jinja's own filter would escape it for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: object) -> None:
    raise jinja2.TemplateError(str(message))
