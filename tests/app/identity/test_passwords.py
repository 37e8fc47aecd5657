import statistics
import time
from collections.abc import Callable

import pytest

from app.identity.passwords import (
    generate_password,
    hash_password,
    is_acceptable_password,
    is_password,
    needs_rehash,
)


def median_seconds(action: Callable[[], object]) -> float:
    samples = []
    for _ in range(7):
        started = time.perf_counter()
        action()
        samples.append(time.perf_counter() - started)
    return statistics.median(samples)


def test_password_is_stored_as_argon2id_and_opens_only_with_itself() -> None:
    stored = hash_password("correct horse")
    assert stored.startswith("$argon2id$")
    assert is_password(stored, "correct horse")
    assert not is_password(stored, "correct house")


def test_missing_and_damaged_hashes_match_nothing() -> None:
    assert not is_password(None, "")
    assert not is_password(None, "correct horse")
    assert not is_password("not a hash", "correct horse")


def test_account_without_password_takes_as_long_as_a_wrong_one() -> None:
    stored = hash_password("correct horse")
    known = median_seconds(lambda: is_password(stored, "wrong"))
    unknown = median_seconds(lambda: is_password(None, "wrong"))
    assert 0.5 < unknown / known < 2


def test_hash_of_another_cost_is_renewed() -> None:
    old = "$argon2id$v=19$m=8192,t=1,p=1$" + "A" * 22 + "$" + "A" * 43
    assert needs_rehash(old)
    assert not needs_rehash(hash_password("correct horse"))


@pytest.mark.parametrize(("length", "accepted"), [(7, False), (8, True), (200, True), (201, False)])
def test_length_is_8_to_200(length: int, accepted: bool) -> None:
    assert is_acceptable_password("é" * length) is accepted


def test_generated_passwords_are_acceptable_and_differ() -> None:
    first, second = generate_password(), generate_password()
    assert first != second
    assert is_acceptable_password(first)
