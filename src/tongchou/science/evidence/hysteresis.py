"""A grade that rises at once and falls slowly, so that it does not flutter."""

from collections.abc import Sequence

from tongchou.science.detection.model import GRADES, Grade

LEVELS: tuple[Grade | None, ...] = (None, *GRADES)


def grade_over_time(grades: Sequence[Grade | None], fall_after_days: int = 3) -> tuple[Grade | None, ...]:
    """The grade shown on each day, from the grade that each day's evidence asks for.

    Parameters
    ----------
    grades: one a day, oldest first; None = no grade.
    fall_after_days: on this many days running the evidence must lie below the grade shown; on the last of them it falls, by one level.
        3: assumption.

    Notes
    -----
    Then the days are counted anew. So red is left for no grade after at least 4 x fall_after_days days. Days already shown never change.

    Examples
    --------
    >>> grade_over_time(["yellow", "red", "blue", "blue", "blue", "blue"], fall_after_days=3)
    ('yellow', 'red', 'red', 'red', 'orange', 'orange')
    """
    if fall_after_days < 1:
        raise ValueError(f"grade_over_time: fall_after_days is at least 1; got {fall_after_days}")
    shown, level, days = [], 0, 0
    for day, grade in enumerate(grades):
        if grade not in LEVELS:
            raise ValueError(f"grade_over_time: day {day} has {grade!r}; a grade is None or one of {', '.join(GRADES)}")
        asked = LEVELS.index(grade)
        days = days + 1 if asked < level else 0
        if asked > level:
            level = asked
        elif days == fall_after_days:
            level, days = level - 1, 0
        shown.append(LEVELS[level])
    return tuple(shown)
