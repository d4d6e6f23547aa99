"""Parameters by our names and by R's."""

import pytest

from tongchou.science.detection.catalogue import METHODS, params_of


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
