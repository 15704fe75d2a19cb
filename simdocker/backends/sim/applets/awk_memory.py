"""What an awk program remembers: variables, arrays, the frames of its functions, the record and its fields."""

from __future__ import annotations

from simdocker.backends.sim.applets.awk_functions import compiled
from simdocker.backends.sim.applets.awk_parser import Program
from simdocker.backends.sim.applets.awk_values import StrNum, Value, from_input, latin, numeric, output_number
from simdocker.backends.sim.applets.call import Call
from simdocker.backends.sim.applets.input import Input
from simdocker.backends.sim.program import OpenFile, Process


class Memory:
    """The state of one run. The record is split into fields when one is first asked for."""

    def __init__(self, call: Call, program: Program, args: list[str]) -> None:
        self.call = call
        self.program = program
        self.args = args
        self.variables: dict[str, Value] = {
            "FS": " ", "OFS": " ", "ORS": "\n", "RS": "\n", "NR": 0.0, "FNR": 0.0, "SUBSEP": "\x1c", "OFMT": "%.6g",
            "CONVFMT": "%.6g", "FILENAME": "", "RSTART": 0.0, "RLENGTH": -1.0, "ARGC": float(len(args) + 1),
        }  # fmt: skip
        self.arrays: dict[str, dict[str, Value]] = {
            "ENVIRON": {latin(name): from_input(latin(value)) for name, value in call.p.env.items()},
            "ARGV": {"0": "awk", **{str(index): from_input(latin(arg)) for index, arg in enumerate(args, 1)}},
        }
        self.record = ""
        self.fields: list[Value] = []
        self.fields_known = True
        self.frames: list[dict[str, Value | dict[str, Value]]] = []
        self.source: Input | None = None
        self.pending = list(range(1, len(args) + 1))
        self.read_any = False
        self.inputs: dict[str, Input] = {}
        self.outputs: dict[str, tuple[OpenFile, Process | None]] = {}
        self.status = 0
        self.failed = 0
        self.seed = 0
        self.steps = 0

    def text(self, value: Value) -> str:
        if isinstance(value, str):
            return value
        return output_number(value, str(self.variables.get("CONVFMT", "%.6g")))

    def get(self, name: str) -> Value:
        if self.frames and name in self.frames[-1]:
            value = self.frames[-1][name]
            return "" if isinstance(value, dict) else value
        if name == "NF":
            self.split_record()
            return float(len(self.fields))
        return self.variables.get(name, StrNum(""))

    def set(self, name: str, value: Value) -> None:
        if self.frames and name in self.frames[-1]:
            self.frames[-1][name] = value
        elif name == "NF":
            self.split_record()
            count = int(numeric(value))
            self.fields = (self.fields + [""] * count)[:count]
            self.rebuild()
        else:
            self.variables[name] = value

    def array(self, name: str) -> dict[str, Value]:
        if self.frames and name in self.frames[-1]:
            value = self.frames[-1][name]
            if not isinstance(value, dict):
                value = self.frames[-1][name] = {}
            return value
        return self.arrays.setdefault(name, {})

    def set_record(self, text: str) -> None:
        self.record = text
        self.fields_known = False

    def split_record(self) -> None:
        if not self.fields_known:
            self.fields = [from_input(field) for field in self.split(self.record, self.text(self.variables["FS"]))]
            if self.text(self.variables["RS"]) == "" and self.text(self.variables["FS"]) != " ":
                self.fields = [from_input(part) for field in self.fields for part in self.text(field).split("\n")]
            self.fields_known = True

    def split(self, text: str, separator: str) -> list[str]:
        """Fields of `text`: runs of blanks, one character, or an expression."""
        if separator == " ":
            return text.split()
        if not text:
            return []
        if separator == "":
            return list(text)
        if len(separator) == 1 and separator not in "\\^$.[|()*+?{":
            return text.split(separator)
        pattern = compiled(separator if len(separator) > 1 else "\\" + separator)
        result, position, at = [], 0, 0
        data = text.encode("latin-1")
        while at <= len(data) and (match := pattern.search(data, at)):
            if match.end() == match.start():
                at = match.end() + 1
                continue
            result.append(text[position : match.start()])
            position = at = match.end()
        return [*result, text[position:]]

    def rebuild(self) -> None:
        self.record = self.text(self.variables["OFS"]).join(self.text(field) for field in self.fields)
