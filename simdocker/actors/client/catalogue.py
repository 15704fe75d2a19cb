"""Which words of a docker command line lead to which module of `commands/`.

Most commands answer to two forms, the old (`docker ps`) and the management form (`docker container
ls`); both are one module, whose one `Command` carries the module's name.
A module is imported when its words are first typed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    "context create": "context_create",
    "context export": "context_export",
    "context import": "context_import",
    "context inspect": "context_inspect",
    "context ls": "context_ls",
    "context rm": "context_rm",
    "context show": "context_show",
    "context update": "context_update",
    "context use": "context_use",
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
    "manifest annotate": "manifest_annotate",
    "manifest create": "manifest_create",
    "manifest inspect": "manifest_inspect",
    "manifest push": "manifest_push",
    "manifest rm": "manifest_rm",
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
    "trust inspect": "trust_inspect",
    "trust key generate": "trust_key_generate",
    "trust key load": "trust_key_load",
    "trust revoke": "trust_revoke",
    "trust sign": "trust_sign",
    "trust signer add": "trust_signer_add",
    "trust signer remove": "trust_signer_remove",
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
    "volume update": "volume_update",
    "container wait": "wait",
    "wait": "wait",
}

SYNONYMS = {
    "container list": "container ls",
    "container ps": "container ls",
    "container remove": "container rm",
    "context list": "context ls",
    "context remove": "context rm",
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
    "context": "Manage contexts",
    "image": "Manage images",
    "manifest": "Manage Docker image manifests and manifest lists",
    "network": "Manage networks",
    "plugin": "Manage plugins",
    "system": "Manage Docker",
    "trust": "Manage trust on Docker images",
    "trust key": "Manage keys for signing Docker images",
    "trust signer": "Manage entities who can sign Docker images",
    "volume": "Manage volumes",
}

TOO_NEW = ("volume update",)
"""What a daemon here is too old for, and help leaves out."""

LONG = {
    "manifest": """\
The **docker manifest** command has subcommands for managing image manifests and
manifest lists. A manifest list allows you to use one name to refer to the same image
built for multiple architectures.

To see help for a subcommand, use:

    docker manifest CMD --help

For full details on using docker manifest lists, see the registry v2 specification.

EXPERIMENTAL:
  docker manifest is an experimental feature.
  Experimental features provide early access to product functionality. These
  features may change between releases without warning, or can be removed from a
  future release. Learn more about experimental features in our documentation:
  https://docs.docker.com/go/experimental/""",
}
"""What help says of a group, where that is more than what it says beside its name."""


def load(words: str) -> Command:
    """The command that the words of `COMMANDS` lead to."""
    from importlib import import_module

    name = COMMANDS[words]
    module = import_module(f"simdocker.actors.client.commands.{name}")
    command: Command = getattr(module, name)
    return command
