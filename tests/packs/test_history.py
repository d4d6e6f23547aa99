"""The generated history: reproducible, believable, and telling the story it is meant to tell."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from tests import packs_once
from tongchou.core.packs.contents import Pack
from tongchou.domains.sentinels.generation import GeneratedObservations, delayed_events, generate_observations, infections_known
from tongchou.domains.sentinels.generation_epidemic import EpidemicParams, mixing_matrix


@pytest.fixture(scope="module")
def pack() -> Pack:
    return packs_once.pack("xujing")


@pytest.fixture(scope="module")
def history(pack: Pack) -> GeneratedObservations:
    assert pack.identity.generated is not None
    return generate_observations(pack, pack.identity.generated.seed)


def latest(history: GeneratedObservations, stream: str) -> dict[date, float]:
    """The last reported value of each day of one stream."""
    own = history.stream == stream
    return dict(zip(history.day[own].tolist(), history.value[own].tolist(), strict=True))


def mean_between(history: GeneratedObservations, stream: str, first: date, last: date) -> float:
    return float(np.mean([value for day, value in latest(history, stream).items() if first <= day <= last]))


def test_the_same_seed_gives_the_same_history(pack: Pack, history: GeneratedObservations) -> None:
    again = generate_observations(pack, 20220602)
    for name in ("stream", "day", "reported_at", "value", "infections"):
        assert np.array_equal(getattr(history, name), getattr(again, name)), name
    assert not np.array_equal(generate_observations(pack, 1).value, history.value)


def test_a_stream_keeps_its_values_when_another_sentinel_goes(pack: Pack, history: GeneratedObservations) -> None:
    fewer = replace(pack, sentinels=tuple(reversed(pack.sentinels[5:])))
    shorter = generate_observations(fewer, 20220602)
    code = pack.sentinels[10].streams[0].code
    assert latest(shorter, code) == latest(history, code)


def test_reports_come_after_their_day_and_in_order(history: GeneratedObservations) -> None:
    assert (history.reported_at >= history.day.astype("datetime64[s]")).all()
    assert (np.diff(history.reported_at).astype(int) >= 0).all()
    assert history.day.min() == np.datetime64("2020-06-03") and history.day.max() == np.datetime64("2022-06-02")
    assert (history.value >= 0).all() and np.isfinite(history.value).all()


def test_days_are_missed_reported_late_and_corrected(pack: Pack, history: GeneratedObservations) -> None:
    stream = "017-pharmacy-s"
    own = history.stream == stream
    days, times = np.unique(history.day[own], return_counts=True)
    assert 0.005 < 1 - len(days) / 730 < 0.06
    assert 0.01 < (times > 1).mean() < 0.08 and times.max() <= 2
    first = dict(reversed(list(zip(history.day[own], history.reported_at[own], strict=True))))
    lateness = np.array([(at - day.astype("datetime64[s]")).astype(int) / 86_400 for day, at in first.items()])
    assert 0.005 < (lateness > 1).mean() < 0.08


def test_sentinels_report_on_their_own_days_only(pack: Pack, history: GeneratedObservations) -> None:
    for sentinel in pack.sentinels:
        own = history.day[history.stream == sentinel.streams[0].code].astype("datetime64[D]")
        weekdays = {(int(day.astype(int)) + 3) % 7 + 1 for day in own}
        assert weekdays <= set(sentinel.days), sentinel.code
        assert len(own) or sentinel.state == "planned"


def test_silent_streams_fall_silent(history: GeneratedObservations) -> None:
    assert max(latest(history, "208-pharmacy-s")) < date(2022, 5, 12)
    assert max(latest(history, "017-pharmacy-s")) >= date(2022, 5, 31)


def risen(pack: Pack, history: GeneratedObservations, place: str, kinds: set[str], after: tuple[date, date]) -> set[str]:
    """Kinds of stream of one place whose mean in a period is well above the two months that end a month before it."""
    before = after[0] - timedelta(days=90), after[0] - timedelta(days=30)
    streams = {st.code: st.kind for s in pack.sentinels if s.place == place and s.state == "live" for st in s.streams if st.kind in kinds}
    return {kind for code, kind in streams.items() if mean_between(history, code, *after) > 1.3 * mean_between(history, code, *before)}


def test_the_last_outbreak_is_seen_in_several_streams(pack: Pack, history: GeneratedObservations) -> None:
    assert pack.story is not None
    newest = max(pack.story.outbreaks, key=lambda outbreak: outbreak.seeded_on)
    kinds = {"testing_positive", "clinic_respiratory", "pharmacy_fever_buyers", "scanner_abnormal"}
    last = pack.story.last_day
    assert len(risen(pack, history, newest.place, kinds, (last - timedelta(days=4), last))) >= 2


def test_other_causes_show_in_the_streams_they_name(pack: Pack, history: GeneratedObservations) -> None:
    assert pack.story is not None and pack.story.other_causes
    for cause in pack.story.other_causes:
        inside = cause.first_day, cause.first_day + timedelta(days=cause.days)
        assert risen(pack, history, cause.place, set(cause.extra), inside), cause.code


def test_the_hidden_truth_begins_where_the_story_says(pack: Pack, history: GeneratedObservations) -> None:
    assert pack.story is not None
    started = pack.story.first_day + timedelta(days=int(np.flatnonzero(history.infections.sum(axis=0))[0]))
    assert started == min(outbreak.seeded_on for outbreak in pack.story.outbreaks)
    known = infections_known(history)
    most = sorted(known, key=known.__getitem__)[-len(pack.story.outbreaks) :]
    assert {outbreak.place for outbreak in pack.story.outbreaks} <= set(most)


def test_contacts_sum_to_one_and_prefer_the_own_village(pack: Pack) -> None:
    mixing = mixing_matrix(pack.villages, EpidemicParams())
    assert np.allclose(mixing.sum(axis=1), 1) and np.allclose(np.diag(mixing), 0.75) and (mixing >= 0).all()


def test_delayed_events_keep_their_sum_and_come_later(pack: Pack) -> None:
    model = pack.sentinels[0].streams[0].model
    infections = np.zeros(60)
    infections[3] = 100.0
    events = delayed_events(model, infections)
    assert events.sum() == pytest.approx(100 * model.events_per_infection, rel=1e-3)
    assert (events[:3] == 0).all() and (events * np.arange(60)).sum() / events.sum() - 3 == pytest.approx(model.delay_mean_days, abs=0.6)


def test_a_pack_without_a_story_is_refused(pack: Pack) -> None:
    with pytest.raises(ValueError, match=r"no story\.yaml"):
        generate_observations(replace(pack, story=None), 1)


def test_positive_share_is_that_of_the_two_counts_and_no_alarm_reads_it(pack: Pack, history: GeneratedObservations) -> None:
    site = next(s for s in pack.sentinels if s.setting == "sampling_site")
    positive, sampled, share = (latest(history, code) for code in (f"{site.code}-s", f"{site.code}-sampled", f"{site.code}-rate"))
    assert len(share) > 600 and set(share) == set(positive) & set(sampled)
    assert all(value == round(1e4 * positive[day] / sampled[day], 2) for day, value in share.items())
    assert {stream.kind: stream.targets for stream in site.streams} == {
        "testing_positive": ("covid19",), "testing_sampled": (), "testing_positive_rate": (),
    }  # fmt: skip
