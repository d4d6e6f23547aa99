"""Every detector for one stream by name, with its parameters and the names R `surveillance` has for them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from fractions import Fraction
from typing import Any, Literal, get_args, get_type_hints

import numpy as np
from numpy.typing import ArrayLike

from tongchou.science.detection.charts import (
    BinomialCusumParams,
    CusumParams,
    OutbreakPParams,
    binomial_cusum,
    cusum,
    outbreak_p,
)
from tongchou.science.detection.ears import EarsParams, ears
from tongchou.science.detection.farrington import ORIGINAL, FarringtonParams, farrington
from tongchou.science.detection.likelihood_ratio import LikelihoodRatioParams, glr_negative_binomial, glr_poisson
from tongchou.science.detection.low_counts import ExactParams, exact_poisson
from tongchou.science.detection.reference_values import PercentileParams, ReferenceParams, bayes, moving_percentile, rki
from tongchou.science.detection.series import Calendar, Detection

Changes = dict[str, Any]
Control = str | Callable[[str], Changes]  # our field of the same meaning, or what the value changes


@dataclass(frozen=True, slots=True)
class Method:
    """A detector `detect(counts, params, calendar)`, its default parameters, and R's control names -> our fields.

    shown_as_bound: which array R keeps in its column "upperbound". without_bound: what stands there where a step was judged but has no bound.
    """

    detect: Callable[..., Detection]
    default: Any
    controls: Mapping[str, Control]
    shown_as_bound: Literal["upper", "score"] = "upper"
    without_bound: float | None = None
    needs_samples: bool = False


def _only(*allowed: str) -> Control:
    """A control of R that has one value here; others are refused."""

    def change(text: str) -> Changes:
        if text not in allowed:
            raise ValueError(f"only {' or '.join(allowed)} is offered")
        return {}

    return change


def _flag(text: str) -> bool:
    known = {"T": True, "TRUE": True, "true": True, "F": False, "FALSE": False, "false": False}
    if text not in known:
        raise ValueError("give T or F")
    return known[text]


def _limit54(text: str) -> Changes:
    events, _, weeks = text.partition("/")
    return {"least_events": int(events), "least_events_weeks": int(weeks)}


def _powertrans(text: str) -> Changes:
    return {"power": {"none": 1.0, "1/2": 0.5, "2/3": 2 / 3}[text]}


def _learning(text: str) -> int:
    """`t<105`: the steps before the 105th."""
    if not text.startswith("t<"):
        raise ValueError("write t<105 for the steps before the 105th")
    return int(text.removeprefix("t<")) - 1


def _mean(text: str) -> Changes:
    if text == "NULL":
        return {"mean": None}
    if text.startswith("mean of "):
        return {"mean": None, "learning_steps": _learning(text.removeprefix("mean of "))}
    return {"mean": float(text)}


def _mu0(text: str) -> Changes:
    """`GLM S=1 trend=T on t<105`."""
    model, _, learning = text.removeprefix("GLM ").partition(" on ")
    parts = {key: value for key, _, value in (part.partition("=") for part in model.split())}
    if not text.startswith("GLM ") or not parts.keys() <= {"S", "trend"}:
        raise ValueError("write GLM S=1 trend=T on t<105")
    changes: Changes = {"harmonics": int(parts["S"])} if "S" in parts else {}
    changes |= {"trend": _flag(parts["trend"])} if "trend" in parts else {}
    return changes | ({"learning_steps": _learning(learning)} if learning else {})


EARS: dict[str, Control] = {"baseline": "baseline_steps", "minSigma": "least_sigma"}
FARRINGTON: dict[str, Control] = {
    "b": "years_back", "w": "half_window", "trend": "may_trend", "limit54": _limit54, "powertrans": _powertrans,
}  # fmt: skip
FLEXIBLE: dict[str, Control] = FARRINGTON | {
    "noPeriods": "periods", "pastWeeksNotIncluded": "past_weeks_left_out", "thresholdMethod": "bound",
    "weightsThreshold": "weights_threshold", "pThresholdTrend": "trend_p", "populationOffset": _only("F", "FALSE"),
}  # fmt: skip
REFERENCE: dict[str, Control] = {"b": "years_back", "w": "half_window", "actY": "recent"}
GLR: dict[str, Control] = {
    "c.ARL": "threshold", "mu0": _mu0, "change": _only("intercept"), "dir": _only("inc"), "ret": _only("value"),
    "theta": _only("NULL"), "Mtilde": _only("1"), "M": lambda text: {"window_steps": max(0, int(text))},
}  # fmt: skip

METHODS: dict[str, Method] = {
    "earsC1": Method(ears, EarsParams("C1"), EARS),
    "earsC2": Method(ears, EarsParams("C2"), EARS),
    "earsC3": Method(ears, EarsParams("C3"), EARS),
    "farrington": Method(farrington, ORIGINAL, FARRINGTON, without_bound=0.0),
    "farringtonFlexible": Method(farrington, FarringtonParams(), FLEXIBLE),
    "bayes1": Method(bayes, ReferenceParams(0, 6, True), REFERENCE),
    "bayes2": Method(bayes, ReferenceParams(1, 6, True), REFERENCE),
    "bayes3": Method(bayes, ReferenceParams(2, 4, False), REFERENCE),
    "rki1": Method(rki, ReferenceParams(0, 6, True), REFERENCE),
    "rki2": Method(rki, ReferenceParams(1, 6, True), REFERENCE),
    "rki3": Method(rki, ReferenceParams(2, 4, False), REFERENCE),
    "cusum": Method(cusum, CusumParams(), {"k": "reference", "h": "threshold", "m": _mean, "trans": "transformation"}),
    "glrpois": Method(glr_poisson, LikelihoodRatioParams(), GLR, "score"),
    # alpha_hat is what R estimated and noted down; it is estimated here again.
    "glrnb": Method(glr_negative_binomial, LikelihoodRatioParams(), GLR | {"alpha": "dispersion", "alpha_hat": lambda text: {}}, "score"),
    "outbreakP": Method(
        outbreak_p, OutbreakPParams(), {"k": "threshold", "ret": _only("value"), "maxUpperboundCases": lambda text: {}}, "score"
    ),
    "binomialCusum": Method(binomial_cusum, BinomialCusumParams(), {"h": "threshold"}, "score", needs_samples=True),
    "movingPercentile": Method(moving_percentile, PercentileParams(), {}),
    "exactPoisson": Method(exact_poisson, ExactParams(), {}),
}

REMARKS = {"package preset"}  # words of the reference outputs that change nothing


def detect(
    counts: ArrayLike,
    method: str = "farringtonFlexible",
    *,
    calendar: Calendar = Calendar(),
    samples: ArrayLike | None = None,
    **settings: object,
) -> Detection:
    """Judge every step of one or many series by a detector, called by its name in R `surveillance`.

    Parameters
    ----------
    counts: (steps,) or (series, steps), 0 or more; NaN = missing.
    method: a key of `METHODS`.
    calendar: steps in a year, and the first day if years are to follow the calendar.
    samples: tests taken, shape of counts; "binomialCusum" needs them, the others take none.
    settings: parameters of the method in our names or R's control names: ``years_back=4`` or ``b=4``; ``limit54=(5, 4)``.

    Raises
    ------
    ValueError: a method or parameter that does not exist (the message lists those that do), or counts that are none (with series and step).

    Examples
    --------
    >>> import numpy as np
    >>> counts = np.random.default_rng(1).poisson(6, (2, 330))
    >>> counts[1, -1] = 25
    >>> detect(counts, "farringtonFlexible", b=5, w=3, thresholdMethod="nbPlugin").alarm[:, -1]
    array([False,  True])
    """
    if method not in METHODS:
        raise ValueError(f"there is no method {method!r}; there are: {', '.join(METHODS)}")
    chosen, params = METHODS[method], params_of(method, **settings)
    if chosen.needs_samples != (samples is not None):
        raise ValueError(f"{method}: " + ("give samples, the tests taken at each step" if chosen.needs_samples else "takes no samples"))
    values = np.asarray(counts, dtype=np.float64)
    return chosen.detect(values, params, calendar, samples=samples) if samples is not None else chosen.detect(values, params, calendar)


def params_of(name: str, settings: Iterable[str] = (), /, **values: object) -> Any:
    """Parameters of a method, changed by settings such as "b=5;w=3" or by keywords, in our names or R's.

    Examples
    --------
    >>> params_of("farrington", ["b=3;limit54=5/4"]) == params_of("farrington", years_back=3, limit54=(5, 4))
    True
    """
    method, changes = METHODS[name], {}
    for setting in (part.strip() for text in settings for part in text.split(";")):
        if setting and setting not in REMARKS:
            key, equals, text = (part.strip() for part in setting.partition("="))
            changes.update(_change(name, method, key, text if equals else None))
    for key, value in values.items():
        changes.update(_change(name, method, key, _written(value)))
    return replace(method.default, **changes)


def _written(value: object) -> str:
    """A value of Python as R's settings are written: 5/4 for two numbers, T, F, NULL."""
    if isinstance(value, bool) or value is None:
        return {True: "T", False: "F", None: "NULL"}[value]
    return "/".join(str(part) for part in value) if isinstance(value, tuple | list) else str(value)


def _change(name: str, method: Method, key: str, text: str | None) -> Changes:
    own = {field.name for field in fields(method.default)}
    control = method.controls.get(key, key if key in own else None)
    if text is None or control is None:
        known = ", ".join(sorted({*own, *method.controls}))
        raise ValueError(f"{name} has no parameter {key!r} (write name=value); it has: {known}")
    try:
        return {control: _read(text, get_type_hints(type(method.default))[control])} if isinstance(control, str) else control(text)
    except (ValueError, KeyError, ZeroDivisionError) as error:
        reason = error if isinstance(error, ValueError) else "not one of its values"
        raise ValueError(f"{name}: {key}={text} cannot be used: {reason}") from None


def _read(text: str, kind: Any) -> Any:
    """A value of the field's type: bool as T or F, float also as 2/3, NULL where nothing is allowed."""
    options = get_args(kind)
    if type(None) in options:
        if text == "NULL":
            return None
        kind = next(option for option in options if option is not type(None))
    elif options:
        if text not in options:
            raise ValueError(f"give one of {', '.join(options)}")
        return text
    if kind is bool:
        return _flag(text)
    if kind is int:
        return int(text)
    return float(Fraction(text)) if "/" in text else float(text)
