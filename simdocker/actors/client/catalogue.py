"""Which words of a docker command line lead to which module of `commands/`.

Most commands answer to two forms, the old (`docker ps`) and the management form (`docker container
ls`); both are one module, whose one `Command` carries the module's name.
A module is imported when its words are first typed.
"""

from __future__ import annotations

from simdocker.actors.client.command import Command

COMMANDS = {
    # words: module
    "attach": "attach",
    "container attach": "attach",
    "create": "create",
    "container create": "create",
    "events": "events",
    "system events": "events",
    "exec": "exec",
    "container exec": "exec",
    "images": "images",
    "image ls": "images",
    "info": "info",
    "system info": "info",
    "inspect": "inspect",
    "container inspect": "container_inspect",
    "image inspect": "image_inspect",
    "kill": "kill",
    "container kill": "kill",
    "login": "login",
    "logout": "logout",
    "logs": "logs",
    "container logs": "logs",
    "network connect": "network_connect",
    "network create": "network_create",
    "network disconnect": "network_disconnect",
    "network inspect": "network_inspect",
    "network ls": "network_ls",
    "network prune": "network_prune",
    "network rm": "network_rm",
    "pause": "pause",
    "container pause": "pause",
    "port": "port",
    "container port": "port",
    "ps": "ps",
    "container ls": "ps",
    "pull": "pull",
    "image pull": "pull",
    "push": "push",
    "image push": "push",
    "rename": "rename",
    "container rename": "rename",
    "restart": "restart",
    "container restart": "restart",
    "rm": "rm",
    "container rm": "rm",
    "rmi": "rmi",
    "image rm": "rmi",
    "run": "run",
    "container run": "run",
    "search": "search",
    "start": "start",
    "container start": "start",
    "stop": "stop",
    "container stop": "stop",
    "tag": "tag",
    "image tag": "tag",
    "top": "top",
    "container top": "top",
    "unpause": "unpause",
    "container unpause": "unpause",
    "version": "version",
    "volume create": "volume_create",
    "volume inspect": "volume_inspect",
    "volume ls": "volume_ls",
    "volume prune": "volume_prune",
    "volume rm": "volume_rm",
    "wait": "wait",
    "container wait": "wait",
}

SYNONYMS = {
    "container list": "container ls",
    "container ps": "container ls",
    "container remove": "container rm",
    "image list": "image ls",
    "image remove": "image rm",
    "network list": "network ls",
    "network remove": "network rm",
    "volume list": "volume ls",
    "volume remove": "volume rm",
}
"""Second names, which docker answers to under the first."""

GROUPS = {
    "container": "Manage containers",
    "image": "Manage images",
    "network": "Manage networks",
    "system": "Manage Docker",
    "volume": "Manage volumes",
}


def load(words: str) -> Command:
    """The command that the words of `COMMANDS` lead to."""
    from importlib import import_module

    name = COMMANDS[words]
    module = import_module(f"simdocker.actors.client.commands.{name}")
    command = getattr(module, name)
    assert isinstance(command, Command)
    return command
