"""nginx: a web server behind an entrypoint that prepares its configuration."""

from __future__ import annotations

from functools import partial

from simdocker.actors.registry.catalogue import alpine, debian
from simdocker.actors.registry.catalogue.debian import files
from simdocker.actors.registry.catalogue.parts import PATH, program, script, text
from simdocker.api.models import ContainerConfig
from simdocker.content.changeset import Node, directory, file, put, symlink, total_size
from simdocker.content.image import Image, Layer, bulk

INDEX = """\
<!DOCTYPE html>
<html>
<head>
<title>Welcome to nginx!</title>
<style>
html { color-scheme: light dark; }
body { width: 35em; margin: 0 auto;
font-family: Tahoma, Verdana, Arial, sans-serif; }
</style>
</head>
<body>
<h1>Welcome to nginx!</h1>
<p>If you see this page, the nginx web server is successfully installed and
working. Further configuration is required.</p>

<p>For online documentation and support please refer to
<a href="http://nginx.org/">nginx.org</a>.<br/>
Commercial support is available at
<a href="http://nginx.com/">nginx.com</a>.</p>

<p><em>Thank you for using nginx.</em></p>
</body>
</html>
"""
ERROR = """\
<!DOCTYPE html>
<html>
<head>
<title>Error</title>
</head>
<body>
<h1>An error occurred.</h1>
</body>
</html>
"""
DEFAULT_CONF = """\
server {
    listen       80;
    server_name  localhost;

    location / {
        root   /usr/share/nginx/html;
        index  index.html index.htm;
    }

    error_page   500 502 503 504  /50x.html;
    location = /50x.html {
        root   /usr/share/nginx/html;
    }
}
"""
NGINX_CONF = """\
user  nginx;
worker_processes  auto;

error_log  /var/log/nginx/error.log notice;
pid        /var/run/nginx.pid;

events {
    worker_connections  1024;
}

http {
    include       /etc/nginx/mime.types;
    default_type  application/octet-stream;
    access_log  /var/log/nginx/access.log  main;
    sendfile        on;
    keepalive_timeout  65;
    include /etc/nginx/conf.d/*.conf;
}
"""
SCRIPTS = {  # the other scripts of /docker-entrypoint.d do nothing without their variables
    "10-listen-on-ipv6-by-default.sh": text("nginx-listen-on-ipv6.sh"),
    "15-local-resolvers.envsh": "# NGINX_ENTRYPOINT_LOCAL_RESOLVERS is not set\n",
    "20-envsubst-on-templates.sh": "#!/bin/sh\nexit 0\n",
    "30-tune-worker-processes.sh": "#!/bin/sh\nexit 0\n",
}
LABELS = {"maintainer": "NGINX Docker Maintainers <docker-maint@nginx.com>"}

RELEASES = (  # tags, version, date
    (("latest", "1", "1.27", "1.27.3", "mainline", "bookworm"), "1.27.3", "2024-11-26T18:42:08Z"),
    (("stable", "1.26", "1.26.2", "stable-bookworm"), "1.26.2", "2024-08-14T21:31:12Z"),
    (("1.25", "1.25.5"), "1.25.5", "2024-04-16T16:37:21Z"),
)


def images() -> dict[str, Image]:
    """The repository's tags."""
    tags: dict[str, Image] = {}
    for names, version, created in RELEASES:
        server = Layer(
            partial(_server, version, 117_300_000, 1_100), 43_945_012,
            "RUN /bin/sh -c set -x && groupadd --system --gid 101 nginx && apt-get install … nginx # buildkit", created,
        )  # fmt: skip
        tags.update(dict.fromkeys(names, _image([debian.slim(), 'CMD ["bash"]', server], version, created)))
    _, version, created = RELEASES[0]
    server = Layer(
        partial(_server, version, 39_100_000, 420), 15_541_760, "RUN /bin/sh -c set -x && apk add nginx … # buildkit",
        created,
    )  # fmt: skip
    small = _image([alpine.base("3.20.5"), server], version, created)
    return tags | dict.fromkeys(("alpine", "1.27-alpine", "mainline-alpine"), small)


def _image(base: list[Layer | str], version: str, created: str) -> Image:
    scripts = [
        files(size, f"COPY {name} /docker-entrypoint.d # buildkit",
              {f"/docker-entrypoint.d/{name}": file(SCRIPTS[name], 0o755)}, modified=created)
        for size, name in zip((955, 404, 1_210, 1_398), SCRIPTS, strict=True)
    ]  # fmt: skip
    entrypoint = files(
        629, "COPY docker-entrypoint.sh / # buildkit", {"/docker-entrypoint.sh": script("nginx.sh")},
        modified=created,
    )  # fmt: skip
    command = ["nginx", "-g", "daemon off;"]
    config = ContainerConfig(
        Env=[PATH, f"NGINX_VERSION={version}", "NJS_VERSION=0.8.7", "NJS_RELEASE=1~bookworm", "PKG_RELEASE=1~bookworm",
             "DYNPKG_RELEASE=1~bookworm"],
        Cmd=command, Entrypoint=["/docker-entrypoint.sh"], ExposedPorts={"80/tcp": {}}, Labels=LABELS,
        StopSignal="SIGQUIT",
    )  # fmt: skip
    steps = [
        *base[:-1], f"LABEL maintainer={LABELS['maintainer']}", f"ENV NGINX_VERSION={version}", base[-1], entrypoint,
        *scripts, 'ENTRYPOINT ["/docker-entrypoint.sh"]', "EXPOSE map[80/tcp:{}]", "STOPSIGNAL SIGQUIT",
        'CMD ["nginx" "-g" "daemon off;"]',
    ]  # fmt: skip
    return Image(steps, config, created=created)


def _server(version: str, size: int, count: int) -> Node:
    root = directory()
    put(root, "/usr/sbin/nginx", program(1_522_784, "nginx"))
    for tool, model in (("curl", "curl"), ("wget", "busybox")):
        put(root, f"/usr/bin/{tool}", program(285_680, model))
    put(root, "/etc/nginx/nginx.conf", file(NGINX_CONF))
    put(root, "/etc/nginx/conf.d/default.conf", file(DEFAULT_CONF))
    put(root, "/etc/nginx/mime.types", file("types {\n    text/html  html htm shtml;\n    text/css  css;\n}\n"))
    put(root, "/usr/share/nginx/html/index.html", file(INDEX))
    put(root, "/usr/share/nginx/html/50x.html", file(ERROR))
    put(root, "/var/log/nginx/access.log", symlink("/dev/stdout"))
    put(root, "/var/log/nginx/error.log", symlink("/dev/stderr"))
    put(root, "/var/cache/nginx", directory())
    put(root, "/etc/passwd", file(debian.PASSWD + "nginx:x:101:101:nginx user:/nonexistent:/bin/false\n"))
    put(root, "/etc/group", file(debian.GROUP + "nginx:x:101:\n"))
    bulk(root, f"/usr/share/nginx-{version}", size - total_size(root), count)
    return root
