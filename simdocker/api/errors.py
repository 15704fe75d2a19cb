"""The errors an Engine answers with.

An `ApiError` is raised inside the actor that found the fault and turned into a `Response` at that
actor's door; it never crosses a message boundary as a Python exception. Statuses are those of the
Engine API description; messages are the Engine's own.
"""

from __future__ import annotations


class ApiError(Exception):
    """An answer other than success. `status` is the HTTP status, the one argument the message.

    SimPy rebuilds an exception as `type(e)(*e.args)`, so the message must be the only argument.
    """

    status = 500

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class NotModified(ApiError):
    """304: the container is already in the state asked for. Carries no message."""

    status = 304


class BadRequest(ApiError):
    """400: a parameter, name or body that cannot be used."""

    status = 400


class Unauthorized(ApiError):
    """401: credentials are missing or wrong."""

    status = 401


class Forbidden(ApiError):
    """403: the operation exists but is not allowed on this object."""

    status = 403


class NotFound(ApiError):
    """404: no such object."""

    status = 404


class Conflict(ApiError):
    """409: a name is taken, or the object's state forbids the operation."""

    status = 409


class TooManyRequests(ApiError):
    """429: a registry's pull rate limit."""

    status = 429


class InternalError(ApiError):
    """500: what the Engine reports when a driver or a peer failed."""

    status = 500


class Unavailable(ApiError):
    """503: the peer exists but does not serve, such as a registry in an outage."""

    status = 503
