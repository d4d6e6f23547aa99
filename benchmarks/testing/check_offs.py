"""How many people are checked off a second through the action, and how long a whole round of 200,000 takes to its end.

Beside it, in the same run and on the same table, what one INSERT and commit for each person reaches: what a program without group insert does.

    python -m benchmarks.testing.check_offs [--people 200000] [--on sqlite|postgresql]

Deliveries are a household (three people), a tube (ten), ten tubes and a box of fifty tubes; every
delivery is a transaction of its own with its entry in the log. One process, so the rate of one writer.
"""

import argparse
import json
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.databases import measure_each

GOAL_PER_S, FIELD_PER_S = 2_000, 38
AT = datetime(2022, 6, 2, 0, tzinfo=UTC)
POOL = 10


def main(kind: str, options: argparse.Namespace) -> None:
    """Measure on one database and print the figures."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    from tongchou.core.people.rules import system_actor

    made, by = make_town(options.people), system_actor("benchmark")
    begun = perf_counter()
    told = live_round(made, by)
    told["round_s"] = round(perf_counter() - begun, 1)
    rates = told["per_s"]
    plain = plain_inserts(made)
    print(json.dumps({"database": kind, **told, "plain_inserts_per_s": round(plain)}))
    rows = [
        {
            "promise": {
                "zh": f"采样登记（{kind}，每次送来十管100人，一事务一条留痕）：每秒至少 {GOAL_PER_S:,} 人；现场纪录每秒 {FIELD_PER_S} 人（街头多组人工，受采样本身所限）",
                "en": f"check-off ({kind}; ten tubes, 100 people a delivery, one transaction, one entry): at least {GOAL_PER_S:,} people/s; the record in the field is {FIELD_PER_S}/s (many crews on the street, limited by the swab)",
            },
            "measured": f"{rates['ten_tubes']:,} /s",
            "peer": {
                "zh": f"同一张表逐人一条 INSERT 一次提交 {plain:,.0f} /s，为其 {rates['ten_tubes'] / plain:.1f} 倍；一次一管10人 {rates['tube']:,} /s，一户3人 {rates['household']:,} /s，五十管 {rates['box']:,} /s",
                "en": f"one INSERT and commit per person on the same table {plain:,.0f}/s: {rates['ten_tubes'] / plain:.1f} times; a tube of 10 a delivery {rates['tube']:,}/s, a household of 3 {rates['household']:,}/s, fifty tubes {rates['box']:,}/s",
            },
            "kept": rates["ten_tubes"] >= GOAL_PER_S,
        },
        {
            "promise": {
                "zh": f"一轮 {options.people:,} 人（{kind}）：从名册到人人有着落而结束",
                "en": f"a round of {options.people:,} ({kind}): from drawing the roll to its end with everybody accounted for",
            },
            "measured": f"{told['round_s']} s",
            "peer": {"zh": "漏检 0 人才能结束", "en": "it ends only with nobody missing"},
            "kept": told["missing"] == 0 and told["state"] == "closed",
        },
    ]  # fmt: skip
    print("figures: " + json.dumps(rows, ensure_ascii=False))


def make_town(people: int) -> dict[str, Any]:
    """A town of 27 villages with households of three in its register."""
    from tongchou.core.importing.bulk import insert_columns
    from tongchou.core.parameters.models import Parameter, ParameterValue
    from tongchou.core.people.models import Post, Unit
    from tongchou.core.places.models import Place
    from tongchou.domains.registry.models import Household, Resident
    from tongchou.domains.testing.models import Site

    def place(code: str, path: str, parent: Any) -> Any:
        return Place.objects.create(
            code=code, kind="village", parent=parent, path=path, name_zh=code, name_en=code, valid_from=date(2020, 1, 1)
        )

    town = place("T", "/T/", None)
    villages = [place(f"V{n:02d}", f"/T/V{n:02d}/", town) for n in range(27)]
    unit = Unit.objects.create(code="testing", kind="group", name_zh="检测组", name_en="Testing", place=town)
    post = Post.objects.create(code="leader", kind="group_leader", unit=unit, place=town, name_zh="组长", name_en="Head")
    for key, hours in (("testing.area_round_within", 24), ("testing.retest_within", 6)):
        parameter = Parameter.objects.create(key=key, unit="hour", name_zh=key, name_en=key)
        ParameterValue.objects.create(
            parameter=parameter, value=hours, valid_from=date(2020, 1, 1), source_zh="试", source_en="test", confidence="low"
        )
    homes = -(-people // 3)
    where = [villages[h % 27].pk for h in range(homes)]
    insert_columns(Household, {"code": [f"H{h}" for h in range(homes)], "place_id": where, "name": ["户"] * homes, "near_key": [""] * homes, "changed_at": [AT] * homes})  # fmt: skip
    first = Household.objects.order_by("pk").values_list("pk", flat=True)[0]
    insert_columns(Resident, {
        "household_id": [first + n // 3 for n in range(people)], "place_id": [where[n // 3] for n in range(people)], "name": ["居民"] * people,
        "near_key": [""] * people, "sex": ["m"] * people, "born_on": [date(1980, 1, 1)] * people, "changed_at": [AT] * people,
    })  # fmt: skip
    sites = [Site.objects.create(code=f"S{v.code}", name_zh=v.code, name_en=v.code, place=v, hours=[], booths=4) for v in villages]
    return {"town": town, "post": post, "sites": sites}


def live_round(made: dict[str, Any], by: Any) -> dict[str, Any]:
    """One round from its roll to its end: 97 % sampled, one pool in 500 positive, the rest accounted for. Times every way of delivering."""
    from tongchou.core.wording import T
    from tongchou.domains.testing.actions import close_round, plan_round, start_round, wind_up_round
    from tongchou.domains.testing.actions_laboratory import Finding, pack_box, receive_box
    from tongchou.domains.testing.actions_sampling import account_for
    from tongchou.domains.testing.models import RollEntry
    from tongchou.domains.testing.queries import missing, missing_count, turnaround
    from tongchou.workflows.testing_rounds import take_results

    shown = plan_round(title=T("全员", "All"), place=made["town"], pool_size=POOL, owner=made["post"], by=by, at=AT)
    begun = perf_counter()
    start_round(shown, by=by, at=AT)
    roll_s = perf_counter() - begun
    per_s: dict[str, int] = {}
    for site in made["sites"]:
        entries = list(
            RollEntry.objects.filter(round=shown, place=site.place).order_by("household_id", "pk").values_list("person_id", flat=True)
        )
        wanted = entries[: int(len(entries) * 0.97)]
        share = min(2_000, len(wanted) // 4)
        parts = (
            {
                "household": wanted[:share],
                "tube": wanted[share : 2 * share],
                "ten_tubes": wanted[2 * share : 3 * share],
                "box": wanted[3 * share :],
            }
            if not per_s
            else {"box": wanted}
        )
        for how, people in parts.items():
            rate = deliver(shown, site, people, how, by)
            per_s.setdefault(how, rate)
        box = pack_box(testing_round=shown, site=site, laboratory="实验室", by=by, at=AT + timedelta(hours=5))
        tubes = list(box.tubes.order_by("pk").values_list("code", flat=True))
        receive_box(box, holder="收样员", tube_count=len(tubes), by=by, at=AT + timedelta(hours=6))
        findings = [Finding(t, "positive" if n % 500 == 7 else "negative", AT + timedelta(hours=10)) for n, t in enumerate(tubes)]
        take_results(findings, source="benchmark", by=by, at=AT + timedelta(hours=10))
    wind_up_round(shown, by=by, at=AT + timedelta(hours=11))
    left = list(missing(shown).values_list("person_id", flat=True))
    for start in range(0, len(left), 500):
        account_for(testing_round=shown, people=left[start : start + 500], reason="out_of_town", by=by, at=AT + timedelta(hours=12))
    begun = perf_counter()
    close_round(shown, by=by, at=AT + timedelta(hours=13))
    shown.dossier.refresh_from_db()
    return {
        "people": len(left) + shown.check_offs.count(), "roll_s": round(roll_s, 2), "per_s": per_s, "close_s": round(perf_counter() - begun, 2),
        "missing": missing_count(shown), "state": shown.dossier.state, "p90_sample_to_result_min": turnaround(shown)[3].p90_min,
    }  # fmt: skip


def deliver(shown: Any, site: Any, people: list[int], how: str, by: Any) -> int:
    """Check these people off in deliveries of one kind; gives people a second."""
    from tongchou.domains.testing.actions_check_off import Sampled, check_off

    step = {"household": 3, "tube": POOL, "ten_tubes": 10 * POOL, "box": 50 * POOL}[how]
    pool = POOL if how != "household" else 9  # three households a tube
    rows = [Sampled(who, f"{site.code}{how.replace('_', '')}{n // pool:06d}") for n, who in enumerate(people)]
    begun = perf_counter()
    for start in range(0, len(rows), step):
        check_off(testing_round=shown, site=site, sampled=rows[start : start + step], by=by, at=AT + timedelta(hours=1))
    return round(len(rows) / (perf_counter() - begun)) if rows else 0


def plain_inserts(made: dict[str, Any], count: int = 2_000) -> float:
    """The same columns into a copy of the table, one INSERT and commit for each person."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT round_id, person_id, place_id, tube_id, at, way FROM testing_checkoff ORDER BY id LIMIT %s", [count])
        rows = cursor.fetchall()
        serial = "INTEGER PRIMARY KEY" if connection.vendor == "sqlite" else "BIGSERIAL PRIMARY KEY"
        instant = "datetime" if connection.vendor == "sqlite" else "timestamptz"
        cursor.execute(f"CREATE TABLE bare (id {serial}, round_id bigint, person_id bigint, place_id bigint, tube_id bigint, at {instant}, way int, UNIQUE (round_id, person_id))")  # fmt: skip
        begun = perf_counter()
        for row in rows:
            cursor.execute("INSERT INTO bare (round_id, person_id, place_id, tube_id, at, way) VALUES (%s, %s, %s, %s, %s, %s)", row)
        return len(rows) / (perf_counter() - begun)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=200_000)
    measure_each(parser, __file__, main)
