"""Secrets at rest: AES-256-GCM under a ring of named keys, bound to the row that holds them."""

import hashlib
import secrets
import string

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_ALPHABET = string.ascii_letters + string.digits + "_-"
_NONCE_BYTES = 12


class DecryptError(Exception):
    """The stored bytes cannot be opened: unknown key id, wrong row, or damage."""


class Cipher:
    """Seals with the first key of the ring, opens with whichever key the value names."""

    def __init__(self, ring: tuple[tuple[str, bytes], ...]) -> None:
        self._primary = ring[0][0]
        self._keys = {key_id: AESGCM(key) for key_id, key in ring}

    def __repr__(self) -> str:
        return f"Cipher(keys={sorted(self._keys)})"

    def seal(self, plaintext: str, owner: str) -> bytes:
        """Encrypt for `owner` (the identity of the row), so that it opens in no other row."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[self._primary].encrypt(nonce, plaintext.encode(), owner.encode())
        return self._primary.encode() + b":" + nonce + sealed

    def open(self, stored: bytes, owner: str) -> str:
        """Decrypt a value sealed for `owner`; raises DecryptError."""
        key_id, _, body = bytes(stored).partition(b":")
        key = self._keys.get(key_id.decode("ascii", "replace"))
        if key is None:
            raise DecryptError("the encryption key of this value is not configured")
        try:
            return key.decrypt(body[:_NONCE_BYTES], body[_NONCE_BYTES:], owner.encode()).decode()
        except (InvalidTag, ValueError):
            raise DecryptError("the stored value is damaged or does not belong to this row") from None


def digest(token: str) -> bytes:
    """SHA-256 of a bearer: what is stored instead of it."""
    return hashlib.sha256(token.encode()).digest()


def random_text(length: int, alphabet: str = KEY_ALPHABET) -> str:
    return "".join(secrets.choice(alphabet) for _ in range(length))
