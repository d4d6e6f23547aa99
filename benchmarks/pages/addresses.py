"""One address of every page of an installed town, at the fullest row there is. The suite's query budget and the benchmark walk the same list."""

from django.db.models import Count

# Addresses that only take a form, where a GET is answered 405, or only answer a device that holds a token.
POST_ONLY = {
    "logout", "preferences", "read_notices", "scan_enrol", "scan_appeals", "scan_bundle", "screen_enrol", "screen_codes",
    "alarm_acknowledge", "alarm_dismiss", "alarm_confirm", "alarm_verdict",
    "incident_note", "incident_report", "incident_propose-closing", "incident_resume", "incident_close",
    "round_plan", "round_people", "round_call", "overdue_people", "overdue_call", "round_start", "round_wind-up", "round_resume", "round_close", "round_cancel",
    "crew_check", "crew_newcomer", "crew_queue", "crew_pack", "crew_phone_take", "crew_phone_bundle", "laboratory_result", "box_carry", "box_receive",
    *(f"spot_check_{step}" for step in ("plan", "announce", "draw", "rest", "close", "cancel", "take", "miss")),
    "task_accept", "task_start", "task_evidence", "task_approve", "task_finish", "task_return", "task_hand-over", "task_cancel",
    *(f"case_{step}" for step in (
        "correct", "hand-in", "classify", "discard", "close", "sample", "result", "visit", "link", "withdraw-link", "contact", "end-contact",
        "ask-exposed",
    )),
    *(f"exposure_{step}" for step in ("approve", "refuse", "withdraw", "end", "make", "correct", "publish", "take-down")),
    "doors_open", "door_exact", "door_invite", "door_screen_secret", "device_revoke",
    "pass_link", "pass_end", "pass_print", "pass_visitor", "pass_object",
    *(f"filing_{step}" for step in ("full", "reduce", "end", "withdraw")),
    *(f"approval_{step}" for step in ("accept", "ask", "correct", "add", "decline", "refuse", "withdraw", "extend", "stop", "resume")),
    *(f"suspension_{step}" for step in ("new", "approve", "refuse", "withdraw", "lift", "object")),
    *(f"difficulty_{step}" for step in ("route", "promise", "answer", "hear")), "cause_answer", "cause_join", "permit_new", "permit_revoke", "difficulty_sampling",
    *(f"firm_{act}" for act in ("say", "tell", "claim", "read", "address", "address_end", "facts", "told", "claim_for", "succeed", "premises", "leave_premises")),
    *(f"policy_{step}" for step in ("entitle", "receive", "list_measure", "break_down", "issue", "deliver", "report")),
    *(f"project_{step}" for step in ("reach", "plan", "spend", "slip", "issue", "archive", "drop", "revive")), "slip_answer", "slip_close", "slip_return",
    *(f"payment_list_{step}" for step in ("approve", "refuse", "pay")),
    "approval_link", "applicant_brings", "approval_cover_end", "calls_plan", "call_phone_take", "call_phone_bundle",
    "follow_up_check", "follow_up_call", "follow_up_tell", "report_settle",
}  # fmt: skip
PASS_TOKEN = "token-of-the-benchmark"  # of the address that `town.fill_up` gives somebody
# Files rather than pages: as long as what they hold.
DOWNLOADS = {
    "register_csv",
    "register_xlsx",
    "register_template",
    "import_problems",
    "evidence",
    "line_list_csv",
    "line_list_xlsx",
    "line_list_template",
    "scan_worker",
    "screen_worker",
    "pass_worker",
    "status_index",
    "status_list",
    "scan_manifest",
    "crew_phone_worker",
    "crew_phone_manifest",
    "call_phone_worker",
    "call_phone_manifest",
    "door_posters",
    "posters_made",
    "public_frame",
    "public_design",
    "public_draw",
    "payment_list_csv",
    "projects_oc4ids",
}


def every_page() -> dict[str, str]:
    """Address by name of the route; what stands behind a space tells several addresses of one route apart."""
    from django.conf import settings

    from tongchou.core.casework.models import Evidence
    from tongchou.core.importing.models import ImportBatch
    from tongchou.core.outbox.models import Message
    from tongchou.core.people.models import User
    from tongchou.domains.approvals.models import Application, ApplicationStep
    from tongchou.domains.difficulties.models import Cause, Difficulty, Permit
    from tongchou.domains.exposures.models import ExposureRequest
    from tongchou.domains.firms.models import FirmAddress
    from tongchou.domains.firms.rules import address_token
    from tongchou.domains.gate.models import Appeal
    from tongchou.domains.policies.models import Award, PolicyDocument
    from tongchou.domains.projects.models import Issue, Slip
    from tongchou.domains.response.models import Incident, Task
    from tongchou.domains.resumption.models import AbsenceAlarm, Filing, SiteCheck
    from tongchou.domains.sentinels.models import Sentinel, Stream
    from tongchou.domains.spot_checks.models import SpotCheck
    from tongchou.domains.suspensions.models import Objection
    from tongchou.domains.testing.models import Round, Site
    from tongchou.domains.tracing.models import Case
    from tongchou.domains.warning.models import Alarm
    from tongchou.workflows.demonstration_approvals import APPLICANT_TOKEN

    testing = Round.objects.annotate(n=Count("roll")).order_by("dossier__closed_at", "-n", "pk").select_related("dossier__place").first()
    site = Site.objects.filter(place=testing.dossier.place).first() or Site.objects.first() if testing else None
    incident = Incident.objects.annotate(n=Count("tasks")).order_by("-n", "pk").select_related("dossier").first()
    task = Task.objects.annotate(n=Count("dossier__evidence")).order_by("-n", "pk").select_related("dossier").first()
    alarm = Alarm.objects.annotate(n=Count("shares")).order_by("-n", "pk").select_related("dossier").first()
    sentinel = Sentinel.objects.annotate(n=Count("streams")).order_by("-n", "pk").first()
    stream = Stream.objects.annotate(n=Count("observations")).order_by("-n", "pk").first()
    person = User.objects.annotate(n=Count("postings")).order_by("-n", "pk").first()
    batch = ImportBatch.objects.exclude(kind="line-list").order_by("-bad_row_count", "pk").first()
    lines = ImportBatch.objects.filter(kind="line-list").order_by("-bad_row_count", "pk").first()
    case = Case.objects.annotate(n=Count("contacts")).order_by("-n", "pk").select_related("dossier").first()
    asked = ExposureRequest.objects.annotate(n=Count("lists")).order_by("-n", "pk").select_related("dossier").first()
    file = Evidence.objects.exclude(sha256="").first()
    appeal = Appeal.objects.select_related("dossier", "entrance").order_by("pk").first()
    check = SpotCheck.objects.filter(dossier__state="taking").order_by("pk").select_related("dossier").first()
    objection = Objection.objects.order_by("pk").select_related("dossier", "suspension__dossier").first()
    filing = Filing.objects.filter(firm__isnull=False, is_live=True).order_by("pk").select_related("dossier").first()
    school = Filing.objects.filter(school__isnull=False).order_by("pk").select_related("dossier").first()
    site_check = SiteCheck.objects.filter(dossier__closed_at=None).order_by("pk").select_related("dossier").first()
    absence = AbsenceAlarm.objects.order_by("pk").select_related("dossier").first()
    assert filing and school and site_check and absence, f"a town where nobody has come back: {filing, school, site_check, absence}"
    made = Message.objects.filter(topic="gate.posters").first()
    difficulty = Difficulty.objects.annotate(n=Count("heard")).order_by("-n", "pk").select_related("dossier").first()
    cause = Cause.objects.select_related("dossier").first()
    permit = Permit.objects.order_by("pk").first()
    assert difficulty and cause and permit, "a town whose firms have no difficulties, or no permit"
    own = FirmAddress.objects.filter(ended_at=None).order_by("pk").first()
    award = Award.objects.exclude(payment_list=None).order_by("pk").select_related("payment_list__dossier").first()
    document = PolicyDocument.objects.order_by("pk").select_related("dossier").first()
    assert own and award and award.payment_list and document, "a town whose firms are due nothing"
    slip, issue = Slip.objects.order_by("pk").first(), Issue.objects.order_by("pk").first()
    assert slip and issue, "a town without projects"
    own_page, payments = f"/f/{address_token(settings.KEYS.index, own.firm_id, own.number)}", award.payment_list.dossier.number
    applied = Application.objects.annotate(n=Count("steps")).order_by("-n", "pk").select_related("dossier").first()
    step = ApplicationStep.objects.select_related("dossier").first()
    assert applied and step, "a town where nobody has applied for anything"
    assert check and objection and made, "a town without a spot check, a suspension or posters made"
    assert testing and site and appeal, "a town without testing or appeals"
    assert incident and task and alarm and sentinel and stream and person and batch and lines and case and asked and file, (
        "a town without history"
    )
    return {
        "desk": "/", "desk fragment": "/?fragment=now", "inbox": "/inbox/", "alarms": "/alarms/",
        "promise": "/promise/", "alarm": f"/alarms/{alarm.dossier.number}",
        "alarm_run": f"/alarms/{alarm.dossier.number}/run", "alarm_drafts": f"/alarms/{alarm.dossier.number}/drafts", "incidents": "/incidents/",
        "incident": f"/incidents/{incident.dossier.number}", "incident list": f"/incidents/{incident.dossier.number}?view=list",
        "task": f"/tasks/{task.dossier.number}", "evidence": f"/evidence/{file.pk}", "matrix": "/matrix/", "sentinels": "/sentinels/",
        "sentinel": f"/sentinels/{sentinel.code}", "sentinel_new": "/sentinels/new", "sentinel_edit": f"/sentinels/{sentinel.code}/edit",
        "sentinel_report": f"/sentinels/{sentinel.code}/report", "stream": f"/streams/{stream.code}", "intake": "/intake/",
        "observation_file": "/intake/file", "live_since": "/live/since?seq=0", "parameters": "/parameters/",
        "parameter": "/parameters/task.escalate_every", "people": "/people/", "person": f"/people/{person.username}", "audit": "/audit/",
        "audit act": "/audit/?act=task", "audit who": f"/audit/?who={person.username}", "accesses": "/audit/accesses", "retention": "/audit/retention", "outbox": "/outbox/",
        "imports": "/imports/", "import_batch": f"/imports/{batch.pk}", "import_problems": f"/imports/{batch.pk}/problems.xlsx",
        "registers": "/registers/", **_registers(), "testing": "/testing/", "round": f"/testing/rounds/{testing.dossier.number}",
        "round_missing": f"/testing/rounds/{testing.dossier.number}/missing", "crew": f"/testing/rounds/{testing.dossier.number}/crew/{site.code}",
        "laboratory": "/testing/laboratory", "sampling_site": f"/testing/sites/{site.code}", "sampling_site_new": "/testing/sites/new",
        "spot_checks": "/spot-checks/", "spot_check": f"/spot-checks/{check.dossier.number}",
        "spot_check_crew": f"/spot-checks/{check.dossier.number}/crew", "spot_check_results": f"/spot-checks/{check.dossier.number}/results",
        "public_spot_checks": "/public/spot-checks", "public_spot_check": f"/public/spot-checks/{check.dossier.number}",
        "public_frame": f"/public/spot-checks/{check.dossier.number}/frame.csv", "public_draw": f"/public/spot-checks/{check.dossier.number}/draw.csv",
        "public_design": f"/public/spot-checks/{check.dossier.number}/design.yaml",
        "public_sites": "/sites", "testing_due": "/testing/due", "testing_overdue": "/testing/overdue",
        "cases": "/cases/", "case": f"/cases/{case.dossier.number}", "case_new": "/cases/new", "chain": "/cases/chain", "follow_up": "/follow-up/",
        "line_lists": "/line-lists/", "line_list": f"/line-lists/{lines.pk}", "line_list_csv": "/cases/line-list.csv",
        "line_list_xlsx": "/cases/line-list.xlsx", "line_list_template": "/line-lists/template.xlsx", "exposures": "/exposures/",
        "exposure": f"/exposures/{asked.dossier.number}", "exposure_own": "/exposures/own", "public_notices": "/public/notices",
        "login": "/login", "scan": "/scan", "screen": "/screen", "crew_phone": "/crew",
        "passes": "/passes/", "shown_pass": f"/p/{PASS_TOKEN}", "pass_looks": f"/p/{PASS_TOKEN}/looks", "pass_worker": "/p/worker.js", "status_index": "/status", "status_list": "/status/revocation/0",
        "suspensions": "/suspensions/", "suspension": f"/suspensions/{objection.suspension.dossier.number}",
        "objection": f"/objections/{objection.dossier.number}",
        "approvals": "/approvals/", "approval": f"/approvals/{applied.dossier.number}", "approval_work": f"/approvals/steps/{step.dossier.number}",
        "approval_new": "/approvals/new", "approval_new firm": f"/approvals/new?procedure=APR-FOOD&firm={applied.firm_id}", "approval_new find": "/approvals/new?procedure=APR-FOOD&q=公司",
        "approval_times": "/approvals/times", "approval_times what if": "/approvals/times?change=clerk&post=service-window", "approval_cover": "/approvals/cover", "applicant_page": f"/a/{APPLICANT_TOKEN}",
        "difficulties": "/difficulties/?stage=open", "difficulty": f"/difficulties/{difficulty.dossier.number}", "difficulty_new": "/difficulties/new?q=公司",
        "resumption": "/resumption/", "resumption village": "/resumption/?by=village", "resumption venue": "/resumption/?by=venue", "readings": "/resumption/readings", "white_list": "/resumption/white-list", "filings": "/resumption/filings/",
        "difficulty_new firm": f"/difficulties/new?firm={difficulty.firm_id}", "causes": "/causes/", "cause": f"/causes/{cause.dossier.number}", "firm_page": own_page, "permit": f"/permits/{permit.pk}",
        "firm": f"/firms/{own.firm_id}", "policies": "/policies/", "policy_unreached": "/policies/unreached", "policy_document": f"/policies/documents/{document.dossier.number}",
        "policy_measure": f"/policies/measures/{award.measure}", "payment_list": f"/policies/lists/{payments}", "payment_list_csv": f"/policies/lists/{payments}/table.csv",
        "filing": f"/resumption/filings/{filing.dossier.number}", "filing_find": "/resumption/filings/new", "filing_find firms": "/resumption/filings/new?kind=firm&q=上海",
        "filing_new": f"/resumption/filings/new/firm/{filing.firm_id}", "filing_absences": f"/resumption/filings/{school.dossier.number}/absences",
        "site_checks": "/resumption/checks/", "site_check": f"/resumption/checks/{site_check.dossier.number}",
        "absence": f"/resumption/absences/{absence.dossier.number}",
        "projects": "/projects/", "projects past": "/projects/?day=2022-05-01", "project_new": "/projects/new", "project_spending": "/projects/spending", "projects_oc4ids": "/projects/oc4ids.json",
        "project": f"/projects/{slip.project.dossier.number}", "project held up": f"/projects/{issue.project.dossier.number}", "slips": "/slips/",
        "slip": f"/slips/{slip.dossier.number}", "issue": f"/issues/{issue.dossier.number}",
        "calls": "/calls/", "call_phone": "/call", "call_phone_worker": "/call/worker.js", "call_phone_manifest": "/call/manifest.json",
        "scan_worker": "/scan/worker.js", "screen_worker": "/screen/worker.js", "scan_manifest": "/scan/manifest.json",
        "crew_phone_worker": "/crew/worker.js", "crew_phone_manifest": "/crew/manifest.json", "appeals": "/appeals/",
        "appeal": f"/appeals/{appeal.dossier.number}", "gate": "/gate/", "gate odd": "/gate/?odd=no_scanner", "footfall": "/footfall/", "door": f"/gate/doors/{appeal.entrance.code}",
        "door_posters": f"/gate/posters.pdf?code={appeal.entrance.code}", "posters": "/gate/posters", "posters_made": f"/gate/posters/{made.pk}.pdf", "venue_code": f"/c/{appeal.entrance.code}",
    }  # fmt: skip


def _registers() -> dict[str, str]:
    """Every register's list, last page, searches, and one row with most behind it."""
    from tongchou.domains.registry.models import Firm, Household
    from tongchou.interfaces.web.registers.town import REGISTERS

    found = {}
    for slug, register in REGISTERS.items():
        rows = register.model._default_manager.order_by("pk")
        if (row := rows.last()) is None:
            continue
        found |= {
            f"register {slug}": f"/registers/{slug}/", f"register {slug} page 40": f"/registers/{slug}/?page=40",
            f"register {slug} name": f"/registers/{slug}/?q={row.name[:2]}", f"register {slug} village": f"/registers/{slug}/?place={row.place.code}",
            f"register {slug} nothing": f"/registers/{slug}/?q=不存在", f"register_new {slug}": f"/registers/{slug}/new",
            f"register_row {slug}": f"/registers/{slug}/{row.pk}", f"register_edit {slug}": f"/registers/{slug}/{row.pk}/edit",
            f"register_csv {slug}": f"/registers/{slug}/export.csv", f"register_xlsx {slug}": f"/registers/{slug}/export.xlsx",
            f"register_template {slug}": f"/registers/{slug}/template.xlsx",
        }  # fmt: skip
    household = Household.objects.annotate(n=Count("members")).order_by("-n").first()
    firm = Firm.objects.annotate(n=Count("venues")).order_by("-n").first()
    if household:
        found["register_row household full"] = f"/registers/household/{household.pk}"
    if firm:
        found["register_row firm full"] = f"/registers/firm/{firm.pk}"
    return found | {
        "register resident number": "/registers/resident/?q=11010519491231002X", "register resident phone": "/registers/resident/?q=13800138000",
        "register resident house": "/registers/resident/?q=H1", "register firm section": "/registers/firm/?section=C&resumption=closed",
    }  # fmt: skip
