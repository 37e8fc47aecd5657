"""Every table, so that foreign keys between slices resolve wherever a model is used."""

from app.billing import models as billing
from app.catalog import models as catalog
from app.connections import models as connections
from app.core import idempotency
from app.core.db import Base
from app.deployments import log_models, models, operation_models
from app.identity import models as identity

metadata = Base.metadata

__all__ = [
    "billing",
    "catalog",
    "connections",
    "idempotency",
    "identity",
    "log_models",
    "metadata",
    "models",
    "operation_models",
]
