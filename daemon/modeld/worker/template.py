"""A conversation as the prompt that the model was trained on, by the template in its file.

The template is code from a file that somebody made: it runs in Jinja's immutable sandbox, which keeps it from
attributes, from changing its arguments, and from our process.
"""

import json
from collections.abc import Sequence
from datetime import datetime

import jinja2
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from modeld.protocol.requests import Message

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}"
    "{{ '<|im_start|>assistant\n' }}"
)
"""What is used when a file has no template."""

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


class TemplateError(Exception):
    """The template could not be used; the message says why."""


def render(template: str, messages: Sequence[Message], bos: str, eos: str) -> str:
    """The prompt for ``messages``, ready for the model to answer.

    Raises:
        TemplateError: it is no valid template, reached for what it may not, or refused the conversation itself.
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
        # Half a surrogate pair, which a template can write, is no text: better found here than by the tokenizer.
        text.encode()
    except (MemoryError, RecursionError) as error:
        raise TemplateError(f"The model's chat template wants too much: {type(error).__name__}") from error
    except _FAULTS as error:
        raise TemplateError(f"The model's chat template failed: {error}") from error
    if len(text) > MAX_PROMPT_CHARACTERS:
        raise TemplateError(f"The model's chat template makes {len(text)} characters of this conversation.")
    return text


def _to_json(value: object, indent: int | None = None) -> str:
    """JSON as templates expect it: Jinja's own filter would escape it for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _refuse(message: object) -> None:
    raise jinja2.TemplateError(str(message))
