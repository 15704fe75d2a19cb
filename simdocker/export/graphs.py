"""Two graphs: who talks to whom (Graphviz), and what made what happen (GraphML, for yEd, Gephi, networkx)."""

from __future__ import annotations

import io
import re
from collections import Counter
from collections.abc import Sequence

import graphviz
import msgspec
import networkx as nx

from simdocker.trace import MESSAGE, ROOT, Record
from simdocker.trace.reading import is_answer, is_request, whereabouts

NO_XML = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def dot(records: Sequence[Record]) -> str:
    """The actors as a Graphviz digraph, a cluster a host, an edge a direction with the number of messages."""
    messages: dict[tuple[str, str], Counter[str]] = {}
    for record in records:
        if record.kind == MESSAGE:
            said = "request" if is_request(record) else "answer" if is_answer(record) else record.what
            messages.setdefault((record.actor, str((record.attrs or {})["to"])), Counter())[said] += 1
    hosts: dict[str, list[str]] = {}
    for actor in dict.fromkeys(actor for pair in messages for actor in pair):
        hosts.setdefault(actor.partition("@")[2], []).append(actor)
    graph = graphviz.Digraph("simdocker", graph_attr={"rankdir": "LR"}, node_attr={"shape": "box"})
    for number, (host, actors) in enumerate(hosts.items()):
        with graph.subgraph(name=f"cluster_{number}") as cluster:
            if host:
                cluster.attr(label=graphviz.escape(_printable(host)))
            for actor in actors:
                cluster.node(_node(actor), label=graphviz.escape(_printable(actor.partition("@")[0])))
    for (sender, receiver), counted in messages.items():
        counts = [
            f"{count} {what}{'s' if count > 1 and what in ('request', 'answer') else ''}"
            for what, count in counted.items()
        ]
        graph.edge(_node(sender), _node(receiver), label=graphviz.escape(_printable("\n".join(counts))))
    return str(graph.source)


def _node(actor: str) -> str:
    """A node's name: without the colon, behind which Graphviz reads a port, and the signs of HTML and of escapes."""
    return re.sub(r"[^\w@./+ -]", lambda sign: f"_{ord(sign[0]):x}_", actor.replace(":", "_"))


def graphml(records: Sequence[Record]) -> bytes:
    """Every record as a node, an edge from what made it happen; attributes as in the CSV."""
    graph: nx.DiGraph[int] = nx.DiGraph()
    places = whereabouts(records)
    known = set(places)
    for record in records:
        attrs = msgspec.json.encode(record.attrs or {}, order="deterministic", enc_hook=str).decode()
        graph.add_node(
            record.seq,
            label=_printable(f"{record.actor} {record.what}"),
            t_ns=record.t_ns,
            host=_printable(places[record.seq]),
            actor=_printable(record.actor),
            kind=record.kind,
            what=_printable(record.what),
            attrs=_printable(attrs),
        )
        if record.cause_seq != ROOT and record.cause_seq in known:
            graph.add_edge(record.cause_seq, record.seq)
    file = io.BytesIO()
    nx.write_graphml_xml(graph, file)  # the writer of the standard library: lxml's is no other file
    return file.getvalue()


def _printable(text: str) -> str:
    """Without what XML 1.0 cannot hold."""
    return NO_XML.sub("\N{REPLACEMENT CHARACTER}", text)
