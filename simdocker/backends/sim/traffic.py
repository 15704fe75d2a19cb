"""What processes send each other, as records of the trace: who calls whom, where a published port leads
the call, and what came of it. A connection is three records: the call, its answer, and at its end how much
it carried.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from simdocker.trace.record import MESSAGE, NOTE

if TYPE_CHECKING:
    from simdocker.backends.sim.interfaces import Way
    from simdocker.backends.sim.netstack import NetStack
    from simdocker.backends.sim.sockets import Socket

NOTHING: Mapping[str, Any] = {}


def place(address: str, port: int) -> str:
    """An address with its port, if it has one."""
    if not port:
        return address
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def sent(
    stack: NetStack,
    what: str,
    way: Way | None,
    proto: str,
    address: str,
    port: int = 0,
    more: Mapping[str, Any] = NOTHING,
) -> int:
    """A first packet leaves; without a `way` nobody gets it."""
    from simdocker.backends.sim.sockets import Forward

    attrs: dict[str, Any] = {"to": way.target.actor if way is not None else "nobody", "address": place(address, port)}
    holder = way.target.bound_to(proto, address, port) if way is not None and port else None
    if isinstance(holder, Forward):
        attrs["to"] = holder.target.actor
        inside = place(holder.target_address, holder.target_port)
        attrs["proxy" if stack.proxied(holder, address) else "dnat"] = inside
    return stack.trace.emit(MESSAGE, stack.actor, what, {**attrs, **more})


def answered(stack: NetStack, by: NetStack, what: str, address: str, port: int = 0) -> None:
    """The answer comes back."""
    stack.trace.emit(MESSAGE, by.actor, what, {"to": stack.actor, "address": place(address, port)})


def resolved(stack: NetStack, by: str, name: str, found: list[str]) -> None:
    """A name server answers."""
    what = {"to": stack.actor, "question": name, "addresses": found}
    stack.trace.emit(MESSAGE, by, "DNS answer" if found else "NXDOMAIN", what)


def failed(stack: NetStack, what: str, address: str, port: int) -> None:
    """No answer came."""
    stack.trace.emit(NOTE, stack.actor, what, {"address": place(address, port)})


def closed(caller: Socket) -> None:
    """Both ends of a connection are closed."""
    other = caller.other
    assert other is not None
    what = {"to": other.stack.actor, "address": place(*caller.peer), "sent": caller.sent, "received": other.sent}
    caller.stack.trace.emit(MESSAGE, caller.stack.actor, "reset" if caller.was_reset else "closed", what)
