"""Shapes of accounts and workspaces on the wire; names are camelCase there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, TypeVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, PlainSerializer, StrictBool, ValidationError
from pydantic.alias_generators import to_camel

from app.core.clock import iso
from app.core.errors import InvalidError
from app.core.text import has_unstorable_text

Shape = TypeVar("Shape", bound="Wire")
Moment = Annotated[datetime, PlainSerializer(iso, return_type=str)]

INVALID_BODY = "Invalid request body"


class Wire(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, populate_by_name=True, from_attributes=True)


class SignUpBody(Wire):
    email: str
    password: str
    display_name: str = ""


class SignInBody(Wire):
    email: str
    password: str


class SignedIn(Wire):
    user_id: UUID
    email: str


class SignedOut(Wire):
    ok: bool = True


class WhoAmI(Wire):
    logged_in: bool
    user_id: UUID | None = None
    email: str | None = None


class UserView(Wire):
    id: UUID
    email: str
    display_name: str
    avatar_url: str


class ProfileBody(Wire):
    """`clearAvatar` counts only when it is `true`."""

    display_name: str = ""
    clear_avatar: Any = False


class TenantBody(Wire):
    name: str
    slug: str
    is_personal: StrictBool = False


class TenantEditBody(Wire):
    """`clearLogo` counts only when it is `true`."""

    name: str = ""
    slug: str = ""
    clear_logo: Any = False


class TenantView(Wire):
    id: UUID
    name: str
    slug: str
    owner_id: UUID
    is_personal: bool
    referral_code: str
    slug_chosen: bool
    logo_url: str | None
    created_at: Moment
    updated_at: Moment


class SlugQuery(Wire):
    slug: str = ""


class SlugAnswer(Wire):
    """`code` only when the slug is not available."""

    available: bool
    code: str | None = None


def read_body(shape: type[Shape], body: Any, texts: Mapping[str, str]) -> Shape:
    """The body as `shape`; raises InvalidError with the text of the first wrong or unstorable field."""
    if not isinstance(body, dict):
        raise InvalidError(INVALID_BODY)
    try:
        parsed = shape.model_validate(body)
    except ValidationError as error:
        raise InvalidError(texts.get(_first_field(error), INVALID_BODY)) from None
    for field, value in parsed.model_dump(by_alias=True, exclude_unset=True).items():
        if has_unstorable_text(value):
            raise InvalidError(texts.get(field, INVALID_BODY))
    return parsed


def _first_field(error: ValidationError) -> str:
    return str(error.errors(include_url=False, include_input=False)[0]["loc"][0])
