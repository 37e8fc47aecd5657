"""Shapes of the deploy endpoints: camelCase, `null` is no value for an optional field."""

from typing import Annotated, Any
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictBool,
    StrictFloat,
    StrictInt,
    StrictStr,
)

VariableValue = Annotated[StrictStr, Field(max_length=10_000)] | StrictBool | StrictInt | StrictFloat
VariableName = Annotated[StrictStr, Field(pattern=r"^[A-Z][A-Z0-9_]*$", max_length=128)]


def _uuid_text(value: str) -> str:
    UUID(value)
    return value


UuidText = Annotated[StrictStr, Field(max_length=45), AfterValidator(_uuid_text)]


class DeployRequest(BaseModel):
    """deploy.md 1.2."""

    model_config = ConfigDict(str_strip_whitespace=False)

    tool_slug: Annotated[StrictStr, Field(alias="toolSlug", min_length=1, max_length=100)]
    tenant_slug: Annotated[StrictStr, Field(alias="tenantSlug", min_length=1, max_length=100)]
    deployment_slug: Annotated[StrictStr, Field(alias="deploymentSlug", max_length=63)] = ""
    deployment_name: Annotated[StrictStr, Field(alias="deploymentName", max_length=100)] = ""
    admin_password: Annotated[StrictStr, Field(alias="adminPassword", max_length=200, repr=False)] = ""
    user_variables: Annotated[
        dict[VariableName, VariableValue], Field(alias="userVariables", max_length=200, repr=False)
    ] = {}
    bindings: Annotated[list[StrictStr], Field(max_length=100)] = []
    selected_bindings: Annotated[dict[StrictStr, UuidText], Field(alias="selectedBindings")] = {}
    pending_bindings: Annotated[
        dict[StrictStr, dict[str, Any]], Field(alias="pendingBindings", repr=False)
    ] = {}
    user_input: Annotated[dict[str, Any], Field(alias="userInput", repr=False)] = {}


class DeployAccepted(BaseModel):
    deploymentId: str  # noqa: N815


class ServiceView(BaseModel):
    name: str
    role: str
    state: str
    image: str
    restarts: int
    startedAt: str | None  # noqa: N815


class DeploymentSummary(BaseModel):
    """The fields marked S in deploy.md 3.1."""

    id: str
    tenantId: str  # noqa: N815
    tenantSlug: str  # noqa: N815
    toolId: str  # noqa: N815
    toolSlug: str  # noqa: N815
    toolName: str  # noqa: N815
    appId: str | None  # noqa: N815
    deploymentSlug: str  # noqa: N815
    deploymentName: str  # noqa: N815
    subdomain: str
    url: str
    status: str
    healthStatus: str  # noqa: N815
    progress: int
    currentStep: str | None  # noqa: N815
    updateAvailable: bool  # noqa: N815
    restartRequired: bool  # noqa: N815
    vendoAuth: bool  # noqa: N815
    isTest: bool  # noqa: N815
    createdAt: str  # noqa: N815
    updatedAt: str  # noqa: N815


class DeploymentDetail(DeploymentSummary):
    errorStep: str | None  # noqa: N815
    errorMessage: str | None  # noqa: N815
    bundleVersion: str | None  # noqa: N815
    deployedTemplateVersion: str | None  # noqa: N815
    previousTemplateVersion: str | None  # noqa: N815
    latestTemplateVersion: str | None  # noqa: N815
    computeProvider: str  # noqa: N815
    suspensionReason: str | None  # noqa: N815
    suspendedAt: str | None  # noqa: N815
    destroyAfter: str | None  # noqa: N815
    readyAt: str | None  # noqa: N815
    destroyedAt: str | None  # noqa: N815
    lastHealthCheckAt: str | None  # noqa: N815
    autoUpdatePausedAt: str | None  # noqa: N815
    consecutiveFailures: int  # noqa: N815
    attempt: int
    services: list[ServiceView]


class DeploymentPage(BaseModel):
    deployments: list[DeploymentSummary]
    nextCursor: str | None  # noqa: N815


class DeploymentAnswer(BaseModel):
    deployment: DeploymentDetail


class ListQuery(BaseModel):
    """Documentation of the list's parameters; the service parses repeated values itself."""

    status: str = ""
    toolSlug: str = ""  # noqa: N815
    includeDestroyed: str = ""  # noqa: N815
    limit: int = 50
    cursor: str = ""


class LogQuery(BaseModel):
    source: str = "deploy"
    step: str = ""
    level: str = ""
    attempt: int = 0
    workflow: str = ""
    service: str = ""
    stream: str = ""
    since: str = ""
    until: str = ""
    q: str = ""
    limit: int = 200
    cursor: str = ""
    order: str = "asc"
    follow: str = ""


class LogPage(BaseModel):
    source: str
    logs: list[dict[str, Any]]
    nextCursor: str | None  # noqa: N815


class ActionAccepted(BaseModel):
    ok: bool
    deploymentId: str  # noqa: N815
    status: str


class NoBody(BaseModel):
    """An action without fields; unknown ones are ignored."""


class DestroyRequest(BaseModel):
    confirm: StrictStr | None = None
