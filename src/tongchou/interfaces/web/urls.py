"""Every address of the pages and of the programming interface."""

from importlib import import_module

from django.urls import URLPattern, URLResolver, path

from tongchou.interfaces.api.api import api

# Each module holds the views of one subject and its own `urlpatterns`.
PAGES: tuple[str, ...] = (
    "desk",
    "registers",
    "imports",
    "account",
    "parameters",
    "people",
    "audit",
    "outbox",
    "live",
    "alarms",
    "drafts",
    "promise",
    "incidents",
    "evidence",
    "tasks",
    "inbox",
    "matrix",
    "sentinel_forms",
    "streams",
    "intake",
    "intake_file",
    "testing_sites",
    "testing_due",
    "testing_overdue",
    "testing_laboratory",
    "testing_crew",
    "crew_phone",
    "testing",
    "public_sites",
    "spot_check_crew",
    "spot_checks",
    "public_spot_checks",
    "line_lists",
    "cases",
    "follow_up",
    "exposures",
    "public_notices",
    "scan",
    "screen",
    "doors",
    "posters",
    "appeals",
    "footfall",
    "passes",
    "suspensions",
    "common_causes",
    "difficulties",
    "firm_page",
    "firms",
    "policies",
    "solving",
    "projects",
    "slips",
    "approval_times",
    "approvals",
    "applicant_page",
    "resumption",
    "filings",
    "site_checks",
    "calls",
    "call_phone",
    "public_pass",
    "public_status",
)
# Each module holds one subject's `router`.
ROUTERS: tuple[str, ...] = (
    "town",
    "desk",
    "warning",
    "explaining",
    "drafts",
    "response",
    "sentinels",
    "reports",
    "testing",
    "regular_testing",
    "gate",
    "footfall",
    "spot_checks",
    "registry",
    "evidence",
    "office",
    "tracing",
    "exposures",
    "passes",
    "difficulties",
    "approvals",
    "resumption",
    "calls",
    "recovery",
    "policies",
    "projects",
)

for _name in ROUTERS:
    api.add_router("", import_module(f"tongchou.interfaces.api.{_name}").router)

urlpatterns: list[URLPattern | URLResolver] = [
    *(address for name in PAGES for address in import_module(f"tongchou.interfaces.web.pages.{name}").urlpatterns),
    path("api/v1/", api.urls),
]

handler500 = "tongchou.interfaces.web.trouble.answer"
