from __future__ import annotations

import pytest

from kiln._wire.errors import KilnError
from kiln._wire.settings import DEFAULT_DEADLINE_SECONDS, read_settings


def test_options_beat_the_environment() -> None:
    environment = {"KILN_ADDRESS": "a:1", "KILN_DOMAIN": "red"}
    settings = read_settings({"address": "b:2"}, environment)
    assert settings.address == "b:2"
    assert settings.domain == "red"
    assert settings.deadline_seconds == DEFAULT_DEADLINE_SECONDS


def test_other_options_are_the_compilers() -> None:
    settings = read_settings({"specialize_divisible": True, "deadline": 3, "level": 2}, {})
    assert settings.compile_options == (("level", "2"), ("specialize_divisible", "true"))
    assert settings.deadline_seconds == 3.0


def test_bounds_checks_are_switched_on_by_the_environment_unless_the_option_is_given() -> None:
    environment = {"KILN_CODEGEN_CHECK": "1"}
    assert read_settings(None, environment).compile_options == (("check_bounds", "true"),)
    assert read_settings({"check_bounds": False}, environment).compile_options == (("check_bounds", "false"),)
    assert read_settings(None, {"KILN_CODEGEN_CHECK": "0"}).compile_options == ()


def test_a_switch_in_the_environment_is_on_or_off() -> None:
    with pytest.raises(KilnError, match="OPTION_INVALID: option KILN_CODEGEN_CHECK: 'yes' is neither"):
        read_settings(None, {"KILN_CODEGEN_CHECK": "yes"})


@pytest.mark.parametrize("address", ["localhost", "localhost:99999", "http://localhost:80", ":7077", "::1:7077"])
def test_an_address_has_a_host_and_a_port(address: str) -> None:
    with pytest.raises(KilnError, match="BAD_ARGUMENT_VALUE: address '"):
        read_settings({"address": address}, {})
    with pytest.raises(KilnError, match="BAD_ARGUMENT_VALUE"):
        read_settings(None, {"KILN_ADDRESS": address})


@pytest.mark.parametrize("deadline", ["soon", "0", "-1", "nan", "inf"])
def test_a_deadline_is_a_number_of_seconds(deadline: str) -> None:
    with pytest.raises(KilnError, match="OPTION_INVALID"):
        read_settings({"deadline": deadline}, {})


def test_a_requester_is_always_named() -> None:
    assert read_settings(None, {}).requester
    assert read_settings(None, {"KILN_REQUESTER": "job-1/rank-2"}).requester == "job-1/rank-2"


def test_a_job_is_named_by_whoever_starts_it() -> None:
    assert read_settings(None, {}).job == ""
    assert read_settings(None, {"KILN_JOB": "train-17"}).job == "train-17"
    assert read_settings({"job": "train-18"}, {"KILN_JOB": "train-17"}).job == "train-18"
