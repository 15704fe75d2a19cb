"""The language the actors speak: requests, responses, streams, errors and Engine-API models."""

from simdocker.api.errors import (
    ApiError,
    BadRequest,
    Conflict,
    Forbidden,
    InternalError,
    NotFound,
    NotModified,
    TooManyRequests,
    Unauthorized,
    Unavailable,
)
from simdocker.api.messages import Framing, Request, Response
from simdocker.api.streams import Broken, Stream

__all__ = [
    "ApiError",
    "BadRequest",
    "Broken",
    "Conflict",
    "Forbidden",
    "Framing",
    "InternalError",
    "NotFound",
    "NotModified",
    "Request",
    "Response",
    "Stream",
    "TooManyRequests",
    "Unauthorized",
    "Unavailable",
]
