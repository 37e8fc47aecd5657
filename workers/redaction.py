"""Keeps a deployment's secrets out of what is stored about it, in plain, base64 and URL form."""

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

# Shorter values are words: blanking them would blank the log.
_SHORTEST = 6
_MASK = "***"


class Redactor:
    """Replaces every known secret in a text; its repr shows nothing."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets if len(secret) >= _SHORTEST for form in _forms(secret)}
        # Longest first, so that a secret inside another does not leave its rest behind.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(re.escape(form) for form in ordered)) if ordered else None

    def clean(self, text: str) -> str:
        return self._pattern.sub(_MASK, text) if self._pattern else text

    def __repr__(self) -> str:
        return "Redactor()"


def _forms(secret: str) -> Iterable[str]:
    raw = secret.encode()
    encoded = base64.b64encode(raw).decode().rstrip("=")
    lines = [line for line in secret.splitlines() if len(line) >= _SHORTEST]
    return {
        secret,
        encoded,
        encoded.replace("+", "-").replace("/", "_"),
        quote(secret, ""),
        quote_plus(secret),
        *lines,
    }
