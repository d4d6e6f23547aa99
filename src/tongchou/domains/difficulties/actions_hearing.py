"""What the firm says: the only way a difficulty is solved, and every way it comes back. And the address where the firm says it."""

from dataclasses import dataclass
from datetime import datetime

from tongchou.core.audit.acting import action
from tongchou.core.casework.life import advance, assign
from tongchou.core.casework.models import Assignment
from tongchou.core.casework.two_people import nearest_post, require_another
from tongchou.core.errors import FieldProblem, Invalid, Stale
from tongchou.core.outbox.queue import tell_post
from tongchou.core.parameters.queries import value
from tongchou.core.people.rules import Actor
from tongchou.core.wording import T
from tongchou.domains.difficulties.models import Difficulty, FirmWord
from tongchou.domains.difficulties.rules import (
    CALL_BACK_SHARE,
    CAUSE,
    DIFFICULTY,
    STEP_OF,
    VERDICTS,
    hearing_problems,
    is_to_be_called_back,
)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a firm said: `verdict` a key of VERDICTS, `way` of WAYS, and by word of mouth with whom and when."""

    verdict: str
    way: str
    spoken_at: datetime
    words: str = ""
    spoke_to: str = ""


@action("difficulty.hear", on=Difficulty)
def hear_firm(row: Difficulty, *, heard: Heard, draw: float, by: Actor, at: datetime) -> FirmWord:
    """Keep what the firm says of a difficulty and do as it says. `draw`: uniform on [0, 1); a share of what was told by word of mouth is asked again.

    Told that it is solved and drawn, it stays open until somebody else has called back or the firm says so on its own page. Raises Invalid when
    it is not the firm's word (nobody named, no words, the wrong instant) or for calling back oneself, Stale when its state does not allow it, or it was
    answered only after the firm had said "not yet".
    """
    if heard.way == "page" and not by.is_system:
        raise Invalid([FieldProblem("way", T("企业自己的页面只有企业能用。", "Only the firm speaks on its own page."))])
    if problems := hearing_problems(heard.verdict, heard.way, heard.words, heard.spoke_to, heard.spoken_at, _minute(row.said_at), at):
        raise Invalid(problems)
    if heard.verdict == "not_yet" and row.answered_at is not None and heard.spoken_at < _minute(row.answered_at):
        raise Stale(T("答复是在这之后才给的，请再问一次企业。", "The answer came after that: ask the firm once more."))
    is_call_back = row.dossier.state == "to_check" and heard.way != "page"
    if is_call_back:
        require_another(by, row.heard.values_list("heard_by_id", flat=True).last())
    word = FirmWord.objects.create(
        difficulty=row,
        verdict=heard.verdict,
        words=heard.words.strip()[:500],
        way=heard.way,
        spoke_to=heard.spoke_to.strip()[:60],
        spoken_at=heard.spoken_at,
        heard_by_id=None if heard.way == "page" else by.user_id,
        is_call_back=is_call_back,
    )
    step = STEP_OF[heard.verdict]
    if step == "solve" and heard.way != "page" and not is_call_back:
        share = float(value(CALL_BACK_SHARE, on=at.date(), place_path=row.place_path).value)
        step = "hold" if is_to_be_called_back(draw, share) else step
    _do_as_it_says(row, word, step, at)
    return word


def _minute(instant: datetime) -> datetime:
    """A form's clock has no seconds."""
    return instant.replace(second=0, microsecond=0)


def _do_as_it_says(row: Difficulty, word: FirmWord, step: str, at: datetime) -> None:
    head = row.dossier
    advance(head, DIFFICULTY, step, at=at, reason=word.words, detail={"way": word.way, "spoke_to": word.spoke_to, "word": word.pk})
    if head.state == "reported":
        duty = nearest_post("duty_officer", head.place)
        if duty is not None:
            assign(head, duty, at=at, why="reopened", reason=word.words)
    elif head.state == "routed":
        # It may have climbed while the firm was asked: the work is the unit's again.
        unit = Assignment.objects.filter(dossier=head, why="routed").select_related("post").last()
        if unit is not None and unit.post_id != head.owner_post_id:
            assign(head, unit.post, at=at, why="routed", reason=word.words)
    if head.state in {"reported", "routed"}:
        said = VERDICTS[word.verdict]
        tell_post(head.owner_post, T(f"{head.number} 企业说{said.zh}：{head.title_zh}", f"{head.number} {said.en}, says the firm: {head.title_en}"), head, at=at)  # fmt: skip
    shared = row.cause
    if shared is not None and shared.dossier.state == "answered" and not shared.difficulties.filter(dossier__closed_at=None).exists():
        advance(shared.dossier, CAUSE, "close", at=at)
