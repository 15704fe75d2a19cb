"""A calibration on disk: a cost profile that also says when, where and how well it was measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from simdocker.des.profile import ProfileFile, replace_file

if TYPE_CHECKING:
    from simdocker.scenario.calibration.calibrate import Calibrated
    from simdocker.scenario.calibration.report import Report

ABOUT = (
    "Measured by simdocker calibrate. Costs that are not named here are the default profile's; `kept` says why. "
    "client.* is simdocker's own client; pull.* and layer.* were measured against a registry on the same machine."
)


class CalibratedFile(ProfileFile, kw_only=True):
    """What `simdocker calibrate` writes, and `--profile` reads as any profile: `costs` are those found, `kept` why the
    others are the default's, `left_out` the steps that went otherwise than simulated."""

    date: str
    backend: str
    machine: dict[str, str]
    repetitions: int
    kept: dict[str, str]
    left_out: list[str]
    held_out: Report | None = None


def write(
    path: Path, calibrated: Calibrated, *, date: str, backend: str, machine: Mapping[str, str], repetitions: int
) -> None:
    """Write the profile, at once or not at all. Raises OSError."""
    file = CalibratedFile(
        path.stem,
        calibrated.costs,
        ABOUT,
        date=date,
        backend=backend,
        machine=dict(machine),
        repetitions=repetitions,
        kept=calibrated.kept,
        left_out=calibrated.left_out,
        held_out=calibrated.report,
    )
    replace_file(path, msgspec.json.format(msgspec.json.encode(file), indent=1) + b"\n")
