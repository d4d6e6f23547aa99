"""How far ahead something may be set to end. Pure."""

from datetime import datetime, timedelta

from tongchou.core.wording import T


def span_problem(ends_at: datetime, longest: timedelta, at: datetime, because: T) -> T | None:
    """What is wrong with an end set now: it lies ahead, and no further than `longest`; `because` says why no further."""
    if ends_at <= at:
        return T("结束时间须在将来。", "The end must lie in the future.")
    if ends_at > at + longest:
        days = f"{longest / timedelta(days=1):g}"
        return T(f"最长 {days} 天，{because.zh}。", f"At most {days} days: {because.en}.")
    return None
