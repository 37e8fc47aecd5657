"""What the query strings of deployments share: how a bad parameter is refused (deploy.md 3.7)."""

from collections.abc import Iterable, Mapping

from app.core.errors import InvalidError
from app.core.text import has_unstorable_text


def refuse_parameter(name: str) -> InvalidError:
    return InvalidError(f"Bad value for {name}", code="INVALID_QUERY", extras={"param": name})


def check_parameters(args: Mapping[str, Iterable[str]]) -> None:
    """Refuse text that no stored row can hold; raises InvalidError INVALID_QUERY naming the parameter."""
    for name, values in args.items():
        if has_unstorable_text(list(values)):
            raise refuse_parameter(name)
