"""What both ends of a conversation with a registry agree on."""

import base64

TOKEN_PATH = "/token"
SEARCH_PATH = "/v1/search"


def basic(name: str, password: str) -> str:
    """The `Authorization` header of basic authentication."""
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
