"""Which value of a sampling setting applies, and what older and newer programs send of it."""

import msgspec
import pytest
from modeld.protocol.requests import Sampling
from modeld.protocol.sampling import APPLIED, NAMES, Settings, settings

FILE = {
    "temp": "0.600000",
    "top_k": "20",
    "top_p": "0.9",
    "min_p": "0",
    "penalty_repeat": "1.1",
    "penalty_last_n": "-1",
}


def test_without_a_word_of_request_and_file_the_values_are_those_of_before() -> None:
    expected = Settings(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05, repeat_penalty=1.0, repeat_last_n=64)
    assert settings(Sampling(), {}) == expected


def test_the_file_goes_before_our_defaults_and_the_request_before_the_file() -> None:
    expected = Settings(temperature=0.6, top_k=20, top_p=0.9, min_p=0.0, repeat_penalty=1.1, repeat_last_n=-1)
    assert settings(Sampling(), FILE) == expected
    asked = Sampling(temperature=0.0, top_k=0)
    assert settings(asked, FILE) == msgspec.structs.replace(expected, temperature=0.0, top_k=0)


@pytest.mark.parametrize("text", ["", "hot", "nan", "inf", "-5", "[1, 2]", "1e300"])
def test_a_value_that_makes_no_sense_is_not_applied(text: str) -> None:
    assert settings(Sampling(), dict.fromkeys(NAMES, text)) == Settings()


def test_a_whole_number_written_with_a_fraction_is_a_whole_number() -> None:
    assert settings(Sampling(), {"top_k": "20.5"}) == Settings(top_k=20)


def test_each_applied_setting_is_for_its_own_field() -> None:
    assert sorted(setting.field for setting in APPLIED.values()) == sorted(Settings.__struct_fields__)


def test_what_is_not_said_is_not_sent_so_that_an_older_daemon_takes_it() -> None:
    assert msgspec.json.encode(Sampling(temperature=0.5)) == b'{"temperature":0.5}'


@pytest.mark.parametrize("body", [b"{}", b'{"temperature":null,"top_k":null}'])
def test_absent_and_null_are_the_same(body: bytes) -> None:
    assert msgspec.json.decode(body, type=Sampling) == Sampling()
