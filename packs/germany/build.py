"""Write places.csv, sentinels.yaml and observations/*.csv.gz of this pack from copies of the Robert Koch-Institut's open data.

python packs/germany/build.py FOLDER      FOLDER holds the files named in PROVENANCE.md

An observation is (stream, day, reported_at, value, basis); `day` is the last day the value covers. basis `vintage`: the value stood
there from that publication on. basis `final_at_usual_lag`: no publication of that time is kept, so the earliest value known (or the
final one) is dated at the stream's usual lag.
"""

import argparse
import csv
import gzip
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import yaml
from build_places import COUNTRY, NATIONAL_POPULATION, STATES, STREAM_KINDS, make_sentinels

HERE = Path(__file__).resolve().parent
HOUR = "T16:00:00+00:00"  # publications appear during the working day; late afternoon is the cautious reading
Vintages = dict[date, list[tuple[date, float]]]
Observation = tuple[str, date, date, float, str]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("folder", type=Path)
    folder = options.parse_args().folder
    write_places()
    rows = "\n".join(f"  - {flow(sentinel)}" for sentinel in make_sentinels())
    (HERE / "sentinels.yaml").write_text(f"{STREAM_KINDS}sentinels:\n{rows}\n", encoding="utf-8")
    made = {
        "hospital": hospital(folder), "intensive_care": intensive_care(folder), "gp": gp_consultations(folder), "survey": survey(folder),
        "influenza": influenza(folder), "wastewater": wastewater(folder), "emergency": emergency(folder),
    }  # fmt: skip
    for name, observations in made.items():
        write_observations(name, observations)


def flow(row: dict[str, object]) -> str:
    return yaml.safe_dump(row, allow_unicode=True, default_flow_style=True, sort_keys=False, width=10_000).strip()


def write_places() -> None:
    with (HERE / "places.csv").open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["code", "kind", "parent", "name_zh", "name_en", "population", "lat", "lon", "valid_from", "valid_to", "generated"])
        writer.writerow([COUNTRY, "country", "", "德国", "Germany", NATIONAL_POPULATION, 51.2, 10.4, "2011-01-01", "", "no"])
        for s in STATES:
            writer.writerow([s.code, "state", COUNTRY, s.zh, s.en, s.population, s.lat, s.lon, "2011-01-01", "", "no"])


def write_observations(name: str, observations: Iterable[Observation]) -> None:
    """One gzip file, sorted, with no time stamp inside: the same data gives the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["stream", "day", "reported_at", "value", "basis"])
    for stream, day, published, value, basis in sorted(observations, key=lambda row: row[:3]):
        writer.writerow([stream, day, f"{published}{HOUR}", f"{value:.10g}", basis])
    path = HERE / "observations" / f"{name}.csv.gz"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))
    print(f"{path.name}: {text.getvalue().count(chr(10)) - 1} observations, {path.stat().st_size} bytes")


def read(folder: Path, name: str) -> Iterator[dict[str, str]]:
    path = folder / name
    with gzip.open(path, "rt", encoding="utf-8") if name.endswith(".gz") else path.open(encoding="utf-8") as handle:
        yield from csv.DictReader(handle)


def sunday(iso_week: str) -> date:
    """The last day of an ISO week such as 2022-W40."""
    year, week = iso_week.split("-W")
    return date.fromisocalendar(int(year), int(week), 7)


def usual_lag_days(vintages: Iterable[Vintages]) -> int:
    """Median days from a value's day to its first publication, leaving out what the first kept publication held in bulk."""
    both = list(vintages)
    opening = min(entries[0][0] for kept in both for entries in kept.values())
    lags = [(entries[0][0] - day).days for kept in both for day, entries in kept.items() if entries[0][0] > opening]
    return round(median(lags))


def bitemporal(stream: str, final: dict[date, float], vintages: Vintages, lag_days: int, tolerance: float = 0.0) -> Iterator[Observation]:
    """Merge kept publications and final values; a republication within `tolerance` (relative) of the last value is left out."""
    for day in sorted(set(final) | set(vintages)):
        entries = sorted(vintages.get(day, []))
        due = day + timedelta(days=lag_days)
        known: float | None = None
        if not entries or entries[0][0] > due + timedelta(days=8):
            known = entries[0][1] if entries else final[day]
            yield stream, day, due, known, "final_at_usual_lag"
        for published, value in entries:
            if known is None or abs(value - known) > tolerance * abs(known):
                yield stream, day, published, value, "vintage"
                known = value


def hospital(folder: Path) -> Iterator[Observation]:
    """Seven-day sums as first published; the day is the day of publication."""
    codes = {state.code for state in STATES}
    for row in read(folder, "covid_hosp_7d_daily.csv"):
        if row["region_id"] in codes:
            day = date.fromisoformat(row["date"])
            yield f"{row['region_id']}-hosp", day, day, float(row["hosp_7d_fixed"]), "vintage"


def intensive_care(folder: Path) -> Iterator[Observation]:
    """New admissions per day; no vintages are kept, so final values a day later."""
    for row in read(folder, "icu_states_daily.csv.gz"):
        if row["icu_covid_new_admissions"] not in ("", "NA"):
            day = date.fromisoformat(row["date"])
            value = float(row["icu_covid_new_admissions"])
            yield f"{row['region_id']}-icu", day, day + timedelta(days=1), value, "final_at_usual_lag"


def gp_consultations(folder: Path) -> Iterator[Observation]:
    streams = {(s.gp_name, age): f"{s.code}-gp-{word}" for s in STATES for age, word in (("60+", "60plus"), ("5-14", "5to14"))}
    yield from weekly_rates(
        folder, "are_consultation_weekly.csv", "are_consultation_vintages.csv.gz", streams, ("region", "age_group"), "are_per_100k"
    )


def survey(folder: Path) -> Iterator[Observation]:
    regions = {"north": "Norden (West)", "middle": "Mitte (West)", "south": "Sueden"}
    streams = {(name, ill, "00+"): f"survey-{code}-{ill.lower()}" for code, name in regions.items() for ill in ("ARE", "ILI")}
    yield from weekly_rates(
        folder, "grippeweb_weekly.csv", "grippeweb_vintages.csv.gz", streams, ("region", "illness", "age_group"), "per_100k"
    )


def weekly_rates(
    folder: Path, final_name: str, vintage_name: str, streams: dict[tuple[str, ...], str], keys: tuple[str, ...], value: str
) -> Iterator[Observation]:
    final: dict[str, dict[date, float]] = defaultdict(dict)
    kept: dict[str, Vintages] = defaultdict(lambda: defaultdict(list))
    for row in read(folder, final_name):
        stream = streams.get(tuple(row[key] for key in keys))
        if stream and row[value] not in ("", "NA"):
            final[stream][sunday(row["iso_week"])] = float(row[value])
    for row in read(folder, vintage_name):
        stream = streams.get(tuple(row[key] for key in keys))
        if stream and row[value] not in ("", "NA"):
            kept[stream][sunday(row["iso_week"])].append((date.fromisoformat(row["published"]), float(row[value])))
    lag_days = usual_lag_days(kept.values())
    print(f"{vintage_name}: usual lag {lag_days} days after the Sunday of the week")
    for stream in final:
        yield from bitemporal(stream, final[stream], kept[stream], lag_days)


def influenza(folder: Path) -> Iterator[Observation]:
    """Cases under 60 (two age groups added) and from 60 on. The source leaves out empty cells: they are zero."""
    words = {"00-14": "under60", "15-59": "under60", "60+": "60plus"}
    codes = {state.code for state in STATES}
    final: dict[str, dict[date, float]] = defaultdict(lambda: defaultdict(float))
    weeks = {sunday(row["iso_week"]) for row in read(folder, "influenza_cases_weekly.csv")}
    for row in read(folder, "influenza_cases_weekly.csv"):
        if row["region_id"] in codes and row["age_group"] in words:
            final[f"{row['region_id']}-flu-{words[row['age_group']]}"][sunday(row["iso_week"])] += float(row["cases"])
    changes: dict[tuple[str, date], dict[date, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in read(folder, "influenza_cases_vintages.csv"):
        if row["region_id"] in codes and row["age_group"] in words:
            key = f"{row['region_id']}-flu-{words[row['age_group']]}", sunday(row["iso_week"])
            changes[key][date.fromisoformat(row["published"])][row["age_group"]] = float(row["cases"])
    kept: dict[str, Vintages] = defaultdict(dict)
    for (stream, day), published in changes.items():
        standing: dict[str, float] = {}
        kept[stream][day] = []
        for on in sorted(published):
            standing |= published[on]
            kept[stream][day].append((on, sum(standing.values())))
    lag_days = usual_lag_days(kept.values())
    print(f"influenza_cases_vintages.csv: usual lag {lag_days} days after the Sunday of the week")
    for stream, values in final.items():
        yield from bitemporal(stream, {day: values.get(day, 0.0) for day in weeks}, kept[stream], lag_days)


def wastewater(folder: Path) -> Iterator[Observation]:
    """National loads. Every publication recomputes the whole back series: changes up to 2 % are left out."""
    streams = {"SARS-CoV-2": "wastewater-sarscov2", "Influenza A": "wastewater-influenza-a", "Influenza-A": "wastewater-influenza-a"}
    final: dict[str, dict[date, float]] = defaultdict(dict)
    kept: dict[str, Vintages] = defaultdict(lambda: defaultdict(list))
    for row in read(folder, "wastewater_weekly.csv"):
        if row["pathogen"] in streams and row["viral_load"]:
            final[streams[row["pathogen"]]][date.fromisoformat(row["date"])] = float(row["viral_load"])
    for row in read(folder, "wastewater_vintages.csv"):
        if row["pathogen"] in streams and row["viral_load"]:
            entry = date.fromisoformat(row["published"]), float(row["viral_load"])
            kept[streams[row["pathogen"]]][date.fromisoformat(row["date"])].append(entry)
    lag_days = usual_lag_days(kept.values())
    print(f"wastewater_vintages.csv: usual lag {lag_days} days after the Wednesday")
    for stream in final:
        yield from bitemporal(stream, final[stream], kept[stream], lag_days, tolerance=0.02)


def emergency(folder: Path) -> Iterator[Observation]:
    """Visits per reporting department, since the number of departments changes from day to day and grows after first publication."""
    streams = {"ARI": "emergency-ari", "ILI": "emergency-ili"}
    final: dict[str, dict[date, float]] = defaultdict(dict)
    kept: dict[str, Vintages] = defaultdict(lambda: defaultdict(list))
    for row in read(folder, "ed_visits_daily.csv"):
        if row["stream"] in streams and float(row["ed_count"]) > 0:
            final[streams[row["stream"]]][date.fromisoformat(row["date"])] = per_department(row)
    for row in read(folder, "ed_visits_vintages.csv"):
        if row["stream"] in streams and float(row["ed_count"]) > 0:
            entry = date.fromisoformat(row["published"]), per_department(row)
            kept[streams[row["stream"]]][date.fromisoformat(row["date"])].append(entry)
    lag_days = usual_lag_days(kept.values())
    print(f"ed_visits_vintages.csv: usual lag {lag_days} days")
    for stream in final:
        yield from bitemporal(stream, final[stream], kept[stream], lag_days)


def per_department(row: dict[str, str]) -> float:
    return round(float(row["visit_count"]) / float(row["ed_count"]), 4)


if __name__ == "__main__":
    main()
