"""Who takes part in the benchmark."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from tongchou.science.detection.model import Floats
from tongchou.science.evaluation.classical import chart_rows, farrington_original_rows, reference_rows
from tongchou.science.evaluation.contenders import Verdict, farrington_rows, level_rows, memory_rows, seasonal_rows

FAMILIES: Mapping[str, Callable[[Floats, NDArray[np.int64]], dict[str, Verdict]]] = {
    "farrington": farrington_rows,
    "seasonal": seasonal_rows,
    "level": level_rows,
    "memories": memory_rows,
    "original": farrington_original_rows,
    "reference": reference_rows,
    "charts": chart_rows,
}
