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
    "build": "build",
    "builder build": "build",
    "builder prune": "builder_prune",
    "image build": "build",
    "container attach": "attach",
    "commit": "commit",
    "container commit": "commit",
    "container cp": "cp",
    "cp": "cp",
    "container inspect": "container_inspect",
    "container prune": "container_prune",
    "container create": "create",
    "create": "create",
    "container diff": "diff",
    "diff": "diff",
    "events": "events",
    "system events": "events",
    "container exec": "exec",
    "exec": "exec",
    "container export": "export",
    "export": "export",
    "image history": "history",
    "history": "history",
    "image import": "import_",
    "import": "import_",
    "image inspect": "image_inspect",
    "image prune": "image_prune",
    "image ls": "images",
    "images": "images",
    "info": "info",
    "system info": "info",
    "inspect": "inspect",
    "container kill": "kill",
    "kill": "kill",
    "image load": "load",
    "load": "load",
    "login": "login",
    "logout": "logout",
    "container logs": "logs",
    "logs": "logs",
    "network connect": "network_connect",
    "network create": "network_create",
    "network disconnect": "network_disconnect",
    "network inspect": "network_inspect",
    "network ls": "network_ls",
    "network prune": "network_prune",
    "network rm": "network_rm",
    "container pause": "pause",
    "pause": "pause",
    "plugin create": "plugin_create",
    "plugin disable": "plugin_disable",
    "plugin enable": "plugin_enable",
    "plugin inspect": "plugin_inspect",
    "plugin install": "plugin_install",
    "plugin ls": "plugin_ls",
    "plugin push": "plugin_push",
    "plugin rm": "plugin_rm",
    "plugin set": "plugin_set",
    "plugin upgrade": "plugin_upgrade",
    "container port": "port",
    "port": "port",
    "container ls": "ps",
    "ps": "ps",
    "image pull": "pull",
    "pull": "pull",
    "image push": "push",
    "push": "push",
    "container rename": "rename",
    "rename": "rename",
    "container restart": "restart",
    "restart": "restart",
    "container rm": "rm",
    "rm": "rm",
    "image rm": "rmi",
    "rmi": "rmi",
    "container run": "run",
    "run": "run",
    "image save": "save",
    "save": "save",
    "search": "search",
    "container start": "start",
    "start": "start",
    "container stats": "stats",
    "stats": "stats",
    "container stop": "stop",
    "stop": "stop",
    "system df": "system_df",
    "system prune": "system_prune",
    "image tag": "tag",
    "tag": "tag",
    "container top": "top",
    "top": "top",
    "container unpause": "unpause",
    "unpause": "unpause",
    "container update": "update",
    "update": "update",
    "version": "version",
    "volume create": "volume_create",
    "volume inspect": "volume_inspect",
    "volume ls": "volume_ls",
    "volume prune": "volume_prune",
    "volume rm": "volume_rm",
    "container wait": "wait",
    "wait": "wait",
}

SYNONYMS = {
    "container list": "container ls",
    "container ps": "container ls",
    "container remove": "container rm",
    "image list": "image ls",
    "image remove": "image rm",
    "network list": "network ls",
    "network remove": "network rm",
    "plugin list": "plugin ls",
    "plugin remove": "plugin rm",
    "volume list": "volume ls",
    "volume remove": "volume rm",
}
"""Second names, which docker answers to under the first."""

GROUPS = {
    "builder": "Manage builds",
    "container": "Manage containers",
    "image": "Manage images",
    "network": "Manage networks",
    "plugin": "Manage plugins",
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
