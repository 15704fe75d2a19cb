"""The Engine API over HTTP: what real clients (docker, docker-py, dockerode, curl) talk to.

This room knows HTTP and nothing of Docker: `reading` makes a request of what came over the socket,
`bridge` lets the actors answer it in their time, `visits` is what clients do to them, `ledger` keeps
that for the next start, `writing` sends the answer, `hijack` turns a
connection into two streams, `edge` puts these together and `listening` opens the sockets.
"""
