"""The worker's parts that need no model: templates, stop texts, and how it is started."""

import subprocess
import sys

import pytest
from modeld.protocol.requests import Message
from modeld.worker import template
from modeld.worker.answer import Text

TALK = [Message(role="system", content="Be brief."), Message(role="user", content="Hi <b>")]


def test_a_file_without_a_template_gets_chatml():
    text = template.render("", TALK, "", "")
    assert text == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHi <b><|im_end|>\n<|im_start|>assistant\n"
    )


def test_a_template_sees_messages_tokens_and_the_generation_prompt():
    source = (
        "{{ bos_token }}{% for m in messages %}{{ m['role'] }}={{ m.content }};{% endfor %}"
        "{% if add_generation_prompt %}>{% endif %}"
    )
    assert template.render(source, TALK, "<s>", "</s>") == "<s>system=Be brief.;user=Hi <b>;>"


@pytest.mark.parametrize(
    "hostile",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ messages.append('x') }}",
        "{{ cycler.__init__.__globals__.os.system('true') }}",
        "{{ strftime_now.__globals__ }}",
        "{% for i in range(10000000000) %}x{% endfor %}",
        "{{ raise_exception('not like this') }}",
        "{% broken",
        "{{ undefined_thing.field }}",
        "{{ 1 / 0 }}",
        "{{ 'x' * (10 ** 12) }}",
    ],
)
def test_a_template_that_reaches_too_far_is_an_error_and_nothing_else(hostile: str):
    try:
        text = template.render(hostile, TALK, "", "")
    except template.TemplateError as error:
        assert "template" in str(error)
    else:
        assert text == ""


def test_a_letter_of_several_bytes_is_shown_when_it_is_whole():
    text = Text([])
    shown = []
    for byte in "aé漢😀b".encode():
        text.add(bytes([byte]))
        shown.append(text.fresh())
    assert "".join(shown) == "aé漢😀b" and all("\ufffd" not in piece for piece in shown)


def test_bytes_that_never_become_a_letter_show_as_such_at_the_end():
    text = Text([])
    text.add(b"a\xe6")
    assert text.fresh() == "a"
    text.add(b"", final=True)
    assert text.fresh(final=True) == "\ufffd"


def test_a_stop_text_is_never_shown_not_even_its_beginning():
    text = Text(["<end>", "\n\n"])
    shown = ""
    for part in ("one <", "en", "t> two", " <e", "nd", "> three"):
        text.add(part.encode())
        shown += text.fresh()
        if text.stopped:
            break
    assert text.stopped and shown == "one <ent> two " and text.whole == shown


def test_the_beginning_of_a_stop_text_is_shown_when_nothing_follows():
    text = Text(["<end>"])
    text.add(b"a <en")
    assert text.fresh() == "a "
    assert text.fresh(final=True) == "<en"


def test_a_worker_started_by_hand_says_how_it_is_used():
    ended = subprocess.run([sys.executable, "-m", "modeld.worker"], capture_output=True, text=True, timeout=30)
    assert ended.returncode == 2 and "usage" in ended.stderr


def test_a_worker_does_not_import_what_it_need_not():
    code = "import sys; from modeld.worker import native; print('numpy' in sys.modules, 'jinja2' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout.split() == ["False", "False"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces this limit")
def test_a_limited_address_space_gets_a_smaller_stack():
    code = """
import resource
from modeld.worker.large_stack import MIB, LargeStack
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 600 * MIB, used + 600 * MIB))
stack = LargeStack()
print(stack.run(lambda: 1), stack.most_characters)
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert ended.stdout.split() == ["1", str(256 * 1024)]
