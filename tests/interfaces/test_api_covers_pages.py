"""What can be seen or done on a page can be done by a program: every address of urls.py beside its operation, or the reason why not."""

from tests.interfaces.test_openapi import COMMITTED
from tongchou.interfaces.web.urls import urlpatterns

OPERATIONS = {f"{method.upper()} {path.removeprefix('/api/v1')}" for path, methods in COMMITTED["paths"].items() for method in methods}

COVERED: dict[str, tuple[str, ...]] = {
    "desk": ("GET /desk", "GET /places", "GET /town"),
    "live_since": ("GET /changes",),
    "inbox": ("GET /inbox", "GET /notices"),
    "read_notices": ("POST /notices/read",),
    "alarms": ("GET /alarms",),
    "promise": ("GET /promise",),
    "alarm": ("GET /alarms/{number}", "GET /alarms/{number}/explanation", "GET /places/{code}/evidence", "GET /dossiers/{number}/causes"),
    "alarm_run": ("GET /alarms/{number}/run",),
    "alarm_acknowledge": ("POST /alarms/{number}/acknowledge",),
    "alarm_confirm": ("POST /alarms/{number}/confirm", "GET /plans"),
    "alarm_dismiss": ("POST /alarms/{number}/dismiss",),
    "alarm_drafts": ("POST /alarms/{number}/drafts/{kind}",),
    "alarm_verdict": ("POST /alarms/{number}/verdict",),
    "incidents": ("GET /incidents",),
    "incident": (
        "GET /incidents/{number}",
        "GET /incidents/{number}/log",
        "GET /incidents/{number}/clock",
        "GET /dossiers/{number}/causes",
    ),
    **dict.fromkeys(
        ("incident_note", "incident_report", "incident_propose-closing", "incident_resume", "incident_close"),
        ("POST /incidents/{number}/steps/{step}",),
    ),
    "task": ("GET /tasks/{number}", "GET /dossiers/{number}/evidence", "GET /dossiers/{number}/causes"),
    **dict.fromkeys(
        ("task_accept", "task_start", "task_approve", "task_finish", "task_return", "task_cancel"), ("POST /tasks/{number}/steps/{step}",)
    ),
    "task_hand-over": ("POST /tasks/{number}/hand-over",),
    "task_evidence": ("POST /tasks/{number}/evidence",),
    "evidence": ("GET /evidence/{evidence_id}",),
    "matrix": ("GET /matrix",),
    "sentinels": ("GET /sentinels",),
    "sentinel": ("GET /sentinels/{code}", "POST /sentinels/{code}/state"),
    "sentinel_new": ("POST /sentinels",),
    "sentinel_edit": ("PUT /sentinels/{code}",),
    "sentinel_report": ("POST /observations",),
    "intake": ("GET /streams",),
    "observation_file": ("POST /observations/file",),
    "stream": ("GET /streams/{code}", "GET /streams/{code}/observations"),
    "registers": ("GET /registers", "GET /resumption"),
    "register": ("GET /registers/{name}/rows",),
    "register_new": ("POST /registers/{name}/rows",),
    "register_row": ("GET /registers/{name}/rows/{row_id}", "POST /registers/{name}/rows/{row_id}/unmask"),
    "register_edit": ("PATCH /registers/{name}/rows/{row_id}",),
    "imports": ("GET /imports", "POST /imports"),
    "import_batch": (
        "GET /imports/{batch_id}",
        "POST /imports/{batch_id}/apply",
        "POST /imports/{batch_id}/undo",
        "POST /imports/{batch_id}/discard",
    ),
    "parameters": ("GET /parameters",),
    "parameter": ("GET /parameters/{key}", "POST /parameters/{key}/values"),
    "people": ("GET /posts",),
    "person": ("GET /people/{username}", "POST /posts/{code}/postings", "POST /postings/{posting_id}/end"),
    "audit": ("GET /audit/entries", "GET /audit/proof"),
    "accesses": ("GET /audit/accesses",),
    "retention": ("GET /audit/retention",),
    "testing": ("GET /testing/rounds", "GET /testing/sites"),
    "round": ("GET /testing/rounds/{number}",),
    "round_plan": ("POST /testing/rounds",),
    "round_people": ("POST /testing/rounds/{number}/people",),
    "round_missing": (
        "GET /testing/rounds/{number}/missing",
        "POST /testing/rounds/{number}/accounts",
        "POST /testing/rounds/{number}/accounts/withdraw",
    ),
    "round_call": ("POST /testing/rounds/{number}/calls",),
    **dict.fromkeys(
        ("round_start", "round_wind-up", "round_resume", "round_close", "round_cancel"), ("POST /testing/rounds/{number}/steps/{step}",)
    ),
    **dict.fromkeys(("crew", "crew_check"), ("POST /testing/rounds/{number}/check-offs",)),
    "crew_newcomer": ("POST /registers/{name}/rows", "POST /testing/rounds/{number}/people"),
    "crew_queue": ("POST /testing/sites/{code}/queue",),
    "crew_pack": ("POST /testing/boxes",),
    "laboratory": ("GET /testing/boxes", "POST /testing/results", "POST /testing/results/fhir", "GET /testing/positives"),
    "testing_overdue": ("GET /testing/overdue",),
    "overdue_people": ("POST /testing/overdue/people",),
    "overdue_call": ("POST /testing/overdue/calls",),
    "testing_due": ("GET /testing/due", "POST /testing/key-workers"),
    "laboratory_result": ("POST /testing/results",),
    **dict.fromkeys(("box_carry", "box_receive"), ("POST /testing/boxes/{number}/{step}",)),
    **dict.fromkeys(("sampling_site", "sampling_site_new"), ("POST /testing/sites",)),
    "spot_checks": ("GET /spot-checks",),
    "spot_check_plan": ("POST /spot-checks",),
    "spot_check": ("GET /spot-checks/{number}",),
    **dict.fromkeys(
        ("spot_check_announce", "spot_check_draw", "spot_check_close", "spot_check_cancel"), ("POST /spot-checks/{number}/steps/{step}",)
    ),
    "spot_check_crew": ("GET /spot-checks/{number}/units",),
    "spot_check_take": ("POST /spot-checks/{number}/taken",),
    **dict.fromkeys(("spot_check_miss", "spot_check_rest"), ("POST /spot-checks/{number}/not-taken",)),
    "spot_check_results": ("POST /spot-checks/{number}/results",),
    "cases": ("GET /cases",),
    "case": ("GET /cases/{number}",),
    "case_new": ("POST /cases",),
    "case_correct": ("POST /cases/{number}/correct",),
    **dict.fromkeys(("case_hand-in", "case_classify", "case_discard", "case_close"), ("POST /cases/{number}/steps/{step}",)),
    "case_contact": ("POST /cases/{number}/contacts",),
    "case_ask-exposed": ("POST /exposures",),
    "chain": ("GET /cases/chain",),
    "follow_up": ("GET /follow-up",),
    "follow_up_check": ("POST /follow-up/{contact_id}/checks",),
    "exposures": ("GET /exposures",),
    "exposure": ("GET /exposures/{number}", "POST /exposures/{number}/people"),
    "exposure_own": ("POST /accesses/own",),
    **dict.fromkeys(
        ("exposure_approve", "exposure_refuse", "exposure_withdraw", "exposure_end", "exposure_make"),
        ("POST /exposures/{number}/steps/{step}",),
    ),
    "public_notices": ("GET /notices/venues",),
    "gate": ("GET /gate/doors",),
    "door_exact": ("POST /gate/doors/{code}/exact",),
    "footfall": ("GET /footfall", "GET /footfall/{on}"),
    "door": ("GET /gate/doors/{code}", "POST /gate/doors/{code}"),
    "door_screen_secret": ("POST /gate/doors/{code}/screen-secret",),
    **dict.fromkeys(("passes", "pass_print"), ("POST /passes",)),
    "pass_link": ("POST /passes/links",),
    "pass_end": ("POST /passes/{holder}/lost",),
    "pass_visitor": ("POST /passes/visitors",),
    "suspensions": ("GET /suspensions",),
    "suspension": ("GET /suspensions/{number}",),
    "suspension_new": ("POST /suspensions",),
    **dict.fromkeys(
        ("suspension_approve", "suspension_refuse", "suspension_withdraw", "suspension_lift"), ("POST /suspensions/{number}/steps/{step}",)
    ),
    "suspension_object": ("POST /suspensions/{number}/objection",),
    "objection": ("POST /objections/{number}/answer",),
    "difficulties": ("GET /difficulties",),
    "difficulty": ("GET /difficulties/{number}",),
    "difficulty_new": ("POST /difficulties",),
    "difficulty_link": ("POST /difficulties/links",),
    "difficulty_route": ("POST /difficulties/{number}/route",),
    "difficulty_promise": ("POST /difficulties/{number}/promise",),
    "difficulty_answer": ("POST /difficulties/{number}/answer",),
    "difficulty_hear": ("POST /difficulties/{number}/heard",),
    "causes": ("GET /causes", "POST /causes"),
    "cause": ("GET /causes/{number}",),
    "cause_answer": ("POST /causes/{number}/answer",),
    "outbox": ("GET /outbox", "POST /outbox/{message_id}/retry"),
}
# No operation, and why.
NOT_FOR_PROGRAMS = {
    "login": "a program has a token",
    "logout": "a program has a token",
    "preferences": "both languages are in every answer",
    "scan": "the scanner's page; what its script asks stands in docs/reference/gate.md",
    "scan_worker": "the scanner's own",
    "scan_manifest": "the scanner's own",
    "scan_enrol": "a device is no program of the office: it has a token of its own",
    "scan_bundle": "a device is no program of the office: it has a token of its own",
    "scan_appeals": "a device is no program of the office: it has a token of its own",
    **dict.fromkeys(
        ("crew_phone", "crew_phone_worker", "crew_phone_manifest", "crew_phone_take", "crew_phone_bundle"),
        "a crew's phone; what it brings goes to POST /testing/rounds/{number}/check-offs",
    ),
    **dict.fromkeys(
        ("screen", "screen_worker", "screen_enrol", "screen_codes"), "a screen's own, with a token of its own; docs/reference/gate.md"
    ),
    **dict.fromkeys(("doors_open", "door_invite", "device_revoke"), "a person stands at the door with the phone to enrol, or has lost it"),
    **dict.fromkeys(("door_posters", "posters", "posters_made"), "a PDF to print"),
    "venue_code": "for everybody's browser; the door is at GET /gate/doors/{code}",
    "appeals": "an objection is read and answered by a person",
    "appeal": "an objection is read and answered by a person",
    "shown_pass": "a person's own address; whoever gives passes has POST /passes",
    "pass_looks": "a person's own address; at the counter, POST /accesses/own",
    "pass_object": "a person's own address; the office has POST /suspensions/{number}/objection",
    **dict.fromkeys(("status_index", "status_list"), "signed, for the scanners of other towns, without a token"),
    **dict.fromkeys(("firm_page", "firm_says"), "a firm's own address; what it says by telephone: POST /difficulties/{number}/heard"),
    "pass_worker": "keeps an opened pass on a phone",
    "register_csv": "a spreadsheet; the rows are at GET /registers/{name}/rows",
    "register_xlsx": "a spreadsheet; the rows are at GET /registers/{name}/rows",
    "register_template": "a spreadsheet to fill in; the columns are at GET /registers",
    "public_sites": "for everybody's browser; the sites are at GET /testing/sites",
    **dict.fromkeys(("public_spot_checks", "public_spot_check"), "for everybody's browser; the checks are at GET /spot-checks"),
    **dict.fromkeys(("public_frame", "public_design", "public_draw"), "files for everybody, without a token"),
    "import_problems": "a spreadsheet; the problems are in GET /imports/{batch_id}",
    **dict.fromkeys(("line_lists", "line_list", "line_list_csv", "line_list_xlsx", "line_list_template"), "line lists travel as files"),
    "report_settle": "a person decides who is the same",
    **dict.fromkeys(
        ("case_sample", "case_result", "case_visit", "case_link", "case_withdraw-link", "case_end-contact"),
        "told in an interview, typed by a person",
    ),
    **dict.fromkeys(("follow_up_call", "follow_up_tell"), "shows a number once, to somebody about to call"),
    **dict.fromkeys(("exposure_correct", "exposure_publish", "exposure_take-down"), "a person decides what everybody is told"),
}


def test_every_page_has_its_operations_or_a_reason() -> None:
    routes = {route.name for route in urlpatterns if getattr(route, "name", None)}
    assert set(COVERED) | set(NOT_FOR_PROGRAMS) == routes
    assert set(COVERED) & set(NOT_FOR_PROGRAMS) == set()
    assert {op for ops in COVERED.values() for op in ops} <= OPERATIONS


def test_every_operation_belongs_to_a_page() -> None:
    # A place with its outline is on no page of its own: the desk's map draws it.
    assert OPERATIONS - {op for ops in COVERED.values() for op in ops} == {"GET /places/{code}"}
