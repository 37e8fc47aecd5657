"""The shape of the template manifest (manifest.md 2 to 9); rules between fields are in `manifest_rules`."""

from typing import Any

from app.catalog.vendo_yaml import NAME_PATTERN, VARIABLE_PATTERN, WORD_PATTERN, unique_strings
from app.catalog.wizard_layout import WIZARD_LAYOUT_SCHEMA

SEMVER_PATTERN = r"^\d+\.\d+\.\d+(-[a-z0-9.-]+)?$"
ENV_KEY_PATTERN = "^[A-Za-z_][A-Za-z0-9_]*$"
PROFILES = (
    "vendo_managed_pool",
    "byok_static",
    "user_oauth",
    "oauth_app_install",
    "webhook_inbound",
    "composio_managed",
)
TOOL_TYPES = ("deployment", "downloadable", "npm", "internal")

Shape = dict[str, Any]

TEXT: Shape = {"type": "string"}
NAME: Shape = {"type": "string", "minLength": 1}
FLAG: Shape = {"type": "boolean"}
ABSOLUTE_PATH: Shape = {"type": "string", "pattern": "^/"}
SCALAR: Shape = {"type": ["string", "number", "boolean"]}
VARIABLE: Shape = {"type": "string", "pattern": VARIABLE_PATTERN}


def whole(minimum: int, maximum: int) -> Shape:
    return {"type": "integer", "minimum": minimum, "maximum": maximum}


def shape(required: tuple[str, ...] = (), **properties: Shape) -> Shape:
    return {"type": "object", "required": list(required), "properties": properties}


def array_of(items: Shape, *, minimum: int = 0) -> Shape:
    return {"type": "array", "items": items, "minItems": minimum}


SERVICE = shape(
    ("name", "role"),
    name={"type": "string", "pattern": "^[a-z][a-z0-9-]{0,30}$"},
    role={"enum": ["web", "worker", "cron", "init"]},
    image=TEXT,
    buildArtifact=TEXT,
    port=whole(1, 65535),
    startCommand=NAME,
    healthPath=ABSOLUTE_PATH,
    healthcheckTimeout=whole(1, 3600),
    env={
        "type": "object",
        "propertyNames": {"pattern": ENV_KEY_PATTERN},
        "additionalProperties": SCALAR,
    },
    volumes=array_of(shape(("mountPath",), mountPath=ABSOLUTE_PATH, sizeGB=whole(1, 1000))),
    schedule=TEXT,
    resources=shape(cpus={"type": "number", "exclusiveMinimum": 0}, memoryMB=whole(6, 1_048_576)),
)

READINESS = shape(
    ("healthPath",),
    healthPath=ABSOLUTE_PATH,
    maxRetries=whole(1, 360),
    retryIntervalSec=whole(1, 60),
    expectedBootTimeSec={"type": "integer", "minimum": 0},
)

SOURCE: Shape = {
    **shape(
        ("repo",),
        repo={"type": "string", "pattern": r"^https://[^\s/]+/\S+$"},
        ref=NAME,
        installCommand=NAME,
        buildCommand=NAME,
        outputDir=NAME,
        nodeVersion={"type": ["integer", "string"]},
        dockerfile=NAME,
        context=NAME,
    ),
    "type": ["string", "object"],
}

DATABASE = shape(
    ("name", "type"),
    name={"type": "string", "pattern": WORD_PATTERN},
    type={"enum": ["postgresql", "redis"]},
    provider={"enum": ["neon", "railway", "docker"]},
    image=TEXT,
    persist=FLAG,
    region={},
)

SECRETS: Shape = {
    "type": "object",
    "propertyNames": {"pattern": "^[a-z][a-z0-9_]*$"},
    "additionalProperties": shape(
        ("type",), type={"enum": ["random_hex", "random_base64", "uuid"]}, length=whole(8, 256)
    ),
}

INTEGRATION = shape(
    ("provider",),
    provider={"type": "string", "pattern": WORD_PATTERN},
    optional=FLAG,
    profile={"enum": list(PROFILES)},
    cardinality={"enum": ["per_deployment", "per_tenant"]},
)

USER_INPUT = shape(
    ("key",),
    key=VARIABLE,
    label=TEXT,
    description=TEXT,
    inputType={"enum": ["text", "password", "select", "number", "boolean", "textarea"]},
    default=SCALAR,
    category={"enum": ["user_required", "user_optional"]},
    options=array_of(shape(("label", "value"), label=TEXT, value=SCALAR), minimum=1),
    validations=shape(
        minLength={"type": "integer", "minimum": 0},
        maxLength={"type": "integer", "minimum": 0},
        pattern={"type": "string", "maxLength": 1000},
        min={"type": "number"},
        max={"type": "number"},
    ),
    wizardStep=TEXT,
    visibility={"enum": ["visible", "secret"]},
)

ADMIN_BOOTSTRAP = shape(
    ("authMode",),
    authMode={"enum": ["api_seed", "manual_setup", "no_auth"]},
    seedEndpoint=ABSOLUTE_PATH,
    payloadTemplate={"type": "object"},
)

CREDENTIAL_SEED = shape(
    ("endpoint", "items"),
    endpoint=ABSOLUTE_PATH,
    items=array_of(
        shape(
            ("provider", "apiKeyVar", "baseUrlVar"),
            provider={"type": "string", "pattern": WORD_PATTERN},
            apiKeyVar={"type": "string", "pattern": ENV_KEY_PATTERN},
            baseUrlVar={"type": "string", "pattern": ENV_KEY_PATTERN},
            name=TEXT,
            modalities=array_of(TEXT),
        ),
        minimum=1,
    ),
)

DEPLOY_HOOKS = shape(
    afterDeploy=array_of(
        shape(("kind",), kind={"enum": ["telegram_set_webhook"]}, args={"type": "object"}),
    )
)

CATALOG_BLOCK = shape(
    description=TEXT,
    category=NAME,
    tool_type={"enum": list(TOOL_TYPES)},
    auth_mode={"type": ["string", "null"]},
    icon_url={"type": ["string", "null"]},
    enabled=FLAG,
    featured=FLAG,
    usage_category=NAME,
    allowed_callback_patterns=array_of(TEXT),
    surface_all_connections=FLAG,
    supported_connections=unique_strings(WORD_PATTERN),
    marketing={"type": "object"},
)

MANIFEST_SCHEMA = shape(
    ("slug", "name", "version", "services", "readiness", "integrations"),
    slug={"type": "string", "pattern": NAME_PATTERN},
    name={"type": "string", "minLength": 1, "maxLength": 100},
    version={"type": "string", "pattern": SEMVER_PATTERN, "maxLength": 100},
    description=TEXT,
    services=array_of(SERVICE, minimum=1),
    readiness=READINESS,
    integrations=array_of(INTEGRATION),
    source=SOURCE,
    databases=array_of(DATABASE),
    secrets=SECRETS,
    r2Storage=FLAG,
    userInputs=array_of(USER_INPUT),
    wizardLayout=WIZARD_LAYOUT_SCHEMA,
    adminBootstrap=ADMIN_BOOTSTRAP,
    bootstrap_admin=FLAG,
    appCredentialSeed=CREDENTIAL_SEED,
    deployHooks=DEPLOY_HOOKS,
    previousVersions=array_of({"type": "string", "pattern": SEMVER_PATTERN}),
    computeProvider=TEXT,
    vendoAuth=FLAG,
    serviceStartOrder=array_of(TEXT),
    requiredEnv=unique_strings(VARIABLE_PATTERN),
    restartOn=unique_strings(WORD_PATTERN),
    templateVersion={},
    catalog=CATALOG_BLOCK,
)
