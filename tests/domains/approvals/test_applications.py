"""An application from the window to the decision: once and whole, nothing asked twice, terms in working days, stops, silence, refusal."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.domains.approvals.offices import FOOD, PERMIT_ENDS, SYSTEM, Centre, on, papers
from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Deadline
from tongchou.core.errors import Invalid, Refusal, Stale, Unseen
from tongchou.core.outbox.models import Notice
from tongchou.domains.approvals import actions, actions_steps
from tongchou.domains.approvals.actions import Applying, open_application
from tongchou.domains.approvals.life import PaperGiven
from tongchou.domains.approvals.models import Application, Paper
from tongchou.domains.approvals.queries import (
    application_behind,
    applications_seen,
    events_of_firm,
    open_for_firm,
    papers_of,
    seen_application,
)
from tongchou.workflows.approving import keep_approvals

RENEW = ("identity", "licence", "permit", "lease", "staff_health")


def clocks(row: Application) -> dict[str, str]:
    running = Deadline.objects.filter(dossier_id=row.pk, stopped_at=None)
    return {clock.key: f"{clock.due_at.astimezone(on(1, 1).tzinfo):%m-%d %H:%M}" for clock in running}


def test_steps_open_as_those_before_them_are_done_and_the_last_grants(centre: Centre) -> None:
    row = centre.accepted(at=on(6, 1))
    assert (row.dossier.number, row.dossier.state) == ("SP-2022-0001", "under_way")
    # Both first steps at once: the plan check need not wait. 3 to 5 June is a holiday.
    assert set(row.steps.values_list("code", flat=True)) == {"s1", "s2"}
    assert clocks(row) == {"approval.promised": "06-16 17:00", "approval.statutory": "06-30 17:00"}
    assert centre.step(row, "s2").due_at == on(6, 7, 17) and centre.step(row, "s2").dossier.owner_post == centre.posts["market-officer"]
    assert Notice.objects.filter(user_id=centre.cai.user_id, dossier=centre.step(row, "s2").dossier).exists()
    centre.works(row, "s1", on(6, 1, 10), on(6, 1, 11))
    centre.works(row, "s2", on(6, 2), on(6, 6))
    centre.works(row, "s3", on(6, 6), on(6, 7))
    assert row.steps.count() == 4 and Application.objects.get(pk=row.pk).dossier.state == "under_way"
    centre.works(row, "s4", on(6, 7), on(6, 8))
    row.dossier.refresh_from_db()
    assert (row.dossier.state, row.dossier.closed_at) == ("granted", on(6, 8)) and clocks(row) == {}
    assert Entry.objects.filter(action="application.grant", subject_id=str(row.pk)).exists()


def test_what_is_missing_is_told_once_and_whole_and_bringing_it_is_acceptance(centre: Centre) -> None:
    row = centre.applied(given=papers("identity", "licence"), at=on(6, 1))
    with pytest.raises(Invalid, match="ask for all of it at once"):
        actions.accept_application(row, by=centre.mei, at=on(6, 1))
    with pytest.raises(Invalid, match="Food safety rules of the firm left out"):
        actions.ask_corrections(row, papers=["lease", "layout", "staff_health"], words="请补齐材料", by=centre.mei, at=on(6, 1))
    asked = ["lease", "layout", "staff_health", "food_rules"]
    row = actions.ask_corrections(row, papers=asked, words="请补齐材料", by=centre.mei, at=on(6, 1))
    assert row.dossier.state == "correcting" and clocks(row) == {}
    with pytest.raises(Stale, match="nothing more may be asked for"):
        actions.ask_corrections(row, papers=["identity"], words="身份证复印件不清", by=centre.mei, at=on(6, 2))
    with pytest.raises(Invalid, match="Food safety rules of the firm still missing"):
        actions.correct_application(row, papers=papers(*asked[:3]), by=centre.mei, at=on(6, 8))
    assert Paper.objects.count() == 2
    row = actions.correct_application(row, papers=papers(*asked), by=centre.mei, at=on(6, 8))
    # The firm's own time counts for nobody: the term begins now.
    assert row.dossier.state == "under_way" and row.accepted_at == on(6, 8) and clocks(row)["approval.promised"] == "06-22 17:00"


def test_a_paper_given_before_is_attached_with_its_lineage_and_not_asked_again(centre: Centre) -> None:
    first = centre.applied(
        at=on(4, 1), given=[*papers("identity", "licence", "layout"), *papers("lease", issued_on=on(1, 1).date().replace(year=2021))]
    )
    second = centre.applied("APR-FOOD-RENEW", at=on(6, 1), given=papers("permit"), permit_ends_on=PERMIT_ENDS)
    lineage = {one.code: one.paper.first_for.dossier.number for one in papers_of(second)}
    # The lease of January 2021 held for a year: it is asked for again; the plan of the premises is not needed here.
    assert lineage == {"permit": second.dossier.number, "identity": first.dossier.number, "licence": first.dossier.number}
    entry = Entry.objects.get(action="application.reuse", subject_id=str(second.pk), detail__contains="licence")
    assert entry.details["for"] == first.dossier.number
    other = centre.applied(firm=centre.firms[1], at=on(6, 1), given=[])
    assert papers_of(other) == []


def test_a_paper_out_of_date_is_not_reused(centre: Centre) -> None:
    old = on(6, 1) - timedelta(days=400)
    centre.applied(at=on(4, 1), given=[replace(one, issued_on=old.date()) for one in papers("identity", "lease")])
    row = centre.applied(at=on(6, 1), given=[])
    assert papers_of(row) == []


def test_nobody_told_in_time_what_is_missing_so_it_is_accepted_as_of_the_day_it_came(centre: Centre) -> None:
    row = centre.applied(given=papers("identity"), at=on(6, 1))
    assert clocks(row) == {"approval.tell": "06-09 17:00"} and keep_approvals(at=on(6, 9, 16)) == 0
    assert keep_approvals(at=on(6, 9, 17)) == 1 == 1 + keep_approvals(at=on(6, 9, 18))
    row.refresh_from_db()
    assert (row.dossier.state, row.accepted_at) == ("under_way", on(6, 1)) and clocks(row)["approval.promised"] == "06-16 17:00"
    assert "视为受理" in Entry.objects.get(action="application.accept_by_silence").reason
    # Papers still lacking keep the step that needs them from being finished, and may be added.
    actions_steps.start_step(centre.step(row, "s1"), by=centre.mei, at=on(6, 13))
    with pytest.raises(Invalid, match="Plan of the premises"):
        actions_steps.finish_step(centre.step(row, "s1"), by=centre.mei, at=on(6, 13))
    actions.add_papers(row, papers=papers(*FOOD[1:]), by=centre.mei, at=on(6, 13))
    assert actions_steps.finish_step(centre.step(row, "s1"), by=centre.mei, at=on(6, 13)).dossier.state == "done"


def test_the_clock_stops_for_a_reason_of_the_list_until_an_end_and_every_limit_moves(centre: Centre) -> None:
    row = centre.accepted(at=on(6, 6))
    centre.works(row, "s1", on(6, 6), on(6, 6, 17))
    before, step = clocks(row), centre.step(row, "s3")
    assert before == {"approval.promised": "06-20 17:00", "approval.statutory": "07-04 17:00"} and step.due_at == on(6, 13, 17)
    with pytest.raises(Invalid, match="Only for these reasons"):
        actions_steps.stop_clock(row, reason="holiday", words="经办人休假", until_at=on(6, 9), by=centre.cai, at=on(6, 7))
    with pytest.raises(Invalid, match="At the latest 2022-07-05"):
        actions_steps.stop_clock(row, reason="hearing", words="利害关系人要求听证", until_at=on(7, 6), by=centre.cai, at=on(6, 7))
    actions_steps.stop_clock(row, reason="rectification", words="后厨排烟须整改", until_at=on(6, 9), by=centre.cai, at=on(6, 7))
    assert clocks(row) == {} and centre.step(row, "s3").dossier.state == "paused"
    with pytest.raises(Stale, match="cannot 'start' from 'paused'"):
        actions_steps.start_step(centre.step(row, "s3"), by=centre.cai, at=on(6, 8))
    # The worker comes an hour late; the stop ends when it was said to.
    assert keep_approvals(at=on(6, 9, 10)) == 1
    assert clocks(row) == {"approval.promised": "06-22 17:00", "approval.statutory": "07-06 17:00"}
    assert centre.step(row, "s3").dossier.state == "open" and centre.step(row, "s3").due_at == on(6, 15, 17)


def test_silence_approves_only_where_the_law_says_so_and_is_written_as_such(centre: Centre) -> None:
    plain = centre.accepted(at=on(5, 5))
    renewal = centre.accepted("APR-FOOD-RENEW", given=papers(*RENEW), permit_ends_on=PERMIT_ENDS, at=on(5, 10))
    assert keep_approvals(at=on(6, 9, 23, 59)) == 0
    with pytest.raises(Stale):
        actions_steps.approve_by_silence(renewal, by=SYSTEM, at=on(6, 9))
    assert keep_approvals(at=on(6, 10, 0)) == 1
    renewal.refresh_from_db()
    assert renewal.dossier.state == "tacit" and "第五十条" in renewal.words
    assert {state for _, state in renewal.steps.values_list("code", "dossier__state")} == {"dropped"}
    assert keep_approvals(at=on(12, 1)) == 0 and Application.objects.get(pk=plain.pk).dossier.state == "under_way"
    with pytest.raises(Unseen):
        actions_steps.approve_by_silence(plain, by=centre.meng, at=on(12, 1))


def test_a_refusal_needs_a_legal_ground_and_tells_how_to_appeal(centre: Centre) -> None:
    row = centre.accepted(at=on(6, 1))
    with pytest.raises(Unseen):
        actions.refuse_application(row, ground="conditions", words="油烟不达标", by=centre.cai, at=on(6, 2))
    with pytest.raises(Invalid, match="Only on these grounds: The conditions of the law"):
        actions.refuse_application(row, ground="dislike", words="领导不同意", by=centre.meng, at=on(6, 2))
    row = actions.refuse_application(row, ground="conditions", words="油烟排放不符合标准", by=centre.meng, at=on(6, 2))
    entry = Entry.objects.get(action="application.refuse")
    assert row.dossier.state == "refused" and "60日内" in entry.details["appeal"] and entry.details["ground"] == "conditions"
    assert not row.steps.filter(dossier__closed_at=None).exists() and clocks(row) == {}


def test_the_limit_of_the_law_is_extended_once_as_far_as_the_law_allows(centre: Centre) -> None:
    row = centre.accepted(at=on(6, 1))
    row = actions.extend_application(row, words="需要第三方检测报告", by=centre.meng, at=on(6, 20))
    assert clocks(row) == {"approval.promised": "06-16 17:00", "approval.statutory": "07-14 17:00"}
    with pytest.raises(Invalid, match="used already"):
        actions.extend_application(row, words="需要第三方检测报告", by=centre.meng, at=on(6, 21))
    with pytest.raises(Invalid, match="allows no extension"):
        actions.extend_application(
            centre.accepted("APR-CANCEL", given=papers("identity", "licence", "tax_clear", "notice_over"), at=on(6, 1)),
            words="需要再核对", by=centre.meng, at=on(6, 2),
        )  # fmt: skip


@pytest.mark.parametrize(
    ("code", "given", "said"),
    [
        ("APR-RESUME", {}, "abolished after 2022-05-31"),
        ("APR-FOOD-RENEW", {}, "last day of the permit"),
        ("APR-FOOD-RENEW", {"permit_ends_on": on(5, 31).date()}, "apply for a new one"),
        ("APR-FOOD", {"firm": None, "applicant": "  "}, "Name the applicant"),
        ("APR-FOOD", {"papers": papers("permit")}, "permit is not needed here"),
    ],
)
def test_what_cannot_be_applied_for(centre: Centre, code: str, given: dict[str, Any], said: str) -> None:
    firm = centre.firms[0]
    applying = replace(Applying(centre.procedures[code], firm.place, firm), **given)
    with pytest.raises(Invalid, match=said):
        open_application(applying=applying, by=centre.mei, at=on(6, 1))
    assert not Application.objects.exists()


def test_declined_withdrawn_and_a_company_that_is_only_being_started(centre: Centre) -> None:
    applying = Applying(
        centre.procedures["APR-FIRM"], centre.town.villages[0], applicant="王小明（新设企业）", papers=papers("identity", "lease")
    )
    row = open_application(applying=applying, token="t" * 43, by=centre.mei, at=on(6, 1))
    assert row.firm_id is None and application_behind("t" * 43) == row
    with pytest.raises(Unseen):
        application_behind("u" * 43)
    assert actions.decline_application(row, words="应向住所地登记", by=centre.mei, at=on(6, 1)).dossier.state == "declined"
    under_way = centre.accepted(at=on(6, 1))
    assert actions.withdraw_application(under_way, words="不开店了", by=centre.mei, at=on(6, 2)).dossier.state == "withdrawn"
    assert set(under_way.steps.values_list("dossier__state", flat=True)) == {"dropped"}
    with pytest.raises(Stale):
        actions.withdraw_application(under_way, words="不开店了", by=centre.mei, at=on(6, 2))


def test_another_office_another_town_and_a_file(centre: Centre) -> None:
    row = centre.accepted(given=[*papers(*FOOD[:-1]), PaperGiven("food_rules", content=b"%PDF-1.4 rules", name="制度.pdf")], at=on(6, 1))
    with pytest.raises(Refusal, match="lies with 'Market supervision officer'"):
        actions_steps.start_step(centre.step(row, "s2"), by=centre.mei, at=on(6, 1))
    actions_steps.start_step(centre.step(row, "s2"), by=centre.meng, at=on(6, 1))  # the post above may
    for other in (centre.town.zhao, centre.town.chen):
        with pytest.raises(Unseen):
            seen_application(row.dossier.number, other)
    assert list(applications_seen(centre.town.zhao)) == [] and list(applications_seen(centre.meng)) == [row]
    assert {one.paper.evidence.media_type for one in papers_of(row)} == {"", "application/pdf"}
    said = [str(event.words) for event in events_of_firm(centre.firms[0].pk)]
    assert said == ["Accept: Food operation permit: 徐泾面馆", "Applied: Food operation permit: 徐泾面馆"]
    assert open_for_firm(centre.firms[0].pk) == [row] and open_for_firm(centre.firms[1].pk) == []


def test_the_same_procedures_again_change_nothing_and_a_changed_one_is_a_new_version(centre: Centre) -> None:
    from tests import packs_once

    specs = packs_once.pack("xujing").procedures
    again = actions.publish_procedures(specs=specs, place=centre.town.town, by=SYSTEM, at=on(6, 1))
    assert {row.version for row in again} == {1}
    changed = replace(specs[0], body={**specs[0].body, "promised": {**specs[0].body["promised"], "days": 2}})
    (row,) = actions.publish_procedures(specs=[changed], place=centre.town.town, by=SYSTEM, at=on(6, 1))
    assert row.version == 2
