"""A registry on this machine's loopback that has a scenario's images: what an engine pulls them from.

The Distribution API's reading half: manifests by tag and digest, blobs by digest. It runs on a thread of its own, since
an engine may ask while the play waits for that engine.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Mapping

from aiohttp import web

from simdocker.content.blob import Blob

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
API = {"Docker-Distribution-Api-Version": "registry/2.0"}
DENIED = {"code": "DENIED", "message": "requested access to the resource is denied", "detail": None}
UNKNOWN = {"code": "MANIFEST_UNKNOWN", "message": "manifest unknown", "detail": None}

Find = Callable[[str, str], "Blob | None"]
"""The manifest of a repository's tag; None when it has none."""


class Front:
    """Serves until `close`. `has` knows the repositories, `manifest` finds a tag's, `blobs` are all by digest."""

    def __init__(self, has: Callable[[str], bool], manifest: Find, blobs: Mapping[str, Blob]) -> None:
        self._has, self._manifest, self._blobs = has, manifest, blobs
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._runner, self.address = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def close(self) -> None:
        """Listen no more."""
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> tuple[web.AppRunner, str]:
        app = web.Application()
        app.router.add_get("/v2/", self._version)
        app.router.add_get("/v2/{name:.+}/manifests/{reference}", self._get_manifest)
        app.router.add_get("/v2/{name:.+}/blobs/{digest}", self._get_blob)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        host, port = runner.addresses[0][:2]
        return runner, f"{host}:{port}"

    async def _version(self, _request: web.Request) -> web.Response:
        return web.json_response({}, headers=API)

    async def _get_manifest(self, request: web.Request) -> web.Response:
        name, reference = request.match_info["name"], request.match_info["reference"]
        if not self._has(name):
            return _refused(404, DENIED)
        manifest = self._blobs.get(reference) if ":" in reference else self._manifest(name, reference)
        if manifest is None:
            return _refused(404, UNKNOWN)
        headers = {**API, "Docker-Content-Digest": manifest.sha256}
        return web.Response(body=bytes(manifest), content_type=MANIFEST, headers=headers)

    async def _get_blob(self, request: web.Request) -> web.StreamResponse:
        blob = self._blobs.get(request.match_info["digest"])
        if blob is None:
            return _refused(404, UNKNOWN)
        answer = web.StreamResponse(headers={**API, "Content-Length": str(blob.size)})
        answer.content_type = "application/octet-stream"
        await answer.prepare(request)
        for block in blob.blocks():
            await answer.write(block)
        await answer.write_eof()
        return answer


def _refused(status: int, error: Mapping[str, object]) -> web.Response:
    return web.Response(status=status, text=json.dumps({"errors": [error]}), content_type="application/json")
