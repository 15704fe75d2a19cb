"""Calibration: what things cost on some machine, found from the times that small scenarios take there.

`plan` says which scenarios are played, `measuring` turns plays into observed times, `modelling` says what the simulator
makes of the same times and how they hang on its costs, `fitting` finds the costs that explain them, `report` holds
predictions of other scenarios against what was measured. The machine is any stage that a scenario can be played on.
"""

from simdocker.scenario.calibration.calibrate import Calibrated, calibrate
from simdocker.scenario.calibration.plan import Plan

__all__ = ["Calibrated", "Plan", "calibrate"]
