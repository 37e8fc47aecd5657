"""Passwords: Argon2id, at a cost that an honest sign-in does not notice."""

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from app.core.crypto import random_text

MIN_LENGTH = 8
MAX_LENGTH = 200
_GENERATED_LENGTH = 24
# About 50 ms on one slow core. One lane, because a web worker has no second core to spare for it.
_HASHER = PasswordHasher(time_cost=2, memory_cost=32 * 1024, parallelism=1)
# A well-formed hash at the same cost that no password is known to match.
_NOBODY = f"$argon2id$v=19$m={_HASHER.memory_cost},t={_HASHER.time_cost},p=1${'A' * 22}${'A' * 43}"


def is_acceptable_password(password: str) -> bool:
    return MIN_LENGTH <= len(password) <= MAX_LENGTH


def hash_password(password: str) -> str:
    return _HASHER.hash(password)


def is_password(stored: str | None, password: str) -> bool:
    """Whether `password` is the stored one; as slow when none is stored, so that no email is told apart."""
    try:
        return _HASHER.verify(stored or _NOBODY, password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def needs_rehash(stored: str) -> bool:
    """Whether the hash was made at another cost than today's."""
    return _HASHER.check_needs_rehash(stored)


def generate_password() -> str:
    return random_text(_GENERATED_LENGTH)
