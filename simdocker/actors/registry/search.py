"""Docker Hub's search: what `docker search` asks for. Descriptions and stars are those of the real
images at the time of writing, rounded; they are what a person sees, and nothing depends on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from simdocker.api import Request, Response

DESCRIBED: dict[str, tuple[str, int]] = {
    "alpine": (
        "A minimal Docker image based on Alpine Linux with a complete package index and only 5 MB in size!",
        11000,
    ),
    "busybox": ("Busybox base image.", 3400),
    "hello-world": ("Hello World! (an example of minimal Dockerization)", 2400),
    "httpd": ("The Apache HTTP Server Project", 4800),
    "nginx": ("Official build of Nginx.", 20000),
    "node": ("Node.js is a JavaScript-based platform for server-side and networking applications.", 13000),
    "postgres": ("The PostgreSQL object-relational database system provides reliability and data integrity.", 14000),
    "python": ("Python is an interpreted, interactive, object-oriented, open-source programming language.", 10000),
    "redis": ("Redis is the world’s fastest data platform for caching, vector search, and NoSQL databases.", 13000),
    "ubuntu": ("Ubuntu is a Debian-based Linux operating system based on free software.", 17000),
}


def answer(request: Request, repositories: Iterable[str]) -> Response:
    """`GET /v1/search?q=TERM&n=LIMIT`: names or descriptions that contain the term, most stars first."""
    term = request.query.get("q", "").lower().removeprefix("library/")
    found: list[dict[str, Any]] = []
    for repository in repositories:
        name = repository.removeprefix("library/")
        description, stars = DESCRIBED.get(name, ("", 0))
        if term in name or term in description.lower():
            found.append(
                {
                    "name": name,
                    "description": description,
                    "star_count": stars,
                    "is_official": repository != name,
                    "is_automated": False,
                }
            )
    found.sort(key=lambda result: (result["name"] != term, -result["star_count"]))
    limit = int(request.query.get("n", "25"))
    return Response(200, {"query": term, "num_results": len(found), "results": found[:limit]})
