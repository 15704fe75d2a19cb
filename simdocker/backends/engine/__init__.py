"""A real Docker Engine, whole: the client's requests go to its socket instead of to our daemon.

`endpoint.py` finds it, `exchange.py` speaks HTTP to it, `framing.py` reads its answers' streams, `connection.py` is
the way there that the client actor knows, `pulling.py` and `front.py` let it pull a scenario's images, and `asking.py`
looks at it from outside a play. Nothing here knows what a command means: the client is that of every other backend.
"""
