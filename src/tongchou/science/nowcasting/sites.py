"""One curve of many sites, completed: what will still be corrected, and what sites that have not reported yet would add."""

from datetime import timedelta

import numpy as np
from scipy.stats import nbinom

from tongchou.science.nowcasting.delay_hazard import draw_counts, nowcast
from tongchou.science.nowcasting.lawless import nowcast_lawless
from tongchou.science.nowcasting.model import PROBABILITIES, HazardParams, LadderParams, kept_array
from tongchou.science.nowcasting.site_model import Bools, CompletedCurve, Method, SiteParams, SiteReports
from tongchou.science.nowcasting.triangle import Floats, ReportingTriangle, triangle_of

WEEK = 7


def complete_curve(reports: SiteReports, params: SiteParams = SiteParams()) -> CompletedCurve:
    """Say what the sum over all sites will be when everything is in.

    Parameters
    ----------
    reports: what is known at one instant; `params`: see SiteParams.

    Returns
    -------
    CompletedCurve over all steps of `reports.due`.

    Notes
    -----
    Triangle: increments of each site's value by the age of its report, age 0 = its first report of the day; summed over sites, net of
    corrections downwards (`triangle_of`). A step is counted back from the instant itself, so that the running day is compared with past
    days as they stood at the same hour. D = smallest age by which all but ``late_share`` of the events are in. Method: D = 0 or fewer
    than 14 steps or 20 events: none; 35 steps or more: the weekday hazard (weekly curves: the chain ladder); between: Lawless.
    Missing sites: s_i = (sum of its last 28 values + 7 m) / (sum of all sites' values on those days + 7 m n), m = mean value of a
    site; w = share of the sites that are due and not in: those silent since an earlier day, and late ones within the usual lateness.
    The triangle's row is divided by 1 - w. Beside R reported, missing ~ NegBin with size (R + .5)/2 and mean (R + .5) w/(1 - w).
    Quantile p = R + (quantile p of what is still corrected) + (quantile p of what is missing): both at once, so rather too wide.
    Assumes that a site that is not in sees what the others see. Errs downwards when the silent ones are where the outbreak is.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> back = np.tile(np.arange(60)[::-1], 2)
    >>> site = np.repeat([0, 1], 60)
    >>> keep = ~((site == 1) & (back < 2))  # the second site has not reported for two days
    >>> rows = SiteReports(date(2022, 6, 1), 1, site[keep], back[keep], back[keep], np.full(keep.sum(), 10.0), np.ones((2, 60), bool), 60)
    >>> found = complete_curve(rows)
    >>> found.reported[-3:], found.expected[-1].round(), found.incomplete[-3:]
    (array([20., 10., 10.]), np.float64(20.0), array([False,  True,  True]))
    """
    return _Completion(reports, params).curve()


def draw_curves(reports: SiteReports, rng: np.random.Generator, params: SiteParams = SiteParams(), draws: int = 400) -> Floats | None:
    """Equally likely whole curves (draws, steps up to the last day of which something is said), all days of a draw together.

    None where it is not known how late reports come, the method is Lawless, or a day of the last four weeks is mostly missing.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> back = np.arange(60)[::-1]
    >>> rows = SiteReports(date(2022, 6, 1), 1, back * 0, back, back, np.full(60, 10.0), np.ones((1, 60), bool), 60)
    >>> draw_curves(rows, np.random.default_rng(1), draws=3)[:, -1]
    array([10., 10., 10.])
    """
    return _Completion(reports, params).draws(rng, draws)


def triangle_of_sites(reports: SiteReports, params: SiteParams = SiteParams()) -> ReportingTriangle:
    """The triangle `complete_curve` stands on: whole events by reference step (a day each, up to the last with reports) and age of the report.

    Examples
    --------
    >>> from datetime import date
    >>> import numpy as np
    >>> zero = np.zeros(2, dtype=np.int64)
    >>> rows = SiteReports(date(2022, 6, 1), 1, zero, np.array([1, 1]), np.array([1, 0]), np.array([5.0, 7.0]), np.ones((1, 2), bool), 2)
    >>> triangle_of_sites(rows).counts
    array([[ 5.,  2.],
           [ 0., nan]])
    """
    return _Completion(reports, params).triangle()


class _Completion:
    """The steps of `complete_curve`, in their order."""

    def __init__(self, reports: SiteReports, params: SiteParams) -> None:
        self.reports, self.params = reports, params
        self.sites, self.steps = reports.due.shape
        self.known = np.full((self.sites, self.steps), np.nan)
        self.known[reports.site, self.steps - 1 - reports.back] = reports.value  # rows are in order, so the last report stays
        self.is_in = np.isfinite(self.known)
        self.reported = np.where(self.is_in.any(axis=0), np.nansum(self.known, axis=0), np.nan)
        self.starts = np.flatnonzero(np.diff(reports.site * self.steps - reports.back, prepend=-self.steps - 1))
        self.usual_delay, self.patience = self._lateness()
        self.missing = self._missing_shares()
        self.rows = self.steps - self.usual_delay
        self.cells = self._increments()
        self.late_share, self.longest = self._lateness_of_events()
        self.method = self._method()

    def _lateness(self) -> tuple[int, int]:
        """Steps to the usual first report, and for how many more a late one is waited for."""
        r = self.reports
        first = (r.back - r.ago)[self.starts][r.back[self.starts] < r.recorded_steps]
        if not len(first):
            return 0, 0
        first = np.maximum(first, 0)
        usual = int(np.quantile(first, 0.1, method="lower"))
        return usual, int(np.quantile(first, 0.99, method="higher")) - usual

    def _missing_shares(self) -> Floats:
        """Share of the usual count of each day that sites which are due and not in would bring."""
        due, step = self.reports.due, np.arange(self.steps)
        last = np.where(self.is_in, step, -1).max(axis=1, initial=-1)[:, None]
        lag = self.steps - 1 - step - self.usual_delay
        waited_for = due & (lag >= 0) & (last >= self.steps - self.params.share_steps)
        awaited = waited_for & ~self.is_in & ((step > last) | (lag <= self.patience))
        share = self._site_shares()[:, None]
        whole = (share * (self.is_in | awaited)).sum(axis=0)
        return np.asarray(np.divide((share * awaited).sum(axis=0), whole, out=np.zeros(self.steps), where=whole > 0))

    def _site_shares(self) -> Floats:
        mean = float(np.nanmean(self.known)) if self.is_in.any() else 0.0
        total = np.nan_to_num(self.reported)
        prior = self.params.share_prior_steps * max(mean, 1e-9)
        found = np.zeros(self.sites)
        for site in range(self.sites):
            days = np.flatnonzero(self.is_in[site])[-self.params.share_steps :]
            found[site] = (self.known[site, days].sum() + prior) / (total[days].sum() + prior * self.sites)
        return found

    def _increments(self) -> Floats:
        """(rows, ages) newly reported by the age of the report, over all sites; corrections downwards are negative."""
        r, steps = self.reports, self.steps
        delay = np.maximum(r.back - r.ago, 0)
        block = np.cumsum(np.isin(np.arange(len(r.site)), self.starts)) - 1
        change = np.diff(r.value, prepend=0.0)
        change[self.starts] = r.value[self.starts]
        age = np.maximum(delay - delay[self.starts][block], 0) if len(delay) else delay
        age = np.minimum(age, np.maximum(r.back - self.usual_delay, 0))
        cells = np.zeros((self.rows, steps + 1))
        use = r.back >= self.usual_delay
        np.add.at(cells, ((steps - 1 - r.back)[use], age[use]), change[use])
        return cells

    def _lateness_of_events(self) -> tuple[float | None, int]:
        """Share of the events that come after the first reports, and the age by which nearly all are in, on recorded days."""
        recorded = self.cells[max(0, self.steps - self.reports.recorded_steps) :]
        size = np.abs(recorded).sum()
        if len(recorded) < self.params.least_steps_lawless or size < self.params.least_events:
            seen = np.flatnonzero(np.abs(recorded).sum(axis=0)) if len(recorded) else np.zeros(1, dtype=int)
            return None, int(seen.max(initial=0))
        # A young day has not shown its late reports yet: ages are weighed by the days that have reached them.
        reached = np.array([np.abs(recorded[: len(recorded) - age, 0]).sum() for age in range(recorded.shape[1])])
        late = np.abs(recorded).sum(axis=0) / np.maximum(reached, 1e-9)
        late[(reached <= 0) | (np.arange(len(late)) == 0)] = 0.0
        rest = np.cumsum(late[::-1])[::-1]
        longest = int((rest > self.params.late_share).sum())
        return float(rest[1]) if len(rest) > 1 else 0.0, min(max(longest - 1, 0), self.params.longest_steps)

    def _method(self) -> Method:
        recorded = self.rows - max(0, self.steps - self.reports.recorded_steps)
        if self.late_share is None or self.longest == 0:
            return "none"
        if recorded >= max(self.params.least_steps, self.longest + WEEK):
            return "hazard" if self.reports.step_days == 1 else "ladder"
        return "lawless"

    def triangle(self) -> ReportingTriangle:
        """The increments of recorded days as a triangle, each row as if all sites were in."""
        first = max(0, self.steps - self.reports.recorded_steps)
        cells, missing = self.cells[first:], np.minimum(self.missing[first : self.rows], self.params.most_missing)
        # Whole counts stay whole: the kernel adds days to its sums and takes them out again.
        scaled = np.diff(np.rint(np.cumsum(cells, axis=1) / (1 - missing)[:, None]), axis=1, prepend=0.0)
        days, ages = np.nonzero(scaled[:, : self.longest + 1])
        # One day a step: weeks have no weekday, and the ladder asks for none.
        start = self.reports.last_day - timedelta(days=self.steps - 1 - first)
        stamps = [start + timedelta(days=k) for k in range(len(cells) + self.longest)]
        rows = [(stamps[t], stamps[t + d], scaled[t, d]) for t, d in zip(days.tolist(), ages.tolist(), strict=True)]
        if stamps[0] not in {row[0] for row in rows}:
            rows.insert(0, (stamps[0], stamps[0], 0.0))
        columns = list(zip(*rows, strict=True))
        return triangle_of(columns[0], columns[1], columns[2], stamps[len(cells) - 1], max(self.longest, 1), corrections="net")

    def curve(self) -> CompletedCurve:
        missing, rows, p = self.missing, self.rows, np.array(PROBABILITIES)
        quantiles, expected = np.full((self.steps, len(p)), np.nan), np.full(self.steps, np.nan)
        said = np.isfinite(self.reported) & (np.arange(self.steps) < rows) & (missing <= self.params.most_missing)
        beside, spread, is_known = self._still_corrected()
        absent = self._absent_mean()
        expected[said] = (self.reported + beside + absent)[said]
        size = np.maximum(np.nan_to_num(self.reported) + 0.5, 0.5) / self.params.dispersion
        noise = nbinom.ppf(p[None, :], size[:, None], (size / (size + absent))[:, None])
        quantiles[said] = (self.reported[:, None] + spread + np.where(absent[:, None] > 0, noise, 0.0))[said]
        return CompletedCurve(
            self.reports.last_day, self.reports.step_days, kept_array(self.reported), kept_array(expected), kept_array(quantiles),
            kept_array(missing), self._incomplete(expected), self.method, self.late_share, self.usual_delay, self.longest, is_known,
        )  # fmt: skip

    def _absent_mean(self) -> Floats:
        """What is expected of sites that are not in, beside those that are."""
        share = np.minimum(self.missing, self.params.most_missing)
        return np.asarray(np.where(share > 0, (np.nan_to_num(self.reported) + 0.5) * share / (1 - share), 0.0))

    def _still_corrected(self) -> tuple[Floats, Floats, bool]:
        """What late corrections are still expected to add to each day, and its quantiles, beside what is reported."""
        beside, spread = np.zeros(self.steps), np.zeros((self.steps, len(PROBABILITIES)))
        if self.method == "none":
            return beside, spread, True
        triangle = self.triangle()
        found = nowcast_lawless(triangle) if self.method == "lawless" else nowcast(triangle, self._model())
        here = slice(self.rows - len(found.expected), self.rows)
        beside[here] = np.maximum(found.expected - found.reported, 0)
        spread[here] = np.maximum(found.quantiles - found.reported[:, None], 0)
        return beside, spread, found.is_spread_known

    def _model(self) -> HazardParams | LadderParams:
        return self.params.hazard if self.method == "hazard" else self.params.ladder

    def _incomplete(self, expected: Floats) -> Bools:
        """Days that may still rise: sites are not in, corrections are expected, or late reports come and nobody knows how many."""
        rise = np.nan_to_num(expected - self.reported)
        found = (rise > np.maximum(0.5, self.params.open_share * np.nan_to_num(expected))) | (self.missing > self.params.open_share)
        found[self.rows :] |= self.is_in[:, self.rows :].any(axis=0)
        if self.late_share is None and self.reports.recorded_steps:
            found[max(0, self.rows - max(self.longest, 1)) :] |= True
        return found & np.isfinite(self.reported)

    def draws(self, rng: np.random.Generator, draws: int) -> Floats | None:
        blind = self.missing[: self.rows] > self.params.most_missing
        said = self.rows - int(np.argmin(blind[::-1])) if not blind.all() else 0
        is_known = self.late_share is not None and self.method != "lawless"
        if not said or not is_known or blind[max(0, said - self.params.share_steps) : said].any():
            return None
        reported, absent = np.nan_to_num(self.reported[: self.rows]), self._absent_mean()[: self.rows]
        size = (reported + 0.5) / self.params.dispersion
        counts = reported + np.where(absent > 0, rng.negative_binomial(size, size / (size + absent), size=(draws, self.rows)), 0)
        if self.method != "none":
            triangle = self.triangle()
            drawn = draw_counts(triangle, rng, self._model(), draws=draws).counts
            counts[:, -drawn.shape[1] :] += np.maximum(drawn - triangle.reported, 0)
        return kept_array(counts[:, :said])
