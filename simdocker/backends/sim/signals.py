"""Signal numbers, and what the kernel does with one that a process does not handle (signal(7))."""

from __future__ import annotations

HUP, INT, QUIT, KILL, USR1, SEGV, USR2, PIPE, TERM, CHLD, CONT, STOP = 1, 2, 3, 9, 10, 11, 12, 13, 15, 17, 18, 19
TSTP, TTIN, TTOU, URG, XCPU, XFSZ, WINCH = 20, 21, 22, 23, 24, 25, 28

IGNORED = frozenset((CHLD, CONT, URG, WINCH))
STOPPING = frozenset((STOP, TSTP, TTIN, TTOU))
UNCATCHABLE = frozenset((KILL, STOP))
LAST = 64
