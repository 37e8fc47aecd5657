import re
import secrets

import pytest

from app.core.crypto import KEY_ALPHABET, Cipher, DecryptError, digest, random_text

OLD, NEW = ("old", secrets.token_bytes(32)), ("new", secrets.token_bytes(32))


@pytest.fixture
def cipher() -> Cipher:
    return Cipher((OLD,))


@pytest.mark.parametrize("text", ["", "secret", "grüße 🚀", "x" * 100_000, "a:b:c"])
def test_what_was_sealed_opens_for_its_row(cipher, text):
    assert cipher.open(cipher.seal(text, "env:1:KEY"), "env:1:KEY") == text


def test_a_value_opens_in_no_other_row(cipher):
    with pytest.raises(DecryptError):
        cipher.open(cipher.seal("secret", "env:1:KEY"), "env:2:KEY")


def test_another_key_of_the_same_name_opens_nothing(cipher):
    stored = cipher.seal("secret", "row")
    with pytest.raises(DecryptError):
        Cipher((("old", secrets.token_bytes(32)),)).open(stored, "row")


def test_a_key_that_is_not_configured_is_said_so(cipher):
    with pytest.raises(DecryptError, match="not configured"):
        Cipher((NEW,)).open(cipher.seal("secret", "row"), "row")


def test_rotation_seals_with_the_first_key_and_opens_with_all(cipher):
    ring = Cipher((NEW, OLD))
    assert ring.open(cipher.seal("from before", "row"), "row") == "from before"
    assert ring.seal("now", "row").startswith(b"new:")
    with pytest.raises(DecryptError):
        cipher.open(ring.seal("now", "row"), "row")


@pytest.mark.parametrize(
    "damage",
    [
        lambda stored: b"",
        lambda stored: b"old",
        lambda stored: b"old:",
        lambda stored: b"old:short",
        lambda stored: stored[:-1],
        lambda stored: stored[:20],
        lambda stored: stored[:-1] + bytes([stored[-1] ^ 1]),
        lambda stored: b"\xff" + stored,
    ],
)
def test_damage_is_a_decrypt_error(cipher, damage):
    with pytest.raises(DecryptError):
        cipher.open(damage(cipher.seal("secret", "row")), "row")


def test_a_memoryview_of_the_driver_opens(cipher):
    assert cipher.open(memoryview(cipher.seal("secret", "row")), "row") == "secret"


def test_the_same_text_never_seals_to_the_same_bytes(cipher):
    assert len({cipher.seal("secret", "row") for _ in range(100)}) == 100


def test_a_cipher_shows_key_names_only(cipher):
    assert repr(cipher) == "Cipher(keys=['old'])"


def test_errors_do_not_hold_the_plaintext(cipher):
    with pytest.raises(DecryptError) as caught:
        cipher.open(cipher.seal("hunter2", "row"), "other")
    assert "hunter2" not in repr(caught.value)
    assert caught.value.__cause__ is None


def test_a_digest_is_sha256_of_the_whole_bearer():
    assert digest("abc").hex() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_random_text_has_its_length_and_alphabet():
    texts = {random_text(32) for _ in range(200)}
    assert len(texts) == 200
    assert all(re.fullmatch(rf"[{KEY_ALPHABET}]{{32}}", text) for text in texts)
