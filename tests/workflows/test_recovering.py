"""The two rates beside their evidence, disagreements worst first, the weeks ahead, who is stuck and what would help most."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest

from tests.domains.resumption.town import AT, DAY, MAY, SYSTEM, TODAY, Works, works_in
from tests.fixtures_town import Town
from tongchou.core.errors import Invalid, Unseen
from tongchou.core.importing.tables import FileRefused
from tongchou.core.places.queries import places_below
from tongchou.core.wording import use_language
from tongchou.domains.gate.models import Entrance
from tongchou.domains.registry.actions import add_generated
from tongchou.domains.registry.models import Firm
from tongchou.domains.resumption.models import Reading
from tongchou.workflows import recovering, resuming

HEAD = "统一社会信用代码,来源,起日,止日,数值,基数"


@pytest.fixture
def works(small_town: Town) -> Iterator[Works]:
    with use_language("en"):
        yield works_in(small_town)


def with_firms(works: Works, states: list[str], staff: int = 30) -> list[Firm]:
    """Further firms of the second village, in these states; at work since a day in May, a new one every day."""
    n = len(states)
    columns: dict[str, list[Any]] = {
        "name": [f"上海{k}厂" for k in range(n)], "credit_code": [f"9131011500000{k:05d}" for k in range(n)], "place": [works.town.villages[1].code] * n,
        "industry": ["3911"] * n, "staff_count": [staff + k for k in range(n)], "revenue_cny_10k": [3650] * n, "resumption": states,
        "resumed_on": [None if s == "closed" else TODAY - timedelta(days=k % 20) for k, s in enumerate(states)],
    }  # fmt: skip
    add_generated(register="firm", columns=columns, place=works.town.town, by=SYSTEM, at=AT)
    return list(Firm.objects.exclude(pk=works.firm.pk).order_by("pk"))


def read_in(works: Works, rows: list[str], head: str = HEAD) -> int:
    return resuming.keep_file("\n".join([head, *rows]).encode(), "电.csv", works.town.town, by=works.town.lin, at=AT)


def powered(works: Works, firm: Firm, share: float, source: str = "用电") -> str:
    return f"{works.firm.credit_code if firm is works.firm else firm.credit_code},{source},2022-05-01,2022-05-31,{1000 * share:g},1000"


def direct(firms: list[Firm], shares: list[float], source: str = "electricity") -> None:
    span = {"from_on": date(2022, 5, 1), "to_on": date(2022, 5, 31), "base": 1000, "known_at": AT, "source": source}
    Reading.objects.bulk_create([Reading(firm=f, value=1000 * s, **span) for f, s in zip(firms, shares, strict=True)])


def test_a_file_is_kept_whole_or_not_at_all_and_a_newer_figure_replaces(works: Works) -> None:
    code = works.firm.credit_code
    assert read_in(works, [f"{code},用电,2022-05-01,2022-05-31,400,1000", f"{code},开票,2022-05-01,2022-05-31,5,10"]) == 2
    assert read_in(works, [f"{code},electricity,2022-05-01,2022-05-31,500,1000"]) == 1
    assert Reading.objects.count() == 2 and Reading.objects.get(source="electricity").value == 500
    with pytest.raises(FileRefused) as wrong:
        read_in(works, [f"{code},蒸汽,2022-05-01,2022-05-31,1,1", f"{code},用电,2022-05-01,2022-05-31,-1,1"])
    assert [p.row for p in wrong.value.problems] == [2, 3]
    bad = ["91310115MA1K3BTP2B,用电,2022-05-01,2022-07-31,1,1", "91310115MA1K3BTP2B,用电,2022-05-01,2022-05-31,1,0"]
    with pytest.raises(Invalid, match="between its first day and today"):
        read_in(works, bad)
    with pytest.raises(Unseen):
        resuming.keep_file(f"{HEAD}\n{code},用电,2022-05-01,2022-05-31,1,1".encode(), "x", works.town.town, by=works.town.wu, at=AT)
    assert Reading.objects.count() == 2


def test_the_rates_stand_beside_each_kind_of_evidence(works: Works) -> None:
    firms = with_firms(works, ["closed"] * 3 + ["resumed"] * 5 + ["full"] * 2)
    direct(firms, [0.1] * 3 + [0.6] * 5 + [1.1] * 2)
    seen = recovering.picture(works.town.town.path, TODAY)
    whole, *groups = recovering.rates(seen, "village", {p.pk: p.name for p in places_below("/")})
    assert (whole.firms, round(whole.at_work, 3), round(whole.full, 3)) == (11, 0.636, 0.182)
    at_work, full = whole.evidence["electricity"]
    assert at_work.seen == 10 and at_work.share == pytest.approx((0.7 - 0.1) / 0.85) and full.share == pytest.approx(0.2)
    assert whole.evidence["staff"][0].seen == 0 and whole.evidence["staff"][0].share is None
    assert [(g.name.en, g.firms) for g in groups] == [("Qianming", 10), ("Xujing", 1)]
    assert [g.name.en for g in recovering.rates(seen, "venue", {})[1:]] == ["no venue registered", "factory"]
    assert [g.key for g in recovering.rates(seen, "sector", {})[1:]] == ["C"] and len(recovering.rates(seen, "size", {})) >= 2
    assert recovering.picture(works.town.town.path, TODAY + 40 * DAY).firms == (), "old evidence says nothing"


def test_who_files_one_thing_and_shows_another_is_listed_worst_first(works: Works) -> None:
    firms = with_firms(works, ["resumed", "resumed", "closed", "resumed", "closed"])
    direct(firms, [0.02, 0.6, 0.9, 0.04, 0.1])
    direct([firms[3]], [0.0], "staff")
    found = recovering.disagreements(recovering.picture(works.town.town.path, TODAY))
    assert [one.firm.name for one in found] == ["上海3厂", "上海2厂", "上海0厂"]  # of like certainty the one with more people first
    assert found[0].reason.en == "Filed as open, but its people at the gate is 0% of its own base."
    assert found[1].reason.en == "Nothing filed, but its electricity is at 90% of its own base." and "用电" in found[1].reason.zh
    assert found[0].chance < found[2].chance < 0.1 < 0.9 < found[1].chance


def test_the_weeks_ahead_begin_where_the_register_stands(works: Works) -> None:
    with_firms(works, ["closed"] * 40 + ["resumed"] * 60)
    found = recovering.ahead(works.town.town.path, TODAY, np.random.default_rng(1))
    assert (
        found is not None and found.days == tuple(TODAY + n * DAY for n in range(1, 15)) and len(found.past) == len(found.past_days) == 22
    )
    assert found.past[-1] == pytest.approx(60 / 101) and list(found.past) == sorted(found.past)
    median = found.forecast.at_work[2]
    assert 60 / 101 <= median[0] <= median[-1] <= 1 and found.forecast.at_work[0, -1] < found.forecast.at_work[4, -1]
    assert found.too_thin == ("full", "stops") and np.all(found.forecast.full == 0)
    again = recovering.ahead(works.town.town.path, TODAY, np.random.default_rng(1))
    assert again is not None and np.array_equal(again.forecast.at_work, found.forecast.at_work)
    assert recovering.ahead("/nowhere/", TODAY, np.random.default_rng(1)) is None


def test_who_is_stuck_since_when_because_of_what_and_what_would_help_most(works: Works) -> None:
    waits, put_right, refused = with_firms(works, ["closed"] * 3)
    asked = works.asked(ground="building", from_on=MAY.date(), closed_loop=True, people=15)
    resuming.file(waits, asked, signed_by="钱经理", by=works.town.lin, at=MAY)
    second = resuming.file(put_right, works.asked(people=10), signed_by="钱经理", by=works.town.lin, at=AT)
    works.checked(second, "R02S", by=works.town.gao)
    works.incident("red", 1)
    resuming.file(refused, works.asked(people=32), signed_by="钱经理", by=works.town.lin, at=AT)
    Entrance.objects.all().delete()
    works.filed(people=30)  # the factory's own door has no code any more
    found = recovering.stuck(["/"])
    assert [(one.filing.subject.name, list(one.causes)) for one in found] == [
        ("上海0厂", ["check"]), ("上海1厂", ["R02S"]), ("上海2厂", ["A01"]), ("上海示例电子有限公司", ["R11"]),
    ]  # fmt: skip
    assert found[0].since == MAY and [len(recovering.stuck([v.path])) for v in works.town.villages] == [1, 3, 0]
    rows = recovering.unblocking(found)
    assert [(row.code, row.freed, row.people) for row in rows] == [("R11", 1, 30), ("A01", 1, 32), ("check", 1, 15), ("R02S", 1, 10)]
    assert rows[0].output_10k_a_day == pytest.approx(7300 / 365 * 30 / 40) and rows[1].output_10k_a_day == pytest.approx(10)
    works.filed(closed_loop=True, from_on=TODAY)
    resuming.file(refused, works.asked(people=32, closed_loop=True), signed_by="钱经理", by=works.town.lin, at=AT)
    assert "上海2厂" not in {one.filing.subject.name for one in recovering.stuck(["/"])}, "filed again, it is stuck no more"
