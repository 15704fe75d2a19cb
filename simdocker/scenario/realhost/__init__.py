"""A host that is not modelled: this machine, with a real bash in a private home and a `docker` of ours first in PATH.

`bash.py` is its terminal session, `shim.py` the program that stands for docker there, `desk.py` the place in the play
where the shim's command lines arrive and the client actor carries them out, `terminal.py` what the client stands on.
"""
