"""Each exported form is read by the parser of the tool it is for."""

import base64
import csv
import io
import json
import shutil
import subprocess
from pathlib import Path

import networkx as nx
import pytest

from simdocker.cli.export import CAST, FORMATS, run_export
from simdocker.cli.recording import recorded
from simdocker.errors import UserError
from simdocker.export.asciicast import asciicast
from simdocker.scenario.told import Told, told
from simdocker.trace.reading import calls, commands

SCENARIOS = Path(__file__).parents[2] / "scenarios"
PLAYED = [
    "01-five-steps-of-docker-run.yaml",
    "08-logs-and-exec.yaml",
    "11-bridge-networks-and-names.yaml",
    "13-a-registry-that-fails.yaml",
    "16-building-an-image.yaml",
]


@pytest.fixture(scope="module", params=PLAYED)
def source(request: pytest.FixtureRequest) -> Told:
    return told(str(SCENARIOS / request.param))


def test_csv_has_a_row_a_record_and_keeps_every_fact(source: Told) -> None:
    rows = list(csv.DictReader(io.StringIO(FORMATS["csv"](source.records).decode(), newline="")))
    assert len(rows) == len(source.records)
    for row, record in zip(rows, source.records, strict=True):
        assert (int(row["t_ns"]), row["actor"], row["what"]) == (record.t_ns, record.actor, record.what)
        attrs = json.loads(row["attrs"] or "{}") | ({"to": row["to"]} if row["to"] else {})
        assert attrs == json.loads(json.dumps(record.attrs or {}, default=str))


def test_pandas_reads_the_csv(source: Told) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.read_csv(io.BytesIO(FORMATS["csv"](source.records)))
    assert list(frame["seq"]) == [record.seq for record in source.records]
    assert frame["t_ns"].is_monotonic_increasing


def test_networkx_reads_the_graph_of_causes(source: Told) -> None:
    graph = nx.read_graphml(io.BytesIO(FORMATS["graphml"](source.records)), node_type=int)
    assert graph.number_of_nodes() == len(source.records)
    assert nx.is_directed_acyclic_graph(graph)
    causes = {(record.cause_seq, record.seq) for record in source.records if record.cause_seq >= 0}
    assert set(graph.edges) == causes


@pytest.mark.skipif(shutil.which("dot") is None, reason="graphviz: needs the program dot on this machine")
def test_graphviz_draws_who_talks_to_whom(source: Told) -> None:
    drawn = subprocess.run(["dot", "-Tplain"], input=FORMATS["dot"](source.records), capture_output=True, check=True)
    assert drawn.stderr == b""
    lines = drawn.stdout.decode().splitlines()
    talking = {record.actor for record in source.records if record.kind == "message"}
    assert sum(line.startswith("node ") for line in lines) >= len(talking)
    assert any(line.startswith("edge ") for line in lines)


def test_otlp_is_a_request_to_a_collector(source: Told) -> None:
    service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    from google.protobuf import json_format

    document = json.loads(FORMATS["otlp"](source.records))
    spans = [s for r in document["resourceSpans"] for scope in r["scopeSpans"] for s in scope["spans"]]
    ids = {(span["traceId"], span["spanId"]) for span in spans}
    assert len(ids) == len(spans)
    for span in spans:
        assert not span["parentSpanId"] or (span["traceId"], span["parentSpanId"]) in ids
        assert int(span["startTimeUnixNano"]) <= int(span["endTimeUnixNano"])
        for key in ("traceId", "spanId", "parentSpanId"):  # OTLP's JSON has hexadecimal ids, protobuf's base64
            span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    request = json_format.ParseDict(document, service.ExportTraceServiceRequest())
    assert sum(len(scope.spans) for r in request.resource_spans for scope in r.scope_spans) == len(spans)
    assert len(spans) == len(commands(source.records)) + len(calls(source.records))


def _ns(event: dict[str, float]) -> tuple[int, int]:
    """When a slice begins and ends, as Perfetto reckons it."""
    begins = round(event["ts"] * 1000)
    return begins, begins + round(event["dur"] * 1000)


def test_slices_of_a_perfetto_thread_nest_and_arrows_lead_from_slice_to_slice(source: Told) -> None:
    events = json.loads(FORMATS["perfetto"](source.records))["traceEvents"]
    slices: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for event in events:
        if event["ph"] == "X":
            slices.setdefault((event["pid"], event["tid"]), []).append(_ns(event))
    assert sum(map(len, slices.values())) == len(source.records)
    for some in slices.values():
        open_ends: list[int] = []
        for begins, ends in some:
            while open_ends and open_ends[-1] <= begins:
                open_ends.pop()
            assert not open_ends or ends <= open_ends[-1]
            open_ends.append(ends)
    for event in events:
        if event["ph"] in "sf":
            around = slices[event["pid"], event["tid"]]
            assert any(begins <= round(event["ts"] * 1000) <= ends for begins, ends in around)


def test_asciinema_reads_the_recording(tmp_path: Path) -> None:
    asciinema = pytest.importorskip("asciinema.asciicast")
    pyte = pytest.importorskip("pyte")
    title, frames = recorded(str(SCENARIOS / PLAYED[0]), seed=None, profile=None, width=100, height=400)
    file = tmp_path / "play.cast"
    file.write_bytes(asciicast(frames, title=title, width=100, height=400))
    screen = pyte.Screen(100, 400)
    terminal = pyte.Stream(screen)
    before = 0.0
    with asciinema.open_from_url(str(file)) as cast:
        for time, kind, text in cast.events():
            assert kind == "o" and time >= before
            before = time
            terminal.feed(text)
    shown = "\n".join(line.rstrip() for line in screen.display)
    assert "laptop$ docker run --rm busybox echo hello from a container" in shown
    assert "│ hello from a container" in shown and "expectations hold" in shown


def test_a_kept_trace_is_exported_as_its_scenario_is(tmp_path: Path, source: Told) -> None:
    assert source.run is not None
    with (tmp_path / "trace").open("wb") as file:
        source.run.trace.dump(file)
    kept = told(str(tmp_path / "trace")).records
    for name in ("csv", "mermaid", "dot", "otlp", "perfetto"):
        assert FORMATS[name](kept) == FORMATS[name](source.records)


def test_one_step_is_what_its_command_made_happen(tmp_path: Path) -> None:
    scenario = str(SCENARIOS / PLAYED[1])
    run_export(scenario, format="csv", output=tmp_path / "two", step=2, seed=None, profile=None)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "two").read_text(), newline="")))
    assert rows[0]["what"] == "command" and rows[0]["actor"] == "player"
    assert sum(row["what"] == "command" and row["actor"] == "player" for row in rows) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"format": "pdf"}, "no such format; choose one of perfetto"),
        ({"format": "csv", "step": 99}, "--step 99: there are 4 commands"),
        ({"format": CAST, "step": 1}, "an asciicast shows the whole play"),
        ({"format": "csv", "output": Path("/nowhere/x.csv")}, "there is no directory /nowhere"),
        ({"format": "csv", "output": Path("/")}, "this is a directory"),
        ({"format": "csv", "output": SCENARIOS / PLAYED[0]}, "this is the file that is read"),
    ],
)
def test_what_cannot_be_exported_is_one_sentence(options: dict[str, object], said: str) -> None:
    given = {"output": None, "step": None, "seed": None, "profile": None} | options
    with pytest.raises(UserError, match=said):
        run_export(str(SCENARIOS / PLAYED[0]), **given)  # type: ignore[arg-type]


def test_a_trace_that_was_cut_off_is_named_with_its_line(tmp_path: Path, source: Told) -> None:
    assert source.run is not None
    with (tmp_path / "trace").open("wb") as file:
        source.run.trace.dump(file)
    whole = (tmp_path / "trace").read_bytes()
    (tmp_path / "cut").write_bytes(whole[:-20])
    with pytest.raises(UserError, match=f"cut: line {len(source.records)} is no record of a trace"):
        told(str(tmp_path / "cut"))
    with pytest.raises(UserError, match="a trace does not hold what docker printed"):
        run_export(str(tmp_path / "trace"), format=CAST, output=None, step=None, seed=None, profile=None)
    with pytest.raises(UserError, match="is not played again"):
        run_export(str(tmp_path / "trace"), format="csv", output=None, step=None, seed=3, profile=None)
