"""The command lines that the simulated shell is held to, and the files they find."""

from __future__ import annotations

from pathlib import Path

import yaml

HERE = Path(__file__).parent
ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME": "bare", "HOME": "/root",
}  # fmt: skip
FILES = {
    "f/fruit": "apple 3\nbanana 5\ncherry 2\napple 4\ndate 9\n",
    "f/data.csv": "# name,score\nann,31\nbob,25\ncid,7\ndan,25\n",
    "f/words": "The quick brown fox\njumps over the lazy dog\n\nfoo.bar [x] a+b $5\nFoo bar\n  indented line\n",
    "f/conf": "# comment\nport = 8080\nhost = localhost\nname=web server\n\n[section]\nkey: value\n",
    "f/log": "10.0.0.1 - GET /index.html 200 512\n10.0.0.2 - GET /a.png 404 0\n10.0.0.1 - POST /form 500 73\n"
    "10.0.0.3 - GET /index.html 200 512\n",
    "f/nums": "10\n9\n-3\n2.5\n10\nabc\n\n1e3\n007\n",
    "f/noeol": "one\ntwo",
    "f/empty": "",
    "f/abc": "a\nb\nc\nd\ne\n",
    "f/abd": "a\nB\nc\ne\nf\n",
    "f/script.sh": 'echo script $0 $# "$@"\nnope\necho after\n',
}


def lines() -> list[str]:
    """Every line of cases.yaml, in order."""
    families: dict[str, list[str]] = yaml.safe_load((HERE / "cases.yaml").read_text(encoding="utf-8"))
    return [line for family in families.values() for line in family]
