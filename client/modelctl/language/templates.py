"""Texts that come in English from elsewhere, put into the language in use by the templates that they were made of."""

import functools
import re
import string

from modelctl.language.catalogue import _, is_english

NESTED = ("why", "error")
"""Fields that hold a text of the same kind."""


def translated(text: str, templates: tuple[str, ...]) -> str:
    """``text`` in the language in use, by the first of ``templates`` that it has the form of; else as it stands."""
    if is_english() or not text:
        return text
    for template, pattern in _patterns(templates):
        found = pattern.fullmatch(text)
        if found is not None:
            fields = found.groupdict()
            for name in fields.keys() & set(NESTED):
                fields[name] = translated(fields[name], templates)
            return _(template).format(**fields)
    return text


@functools.cache
def _patterns(templates: tuple[str, ...]) -> list[tuple[str, "re.Pattern[str]"]]:
    return [(template, re.compile(_pattern(template), re.DOTALL)) for template in templates]


def _pattern(template: str) -> str:
    """A template as a regular expression; a field that comes again is the same again."""
    pattern, known = "", set()
    for literal, field, _spec, _conversion in string.Formatter().parse(template):
        pattern += re.escape(literal)
        if field is not None:
            pattern += f"(?P={field})" if field in known else f"(?P<{field}>.*)"
            known.add(field)
    return pattern
