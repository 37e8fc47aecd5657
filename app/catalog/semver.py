"""Order of release versions, by the rules of semantic versioning."""

from functools import total_ordering


@total_ordering
class Version:
    """A version such as 1.2.0 or 1.2.0-rc.1; a pre-release comes before its release."""

    def __init__(self, text: str) -> None:
        core, _, tail = text.partition("-")
        self._numbers = tuple(int(part) for part in core.split("."))
        # Numbers sort before words, and fewer parts before more.
        self._tail = tuple((0, int(part), "") if part.isdigit() else (1, 0, part) for part in tail.split("."))
        self._is_release = not tail

    def _key(self) -> tuple[object, ...]:
        return (self._numbers, self._is_release, self._tail)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._key() == other._key()

    def __lt__(self, other: "Version") -> bool:
        return self._key() < other._key()

    def __hash__(self) -> int:
        return hash(self._key())
