"""Who was where, from the log of scans as it is now; refused entries are none."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.apps import apps

from tongchou.domains.visits.rules import ONE_DAY_S, Stays, Whole, pair_scans
from tongchou.domains.visits.scan_columns import ScanColumns


@dataclass(frozen=True, slots=True)
class StayReader:
    """Stays that touch a span of time, instants in seconds since 1970 UTC.

    `longest_s`: longest stay by class of venue where no exit was scanned, `otherwise_s` for other classes.
    """

    columns: ScanColumns
    from_s: int
    to_s: int
    longest_s: Mapping[str, int]
    otherwise_s: int
    classes: Mapping[int, str]

    @classmethod
    def over(cls, from_s: int, to_s: int, longest_s: Mapping[str, int], otherwise_s: int) -> "StayReader":
        """For a span, from everything that is in the log now. Three queries, and one for every million new scans."""
        columns = ScanColumns()
        columns.bring_up_to_date()
        classes = dict(apps.get_model("registry", "Venue")._default_manager.order_by().values_list("pk", "venue_class"))
        return cls(columns, from_s, to_s, longest_s, otherwise_s, classes)

    def of_holders(self, holders: Whole) -> Stays:
        """Stays of these people, everywhere."""
        return self._paired(self.columns.of_holders(holders, *self._reach()))

    def at_venues(self, venues: Whole) -> Stays:
        """Everybody's stays at these venues."""
        return self._paired(self.columns.at_venues(venues, *self._reach()))

    def all(self) -> Stays:
        """Everybody's stays, everywhere."""
        return self._paired(self.columns.between(*self._reach()))

    def _reach(self) -> tuple[int, int]:
        # A scan outside the span may begin or end a stay inside it.
        reach = max([*self.longest_s.values(), self.otherwise_s, ONE_DAY_S])
        return self.from_s - reach, self.to_s + reach

    def _paired(self, read: Whole) -> Stays:
        venues, where = np.unique(read[1], return_inverse=True)
        longest = np.array([self.longest_s.get(self.classes.get(v, ""), self.otherwise_s) for v in venues.tolist()], dtype=np.int64)
        found = pair_scans(read[0], read[1], read[2], read[3], longest[where] if read.shape[1] else read[0])
        kept = (found.entered_s < self.to_s) & (found.left_s > self.from_s)
        return Stays(*(column[kept] for column in found))
