"""What a random sequence of docker commands is made of: a grammar of shell lines, with good and bad arguments.

A word in angle brackets that has an entry in `WORDS` stands for any of its alternatives; one that is written
several times is taken more often. hypothesis draws which, and takes a sequence that fails apart: the
first alternative is the simplest. Nothing here may depend on chance or on who is quicker: a container runs until it
is stopped, or ends at once.
"""

from __future__ import annotations

import re

from hypothesis import strategies as st

_WORD = re.compile(r"<([a-z-]+)>")

WORDS: dict[str, tuple[str, ...]] = {
    # Names. None of the containers' could begin an id.
    "own": ("web", "sql", "box"),
    "container": (*3 * ("web", "sql", "box"), "nosuch"),
    "network": ("front", "front", "back", "back", "nosuch", "bridge"),
    "own-network": ("front", "back"),
    "volume": ("data", "data", "logs", "nosuch"),
    "image": (
        *4 * ("busybox",), "alpine", "alpine:latest", "mine:1", "mine:1", "other", "nosuch", "busybox:nosuch", "BAD",
    ),
    "present": ("busybox", "busybox", "alpine"),
    "target": ("mine:1", "mine:1", "mine", "other", "UP:1", "a:b:c", "team/mine:1"),
    # What containers run.
    "lasting": ("sleep 1000",),
    "quick": (
        "true", "false", "echo hello", "sh -c 'exit 3'", "sh -c 'echo out; echo err >&2; exit 7'", "nosuchcommand",
        "/etc/passwd", "id", "env", "hostname", "cat /etc/hosts", "ls -l /etc/passwd /data", "sh -c 'kill -9 $$'",
        "cat", "pwd", "touch /data/made", "sh -c 'echo kept > /data/f; cat /data/f'",
    ),
    "command": (*6 * ("<lasting>",), *5 * ("<quick>",), "sh -c 'trap \"exit 5\" TERM; sleep 1000 & wait'"),
    # Options of run and create.
    "options": ("", "", "<option>", "<option>", "<option> <option>", "<option> <option> <option>"),
    "option": (
        "-e A=1", "-e A", "-e A=", "-l team=a", "-l team=b -l k", "-w /tmp", "-w relative", "-u nobody",
        "-u 1000:1000", "-u nosuchuser", "--rm", "--read-only", "--hostname h1", "--domainname d", "-v data:/data",
        "-v logs:/data:ro", "-v data:/data:nocopy", "-v /anon", "-v data:/data -v data:/data", "-v data:/data:bogus",
        "-v data:relative", "-v b@d:/data", "-v /tmp/absent-on-host:/data:ro,rw", "-v /etc:/",
        "--mount type=volume,src=logs,dst=/l", "--mount type=volume,dst=/l,readonly", "--mount type=bogus,dst=/l",
        "--mount type=tmpfs,dst=/t", "--mount type=tmpfs,dst=/t,tmpfs-size=1m",
        "--mount type=bind,src=/nosuch,dst=/b", "--mount type=volume,src=data", "--mount dst=/x,bogus=1",
        "--tmpfs /scratch", "--tmpfs /scratch:size=1m,ro", "--volumes-from web", "--volumes-from sql:ro",
        "--volumes-from nosuch", "--volumes-from web:bogus", "--network front", "--network front", "--network back",
        "--network none", "--network host", "--network nosuch", "--network container:web",
        "--network container:nosuch", "--network bridge", "--network front --network-alias al",
        "--network front --ip 10.9.0.9", "--network-alias al", "--ip 10.9.0.9", "--link web", "--link web:w",
        "--link nosuch:w", "--dns 8.8.8.8", "--dns bogus", "--add-host a:1.2.3.4", "--add-host bogus",
        "--mac-address 02:42:0a:00:00:09", "--mac-address bogus", "-p 80", "-p 8081:80", "-p 8081:80/udp",
        "-p 127.0.0.1:8082:81", "-p 8083-8084:83-84", "-p 8083-8085:83", "-p 70000:1", "-p bogus", "-p 80/bogus",
        "--expose 80", "--expose 70-71/udp", "--expose bogus", "-P", "--restart no", "--restart on-failure:2",
        "--restart bogus", "--restart on-failure:-1", "--restart no:3", "--stop-signal USR1", "--stop-signal BOGUS",
        "--stop-timeout 1", "-m 64m", "-m 1m", "-m bogus", "-m 64m --memory-swap 128m", "--memory-swap 1m",
        "--memory-reservation 32m", "--cpus 0.5", "--cpus 99", "--cpus x", "--cpu-shares 512", "--cpuset-cpus 0",
        "--cpuset-cpus 77", "--pids-limit 50", "--oom-kill-disable=false", "--ulimit nofile=64",
        "--ulimit nofile=64:32", "--ulimit bogus=1", "--cap-drop ALL", "--cap-add NET_ADMIN", "--cap-add BOGUS",
        "--security-opt no-new-privileges", "--security-opt bogus", "--shm-size 1m", "--shm-size 0",
        "--sysctl net.ipv4.ip_forward=1", "--sysctl bogus", "--init", "-i", "-t", "--ipc none", "--ipc bogus",
        "--pid host", "--pid bogus", "--pid container:web", "--uts host", "--userns bogus", "--entrypoint echo",
        "--entrypoint nosuchcommand", "--entrypoint ''", "--log-driver none", "--log-driver bogus",
        "--log-opt max-size=1k", "--log-opt bogus=1", "--log-driver local", "--device /dev/null",
        "--device /dev/nosuch", "--group-add 4", "--group-add nosuch", "--health-cmd true", "--no-healthcheck",
        "--health-cmd true --health-interval 1us", "--env-file nosuch", "--cidfile id", "--pull never",
        "--pull bogus", "--isolation default", "--label-file nosuch", "--blkio-weight 5", "--bogus",
        "--name web --name sql", "--oom-score-adj 2000", "--oom-score-adj 100", "--storage-opt size=1g",
        "--runtime bogus", "--runtime runc", "--kernel-memory 64m", "--annotation a=b", "--gpus all",
        "--cgroupns bogus", "--volume-driver bogus -v x:/x",
    ),
    "named": (*6 * ("--name <own> ",), "", "--name a/b "),
    "create": (
        *6 * ("run -d <named><options> <image> <command>",), *2 * ("create <named><options> <image> <command>",),
        *2 * ("run <named><options> <image> <quick>",),
        "run -d --name <own> --restart unless-stopped alpine <lasting>",
        "run -d --name <own> --network <own-network> busybox <lasting>",
        "run -d --name <own> -v <volume>:/data <present> <lasting>", "run --rm <options> <present> <quick>",
        "container run -d --name <own> <image> <lasting>", "container create --name <own> <image>", "run",
        "create --name web", "run -d --name <own> -it busybox <lasting>", "run -a stdout -d busybox true",
        "run -a stdout busybox <quick>", "run --rm --restart on-failure:2 busybox true", "run -d mine:1",
    ),
    # Containers.
    "life": (
        *5 * (
            "start <container>", "stop -t 0 <container>", "rm -f <container>", "rm <container>",
        ),
        *3 * (
            "restart -t 0 <container>", "kill <container>", "kill -s <signal> <container>",
        ),
        *2 * (
            "pause <container>", "unpause <container>", "rename <container> <new-name>", "rm -v <container>",
            "update <limit> <container>", "rm -fv <container>",
        ),
        "start web sql", "start -a nosuch", "start", "stop -t bogus web", "stop -t 0 web nosuch",
        "stop -s KILL <container>", "stop --bogus web", "restart -t 0 web sql", "restart", "kill web sql", "kill",
        "rm", "rm -l <container>", "rm -f nosuch web", "rename web", "update <container>", "update", "pause web sql",
        "wait nosuch", "wait", "wait $(docker ps -aq -f status=exited)", "wait $(docker ps -aq -f status=created)",
        "attach nosuch", "attach $(docker ps -aq -n 1 -f status=exited)", "attach", "start --checkpoint c web",
        "container rm <container>", "container stop -t 0 <container>", "container start <container>",
        "container prune -f | grep -v reclaimed", "container prune -f --filter <prune-filter> | grep -v reclaimed",
    ),
    "signal": ("TERM", "KILL", "9", "HUP", "USR1", "0", "BOGUS", "SIGINT", "99", "STOP", "CONT"),
    "new-name": ("web", "sql", "other", "box", "a/b", "''", "-x", "w"),
    "limit": (
        "-m 32m", "-m 32m --memory-swap 64m", "--cpus 1", "--cpus 99", "--restart no", "--restart bogus", "-m 1k",
        "--restart on-failure:3", "--pids-limit 20", "--cpu-shares 2", "--cpuset-cpus 0", "--cpuset-cpus 77",
        "--memory-reservation 16m", "--memory-swap -1", "--blkio-weight 5", "--bogus",
    ),
    "prune-filter": (
        "label=team=a", "label!=team", "label=k", "label=nosuch", "until=1h", "until=bogus", "bogus=1", "bogus",
    ),
    # Looking at containers.
    "look": (
        *3 * ("ps -a", "logs <container>"),
        *2 * (
            "ps", "ps -a <ps-filter>", "ps -a --format '<ps-format>'", "inspect -f '<inspect-format>' <container>",
            "logs <logs-option> <container>",
            "top <container> -o pid,args | tail -n +2 | awk '{$1 = \"\"; print}' | sort", "port <container>",
            "diff <container> | sort",
        ),
        "ps -aq -n 2", "ps -l", "ps -a --no-trunc", "ps -n 1 --format '<ps-format>'", "ps --bogus", "ps -a -f bogus",
        "ps -a --format '{{.Bogus}}'", "ps -a --format '{{.Names'", "ps -a --format json | wc -l", "ps x",
        "container ls -a <ps-filter>", "container inspect -f '<inspect-format>' <container>",
        "inspect -f '{{.Bogus}}' <container>", "inspect -f '{{.Name' <container>", "inspect nosuch", "inspect",
        "inspect -s -f '{{.SizeRw}}' nosuch", "inspect --type image <container>", "inspect --type bogus web",
        "inspect -f '{{.Id}}' <container> <own-network> <volume> <present>",
        "inspect --type network -f '{{.Name}}' web", "logs", "top", "top nosuch", "port", "port <container> 80",
        "port <container> 80/udp", "port <container> bogus", "diff", "diff <container> x",
        "container logs <container>", "stats --no-stream nosuch",
        "export <container> | tar tf - 2>/dev/null | grep -c .",
    ),
    "ps-filter": (
        "-f status=exited", "-f status=running", "-f status=bogus", "-f name=web", "-f name=^/w", "-f label=team",
        "-f label=team=a", "-f ancestor=busybox", "-f ancestor=mine:1", "-f ancestor=nosuch", "-f exited=3",
        "-f exited=x", "-f exited=137", "-f network=front", "-f network=bridge", "-f network=nosuch",
        "-f volume=data", "-f volume=/data", "-f health=none", "-f health=starting", "-f health=bogus",
        "-f publish=8081", "-f publish=bogus", "-f expose=80", "-f expose=80/udp", "-f before=web", "-f since=web",
        "-f since=nosuch", "-f is-task=true", "-f is-task=x", "-f bogus=1", "-f id=nosuch",
        "-f status=exited -f status=created", "-f name=web -f name=sql", "-f isolation=default",
    ),
    "ps-format": (
        "{{.Names}} {{.Image}} {{.Command}} {{.State}}", "{{.ID}} {{.Status}}",
        "{{.Names}} {{.Ports}} {{.Networks}} {{.Mounts}} {{.Labels}}", "{{.Names}} {{.LocalVolumes}}",
        "{{json .Names}} {{.Label \"team\"}} {{upper .Image}}", "table {{.Names}}\\t{{.Ports}}",
        "{{if eq .State \"running\"}}{{.Names}}{{end}}",
    ),
    "inspect-format": (
        "{{.Name}} {{.State.Status}} {{.State.ExitCode}} {{json .Config.Env}} {{json .Config.Labels}}",
        "{{json .Mounts}}", "{{json .State.Error}} {{.State.Running}} {{.State.Paused}} {{.State.OOMKilled}}",
        "{{.RestartCount}} {{json .HostConfig.RestartPolicy}}", "{{json .NetworkSettings.Ports}}",
        "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}", "{{.Path}} {{.Args}} {{.Image}}",
        "{{json .HostConfig.PortBindings}} {{json .Config.ExposedPorts}}",
        "{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}", "{{json .HostConfig.Binds}} {{len .Mounts}}",
        "{{index .Config.Labels \"team\"}}", "{{.Config.Nosuch}}", "{{json .State.Health}}", "{{.LogPath}}",
        "{{index .Args 5}}", "{{.Driver}} {{.Platform}} {{.AppArmorProfile}}",
    ),
    "logs-option": (
        "--tail 1", "--tail 0", "--tail bogus", "-n all", "-t", "--since 1h", "--since bogus", "--details",
        "--until 1h", "--tail -1", "--bogus",
    ),
    # Exec.
    "exec": (
        *5 * ("exec <container> <inside>",), *3 * ("exec <exec-option> <container> <inside>",), "exec", "exec web",
        "container exec <container> <inside>", "exec -it <container> true",
    ),
    "exec-option": (
        "-d", "-w /tmp", "-w /nosuch", "-w relative", "-e B=2", "-e B", "-u nobody", "-u nosuchuser", "-u 7:8", "-i",
        "-t", "--env-file nosuch", "--bogus", "--detach-keys bogus",
    ),
    "inside": (
        "echo hi", "pwd", "id", "sh -c 'exit 4'", "sh -c 'echo err >&2; false'", "nosuchcommand", "/etc/passwd",
        "cat /etc/hostname", "env", "ping -c 1 -W 1 web", "ping -c 1 -W 1 al", "ping -c 1 -W 1 nosuch",
        "sh -c 'echo kept > /data/f; cat /data/f'", "ls /data /anon", "touch /new", "rm /etc/passwd",
        "mkdir -p /a/b", "mkdir /data/x", "ls -A /data", "cat /data/f", "chmod 600 /etc/group", "mv /etc/group /g",
        "ln -s /etc/passwd /link", "sh -c 'echo more >> /etc/motd'", "rm -r /a", "cat /etc/resolv.conf",
        "sh -c 'kill -9 $$'", "df -P /dev/shm", "hostname", "wc -l /etc/hosts", "false",
    ),
    # Networks.
    "networks": (
        *6 * ("network create <own-network>",),
        *4 * (
            "network connect <own-network> <container>", "network disconnect <network> <container>",
        ),
        *3 * ("network rm <network>", "network ls"),
        *2 * (
            "network create <network-option> <own-network>",
            "network connect <connect-option> <network> <container>",
            "network inspect -f '<network-format>' <network>",
        ),
        "network create bridge", "network create", "network create a b", "network create -d bogus n1",
        "network create -d host n1", "network create -d overlay n1", "network create 'b@d'", "network connect front",
        "network disconnect -f <network> <container>", "network disconnect front", "network rm",
        "network rm front back", "network rm -f nosuch", "network ls <network-filter>",
        "network ls -q --no-trunc <network-filter>",
        "network ls --format '{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{.Labels}}'", "network ls --bogus",
        "network inspect nosuch", "network inspect", "network prune -f", "network prune -f --filter <prune-filter>",
        "network connect front web sql", "network", "network bogus",
    ),
    "network-format": ("{{.Name}} {{.Driver}} {{.Scope}} {{.Internal}} {{json .Labels}} {{len .Containers}}",),
    "network-option": (
        "--label k=v", "--internal", "--subnet 10.9.0.0/24", "--subnet 10.9.0.0/24 --gateway 10.9.0.254",
        "--subnet 10.9.0.0/24 --ip-range 10.9.0.128/28", "--subnet 10.9.0.0/16", "--subnet bogus",
        "--gateway 10.9.0.1", "--subnet 10.9.0.0/24 --gateway 10.8.0.1", "--ip-range 10.9.0.0/28", "--attachable",
        "-o com.docker.network.bridge.enable_icc=false", "-o bogus=1",
        "--aux-address a=10.9.0.2 --subnet 10.9.0.0/24", "--ipam-driver bogus", "-d null", "--bogus",
        "--label k=v --label team=a", "--ipv6", "--scope swarm", "--ingress",
    ),
    "connect-option": (
        "--alias z", "--ip 10.9.0.7", "--ip bogus", "--ip 10.9.0.1", "--link web:w", "--link nosuch:w",
        "--driver-opt a=b", "--ip6 bogus", "--bogus",
    ),
    "network-filter": (
        "-f driver=null", "-f driver=bridge", "-f name=fr", "-f type=custom", "-f type=builtin", "-f type=x",
        "-f label=k", "-f label=k=v", "-f scope=local", "-f dangling=true", "-f dangling=x", "-f bogus=1",
        "-f id=nosuch",
    ),
    # Volumes.
    "volumes": (
        *4 * ("volume create <volume>", "volume rm <volume>"),
        *2 * (
            "volume ls -q <volume-filter> | grep -v '^[0-9a-f]\\{64\\}'", "volume create <volume-option> <volume>",
            "volume inspect -f '{{.Name}} {{.Driver}} {{.Mountpoint}} {{json .Labels}} {{json .Options}}' <volume>",
            "volume prune -f | grep -v reclaimed | sort",
        ),
        "volume create", "volume create b@d", "volume create x", "volume create a b", "volume create -d bogus x1",
        "volume rm", "volume rm -f nosuch", "volume rm -f data", "volume rm data logs", "volume inspect nosuch",
        "volume", "volume inspect", "volume prune -f --filter <prune-filter> | grep -v reclaimed | sort",
        "volume prune -a -f | grep -v reclaimed | sort", "volume ls --format '{{.Bogus}}'", "volume bogus",
        "volume ls --format '{{.Name}} {{.Labels}} {{.Links}}' <volume-filter> | grep -v '^[0-9a-f]\\{64\\}'",
    ),
    "volume-option": (
        "--label k=v", "-o type=tmpfs -o device=tmpfs", "-o type=tmpfs -o device=tmpfs -o o=size=1m", "-o bogus=1",
        "-o type=none", "-o o=bind -o type=none -o device=/nosuch-dir", "--bogus", "--label team=a --label k",
        "--name other",
    ),
    "volume-filter": (
        "", "-f dangling=true", "-f dangling=false", "-f dangling=x", "-f name=da", "-f driver=local",
        "-f driver=bogus", "-f label=k", "-f label=k=v", "-f bogus=1", "-f name=data -f name=logs",
    ),
    # Images.
    "images": (
        *3 * (
            "tag <image> <target>", "images | sort", "rmi <image>", "commit <container> mine:1",
        ),
        *2 * (
            "rmi -f <image>", "commit <commit-option> <container> <target>",
            "images --format '<image-format>' | sort", "images <image-filter> | sort",
            "image inspect -f '<image-inspect>' <image>",
            "history --format '{{.CreatedBy}} {{.Comment}} {{.Size}}' <image>",
            "export -o e.tar <container> && docker import <import-option> e.tar <target>",
            "save -o f.tar <image> && docker load <load-option> -i f.tar",
        ),
        "images -a | sort", "images -q --no-trunc | sort -u | wc -l", "images <image> | sort", "images a b",
        "images --digests <present>", "image ls <image>", "image rm <image>", "image tag <present> <target>",
        "tag busybox", "tag", "rmi", "rmi mine:1 other", "rmi --no-prune mine:1", "history <image>",
        "history -q --no-trunc <image>", "history nosuch", "history", "history --format '{{.Bogus}}' busybox",
        "commit", "commit nosuch", "commit <container>", "commit <container> a b", "save nosuch", "save",
        "save <image> <image> | tar tf - 2>/dev/null | grep -c json",
        "export <container> | docker import - <target>", "save <image> | docker load",
        "save -o /nosuch/f.tar busybox", "load -i nosuch.tar", "load < /dev/null",
        "image prune -f | grep -v reclaimed | sort",
        "image prune -f --filter <prune-filter> | grep -v reclaimed | sort",
        "image prune -a -f --filter label=l | grep -v reclaimed | sort", "import nosuch.tar", "import",
        "image inspect nosuch", "image inspect -f '{{.Bogus}}' <present>", "image", "image bogus",
        "pull --bogus busybox", "image history mine:1", "inspect -f '{{.RepoTags}}' <image>", "push", "pull",
        "build", "image load -q -i nosuch.tar", "export nosuch", "export",
        "image save <present> | wc -c | grep -c .",
    ),
    "commit-option": (
        "-m note", "-a me", "-c 'CMD true'", "-c CMD=true", "-c 'ENV X=1' -c 'LABEL l=1'", "-c 'BOGUS x'",
        "-c 'USER nobody'", "-c 'EXPOSE 80'", "-c 'VOLUME /vol'", "-c 'WORKDIR /w'", "-c 'RUN true'", "-p=false",
        "-c 'ENTRYPOINT [\"echo\", \"in\"]'", "-c 'HEALTHCHECK NONE'", "--bogus", "-c 'STOPSIGNAL 9'",
    ),
    "image-format": (
        "{{.Repository}}:{{.Tag}}", "{{.Repository}} {{.Size}} {{.Digest}}", "{{.ID}} {{.Containers}}",
        "table {{.Repository}}\\t{{.Tag}}", "{{.Bogus}}",
    ),
    "image-filter": (
        "-f dangling=true", "-f dangling=x", "-f reference='b*'", "-f reference='mine:*'", "-f bogus=1",
        "-f label=l", "-f before=mine:1", "-f since=busybox", "-f since=nosuch", "-f label=l=1",
        "-f reference=busybox:latest",
    ),
    "image-inspect": (
        "{{.RepoTags}} {{json .Config.Cmd}} {{json .Config.Env}}", "{{.Architecture}} {{.Os}} {{.Author}}",
        "{{len .RootFS.Layers}} {{.Comment}} {{json .Config.Labels}}",
        "{{json .Config.ExposedPorts}} {{.Config.User}}", "{{.Size}}", "{{json .Config}}", "{{.Parent}}",
    ),
    "import-option": (
        "", "", "-m note", "-c 'CMD true'", "-c 'ENV X=1'", "-c 'BOGUS x'", "--platform linux/amd64",
        "--platform bogus", "--bogus",
    ),
    "load-option": ("", "-q", "--bogus"),
    # Copying.
    "copying": (
        *2 * (
            "docker cp <container>:<path> - | tar tf - 2>/dev/null | sort",
            "echo hi > f; docker cp f <container>:<place>",
            "docker cp <container>:<path> here; test -e here && echo there",
        ),
        "mkdir -p d/e; echo x > d/f; docker cp d <container>:<place>", "docker cp nosuch-file <container>:/tmp",
        "docker cp <container>:/etc/passwd <container>:/tmp", "docker cp a b", "docker cp", "docker cp web:/etc",
        "docker cp -q <container>:/etc/hostname /nosuch/there", "docker cp - <container>:/tmp < /dev/null",
        "echo bogus | docker cp - <container>:/tmp", "docker cp -a <container>:/etc/group g && wc -l < g",
        "tar cf - /etc/hostname 2>/dev/null | docker cp - <container>:<place>",
        "docker cp -L <container>:/link l && cat l",
        "mkdir -p d; echo y > d/g; docker cp d/. <container>:<place>; docker diff <container> | sort",
    ),
    "path": (
        "/etc/hostname", "/etc/passwd", "/nosuch", "/data", "/etc/", "/tmp/.", "/link", "/proc/version", "''",
        "/tmp/f",
    ),
    "place": ("/tmp", "/tmp/new", "/nosuch/dir/", "/data/", "/etc/passwd", "/", "/link", "/new/"),
    # The rest.
    "other": (
        "system prune -f | grep -v reclaimed | sort", "bogus", "container", "container bogus",
        "system prune -f --filter <prune-filter> | grep -v reclaimed | sort", "build -t mine:1 nosuch-dir",
        "--bogus ps", "-H", "system bogus", "volume ls | grep -c local",
    ),
    "line": (
        *9 * ("docker <create>",), *8 * ("docker <life>",), *5 * ("docker <look>",), *3 * ("docker <exec>",),
        *5 * ("docker <networks>",), *3 * ("docker <volumes>",), *5 * ("docker <images>",), *2 * ("<copying>",),
        "docker <other>",
    ),
    "opening": (
        "docker run -d --name <own> busybox <lasting>", "docker network create <own-network>",
        "docker run -d --name <own> <options> <present> <lasting>", "docker volume create <volume>",
        "docker <create>", "docker create --name <own> <options> <present> <command>",
        "docker run -d --name <own> <present> <quick>",
    ),
}  # fmt: skip
"""Each word's alternatives."""

ENDING = "docker ps -a; docker images | sort; docker network ls; docker volume ls | sort"
"""How every sequence ends. What there is then is asked for through the API, too (`ending.py`)."""


def word_names(text: str) -> list[str]:
    """The words of the grammar that a text is made of."""
    return _WORD.findall(text)


@st.composite
def lines(draw: st.DrawFn, word: str = "line") -> str:
    """One line: a word of the grammar with all that it is made of."""
    text = f"<{word}>"
    while found := _WORD.search(text):
        chosen = draw(st.sampled_from(WORDS[found.group(1)]))
        text = text[: found.start()] + chosen + text[found.end() :]
    # A terminal or an open stdin would be waited at for ever.
    if re.match(r"docker run (?!-d)", text) and re.search(r" -t .*\b(cat|sleep|sh)\b", text):
        text = text.replace("docker run", "docker run -d", 1)
    return " ".join(text.split(" ")) if "''" in text else re.sub(r"(?<=\S) {2,}", " ", text)


def sequences(length: int = 12) -> st.SearchStrategy[list[str]]:
    """One or two lines that make something, and some more of any kind. The ending is not part of it."""
    return st.builds(
        lambda opening, rest: opening + rest,
        st.lists(lines("opening"), min_size=1, max_size=2),
        st.lists(lines(), min_size=length // 2, max_size=length),
    )
