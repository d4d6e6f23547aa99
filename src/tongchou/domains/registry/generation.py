"""All registers of a generated town as columns, from one seed: every row is made up and marked so."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any
from zlib import crc32

import numpy as np

from tongchou.core.packs.contents import Pack
from tongchou.domains.registry.generation_firms import generate_firms
from tongchou.domains.registry.generation_people import Table, generate_people
from tongchou.domains.registry.generation_sites import generate_care_homes, generate_construction_sites, generate_schools, generate_venues

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True)
class GeneratedRegisters:
    """One table per register: column name → plain Python values, all columns of a table equally long.

    `place` is a place code, `household` a household code, `firm` a credit code or None; the other columns bear the models' names.
    """

    households: Columns
    residents: Columns
    firms: Columns
    venues: Columns
    schools: Columns
    care_homes: Columns
    construction_sites: Columns

    def tables(self) -> dict[str, Columns]:
        return {name: getattr(self, name) for name in self.__slots__}

    def digest(self) -> str:
        """SHA-256 over all values: the same seed gives the same digest on every machine."""
        total = sha256()
        for name, table in self.tables().items():
            for column, values in table.items():
                total.update(f"{name}.{column}".encode())
                total.update("\0".join(map(str, values)).encode())
        return total.hexdigest()


def generate_registers(pack: Pack, on: date, seed: int | None = None) -> GeneratedRegisters:
    """Make the registers of a pack that says how many of each (`generated` in pack.yaml). Raises ValueError where it does not.

    Residents follow the villages' populations; `on` is the day ages and states of firms refer to.
    """
    size = pack.identity.generated
    if size is None:
        raise ValueError(f"pack {pack.identity.code} has no 'generated' part: its registers are to be imported, not made")
    seed = size.seed if seed is None else seed

    def named(name: str) -> np.random.Generator:
        return np.random.default_rng([seed, crc32(name.encode())])

    villages = pack.villages
    households, residents = generate_people(villages, on, named("people"))
    firms = generate_firms(villages, pack.industries, size.firms, on, named("firms"))
    return GeneratedRegisters(
        households=_plain(households),
        residents=_plain(residents),
        firms=_plain(firms),
        venues=_plain(generate_venues(villages, firms, size.venues, named("venues"))),
        schools=_plain(generate_schools(villages, named("schools"))),
        care_homes=_plain(generate_care_homes(villages, named("care_homes"))),
        construction_sites=_plain(generate_construction_sites(villages, named("construction_sites"))),
    )


def _plain(table: Table) -> Columns:
    # Database drivers know int, str, bool and date, not numpy's kinds of them.
    return {
        name: values.tolist() if isinstance(values, np.ndarray) else [v.item() if isinstance(v, np.generic) else v for v in values]
        for name, values in table.items()
    }


def chunks(table: Columns, rows: int = 5_000) -> Iterator[Columns]:
    """The rows of a table in chunks."""
    for start in range(0, len(next(iter(table.values()))), rows):
        yield {name: values[start : start + rows] for name, values in table.items()}
