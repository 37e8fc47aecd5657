"""Which headers cross the edge, in either direction (provider-proxy.md 7, identity-tenants.md 7)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.identity.principals import SESSION_COOKIE

Pairs = Iterable[tuple[str, str]]

PROXY_COOKIE = "vendo_proxy_session"
_OWN_COOKIE = rf"(?:{SESSION_COOKIE}|{PROXY_COOKIE}|vendo_oauth_[^=;,\s]*)"
# Two Cookie headers arrive joined by a comma, hence both separators.
_OWN_COOKIE_PAIR = re.compile(rf"(?:^|(?<=[;,]))\s*{_OWN_COOKIE}\s*=[^;,]*(?:[;,]|$)")
_OWN_COOKIE_NAME = re.compile(_OWN_COOKIE)

_HOP_BY_HOP = frozenset(
    {
        "connection",
        "expect",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# No header may tell a tool where its visitor is, or be mistaken for an identity that Berth verified.
_NEVER_SENT = frozenset(
    {
        "host",
        "cf-ipcountry",
        "cf-ray",
        "cf-visitor",
        "forwarded",
        "x-real-ip",
        "x-client-ip",
        "true-client-ip",
    }
)
_NEVER_SENT_PREFIXES = ("x-vendo-", "x-forwarded-", "cf-connecting-")


@dataclass(frozen=True)
class Visit:
    """How the visitor addressed the tool."""

    host: str
    scheme: str
    prefix: str


def to_request_headers(incoming: Pairs, target: str, visit: Visit) -> dict[str, str]:
    """What the tool receives: the visitor's headers without identity, address, and Berth's cookies."""
    kept = {name: value for name, value in _end_to_end(incoming) if not _is_withheld(name)}
    cookies = drop_own_cookies(kept.pop("Cookie", ""))
    if cookies:
        kept["Cookie"] = cookies
    added = {"Host": target, "X-Forwarded-Proto": visit.scheme, "X-Forwarded-Host": visit.host}
    if visit.prefix:
        added["X-Forwarded-Prefix"] = visit.prefix
    return kept | added


def to_response_headers(incoming: Pairs, visit: Visit) -> list[tuple[str, str]]:
    """What the visitor receives: the tool's headers without hop-by-hop ones and cookies it may not set."""
    host = re.sub(r":\d+$", "", visit.host).lower()
    return [
        (name, value)
        for name, value in _end_to_end(incoming)
        if name.lower() != "set-cookie" or _may_set(value, host)
    ]


def drop_own_cookies(value: str) -> str:
    """A Cookie header without Berth's own cookies."""
    return _OWN_COOKIE_PAIR.sub("", value).strip(" ;,")


def _end_to_end(headers: Pairs) -> Iterator[tuple[str, str]]:
    pairs = list(headers)
    named = ",".join(value for name, value in pairs if name.lower() == "connection").lower().split(",")
    hop_by_hop = _HOP_BY_HOP | {name.strip() for name in named}
    return ((name, value) for name, value in pairs if name.lower() not in hop_by_hop)


def _is_withheld(name: str) -> bool:
    # Many servers read `_` and `-` as one, so a tool would take either spelling for the real header.
    plain = name.lower().replace("_", "-")
    return plain in _NEVER_SENT or plain.startswith(_NEVER_SENT_PREFIXES)


def _may_set(set_cookie: str, host: str) -> bool:
    pair, *attributes = set_cookie.split(";")
    if _OWN_COOKIE_NAME.fullmatch(pair.partition("=")[0].strip()):
        return False
    names = (item.partition("=") for item in attributes)
    domains = [
        value.strip().strip(".").lower() for name, _, value in names if name.strip().lower() == "domain"
    ]
    return all(domain in {"", host} for domain in domains)
