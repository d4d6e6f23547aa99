"""Parameters by our names and by R's."""

import numpy as np
import pytest

from tongchou.science.detection.catalogue import METHODS, detect, params_of


def test_every_name_of_r_leads_to_a_field_that_exists() -> None:
    for name, method in METHODS.items():
        named = {control for control in method.controls.values() if isinstance(control, str)}
        assert named <= set(method.default.__dataclass_fields__), name


def test_our_names_and_rs_say_the_same() -> None:
    theirs = params_of(
        "farringtonFlexible", ["b=3;w=2;noPeriods=4;pastWeeksNotIncluded=8;thresholdMethod=delta;limit54=3/2;trend=F", "powertrans=1/2"]
    )
    ours = params_of(
        "farringtonFlexible",
        ["years_back=3", "half_window=2", "periods=4", "past_weeks_left_out=8", "bound=delta", "least_events=3", "least_events_weeks=2", "may_trend=F", "power=1/2"],
    )  # fmt: skip
    assert theirs == ours
    assert params_of("cusum", ["m=mean of t<53"]).learning_steps == 52
    assert params_of("cusum", ["m=2.5"]).mean == 2.5
    assert params_of("glrnb", ["mu0=GLM S=2 trend=F on t<53;alpha=0.1;M=8"]).window_steps == 8
    assert params_of("glrnb", ["alpha=NULL;M=-1"]) == params_of("glrnb")
    assert params_of("bayes3", ["package preset;alpha=0.05"]) == METHODS["bayes3"].default


@pytest.mark.parametrize(
    ("name", "setting", "words"),
    [
        ("earsC1", "b=3", "earsC1 has no parameter 'b'.*baseline"),
        ("earsC1", "alpha", "write name=value"),
        ("farrington", "b=many", "b=many cannot be used"),
        ("farrington", "limit54=5", "limit54=5 cannot be used"),
        ("farrington", "trend=yes", "give T or F"),
        ("farrington", "powertrans=3/4", "not one of its values"),
        ("farringtonFlexible", "thresholdMethod=nb", "give one of delta, nbPlugin, muan"),
        ("farringtonFlexible", "trend_p=1/0", "cannot be used"),
        ("glrpois", "dir=dec", "only inc is offered"),
        ("glrpois", "mu0=5", "write GLM"),
        ("cusum", "m=mean of 5", "t<105"),
        ("bayes1", "alpha=2", "alpha in"),
    ],
)
def test_what_cannot_be_used_is_refused_by_name(name: str, setting: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        params_of(name, [setting])


def test_keywords_of_python_are_the_settings_of_the_text() -> None:
    assert params_of("farringtonFlexible", b=3, trend=False, limit54=(3, 2), thresholdMethod="muan", alpha=0.05) == params_of(
        "farringtonFlexible", ["b=3;trend=F;limit54=3/2;thresholdMethod=muan;alpha=0.05"]
    )
    assert params_of("glrnb", alpha=None, **{"c.ARL": 4}) == params_of("glrnb", ["alpha=NULL;c.ARL=4"])
    assert params_of("cusum", ["h=5"], k=2).threshold == 5


def test_detect_is_the_method_with_its_settings() -> None:
    counts = np.random.default_rng(1).poisson(6, (2, 330))
    found = detect(counts.tolist(), "bayes2", b=2, alpha=0.01)
    wanted = METHODS["bayes2"].detect(counts, params_of("bayes2", ["b=2;alpha=0.01"]))
    np.testing.assert_array_equal(found.upper, wanted.upper)
    tested = detect([3, 4] * 80, "binomialCusum", samples=[50] * 160, h=4.0)
    assert tested.score.shape == (160,)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"method": "farrington2"}, "there is no method 'farrington2'; there are: earsC1"),
        ({"method": "earsC1", "w": 3}, "earsC1 has no parameter 'w'"),
        ({"method": "binomialCusum"}, "give samples"),
        ({"method": "earsC1", "samples": [1] * 9}, "takes no samples"),
    ],
)
def test_detect_says_what_is_wrong(settings: dict, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        detect([1] * 9, **settings)
