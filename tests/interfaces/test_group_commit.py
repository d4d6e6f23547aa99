"""Many requests, one transaction: what belongs to a group, and what a failure means."""

import asyncio
from collections.abc import Sequence

from tongchou.interfaces.gate.group_commit import GroupCommit


def written(requests: Sequence[Sequence[int]], rows_at_once: int = 4000, fail_on: int = -1) -> tuple[list[list[int]], list[str]]:
    """Put requests in one turn of a loop; the groups as written, and what each request was told."""
    groups: list[list[int]] = []
    told: list[str] = []

    def write(rows: Sequence[int]) -> str:
        if fail_on in rows:
            raise OSError("disk full")
        groups.append(list(rows))
        return f"group {len(groups)}"

    async def work() -> None:
        writer = GroupCommit(write, rows_at_once)
        for rows in requests:
            writer.put(rows, lambda said: told.append(str(said)))
        while len(told) < len(requests):
            await asyncio.sleep(0)

    asyncio.run(work())
    return groups, told


def test_what_one_turn_brings_is_written_together_and_in_order() -> None:
    assert written([[1], [2, 3], [4]]) == ([[1, 2, 3, 4]], ["group 1"] * 3)


def test_a_group_ends_with_the_request_that_fills_it() -> None:
    assert written([[1, 2], [3, 4], [5, 6], [7]], rows_at_once=3) == ([[1, 2, 3, 4], [5, 6, 7]], ["group 1"] * 2 + ["group 2"] * 2)


def test_a_failure_is_told_to_its_own_group_only() -> None:
    groups, told = written([[1, 2], [3], [4, 5]], rows_at_once=2, fail_on=3)
    assert groups == [[1, 2]] and told == ["group 1", "disk full", "disk full"]


def test_what_waits_is_written_when_the_lane_ends() -> None:
    groups: list[int] = []
    told: list[int] = []

    async def work() -> None:
        writer = GroupCommit(lambda rows: groups.extend(rows) or len(rows), 10)
        writer.put([1], lambda said: told.append(said))  # type: ignore[arg-type]
        writer.write_all()

    asyncio.run(work())
    assert groups == [1] and told == [1]
