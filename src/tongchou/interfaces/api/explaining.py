"""Why an alarm was raised, for programs: the very record that its page and `tongchou explain` show."""

from datetime import date, datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from tongchou.domains.warning.queries import seen_alarm
from tongchou.interfaces.api.warning import PpvOut
from tongchou.interfaces.api.wording import Pair, both
from tongchou.workflows.explaining import explain

router = Router(tags=["warning"])


class SeenOut(Schema):
    """One morning's newest value of a stream against what was expected of it."""

    day: date
    observed: float
    expected: float | None
    lower: float | None = Field(description=both("95% 范围下限", "lower end of the 95 % range"))
    upper: float | None = Field(description=both("95% 范围上限", "upper end of the 95 % range"))
    p: float | None = Field(description=both("中位 p 值", "mid-p value"))
    statistic: float = Field(
        description=both("当日该流自身的证据（自然对数）", "the stream's own evidence that morning, natural logarithm")
    )


class StreamStoryOut(Schema):
    """What one kind of stream contributes, with its days, the method, and why so much was expected."""

    kind: str
    stream: str | None
    name: Pair
    sentinel: Pair | None
    unit: Pair
    days_summed: int = Field(description=both("一个数值覆盖的天数", "how many days one value covers"))
    share: float
    statistic: float
    threshold: float | None
    is_over_its_line: bool
    method: str
    method_said: Pair
    gist: Pair | None
    why_expected: Pair | None
    pooled: int = Field(description=both("合并读取的数据流数", "streams of one kind read together"))
    days: list[SeenOut]


class CandidateOut(Schema):
    """A place where the outbreak may have begun."""

    place: str
    path: str
    name: Pair
    share: float = Field(description=both("占后验概率的份额", "share of the posterior probability"))
    probability: float = Field(description=both("该处有暴发的概率", "probability of an outbreak there"))
    is_whole: bool = Field(description=both("全域同时，或无法定位", "everywhere at once, or not to be located"))
    is_listed: bool = Field(
        description=both(
            "应按有上升对待（e-BH 名单，平均至多一成有误）", "to be treated as rising (e-BH list, at most a tenth wrong on average)"
        )
    )


class CostOut(Schema):
    """What the alarm costs of the promise."""

    nth: int = Field(description=both("本地同类的第几条（365 天内）", "the how-manieth of its area and target in 365 days"))
    false: int = Field(description=both("其中已判误报", "of these known to be false"))
    promised_per_year: float | None
    said: Pair


class HorizonOut(Schema):
    """Median and 80 % interval over the next days."""

    days: int
    median: float
    lower: float
    upper: float


class AheadOut(Schema):
    """What a stream is expected to bring if nothing is done."""

    kind: str
    name: Pair
    unit: Pair
    is_local: bool
    horizons: list[HorizonOut]


class RunUsed(Schema):
    """The computation behind it."""

    function: str
    version: str
    input_digest: str
    as_known_at: datetime
    recorded_at: datetime
    parameters: dict[str, Any]


class ExplanationOut(Schema):
    """Everything that is to be known of an alarm."""

    number: str
    title: Pair
    place: str
    grade: str
    state: str
    day: date
    last_seen_on: date
    as_known_at: datetime
    target: str
    raised_by: str
    log_evidence: float
    threshold: float
    probability: float
    prior_onsets_per_year: float
    growth_per_day: float | None
    growth_low: float | None
    growth_high: float | None
    verdict: str
    gist: Pair
    rule: Pair
    line: Pair
    prior: Pair
    ppv: PpvOut
    ppv_said: Pair
    cost: CostOut
    streams: list[StreamStoryOut]
    candidates: list[CandidateOut]
    ahead: list[AheadOut]
    learnt: dict[str, Any] = Field(description=both("当时由结论学到的数值", "what verdicts had taught by then"))
    run: RunUsed
    is_same_again: bool | None = Field(
        description=both("重算是否一致；未要求时为空", "whether recomputing gives the same; null if not asked")
    )


@router.get("/alarms/{number}/explanation", response=ExplanationOut, summary=both("预警的依据", "why an alarm was raised"))
def get_explanation(request: HttpRequest, number: str, again: bool = False) -> Any:
    """Streams by day, places, probability and prior, how often such alarms are right, cost, forecast; `again` recomputes."""
    return explain(seen_alarm(number, request.auth), again=again).record()  # type: ignore[attr-defined]
