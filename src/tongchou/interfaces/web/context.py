"""What the frame of every page shows: the town, its time, the way around, who is signed in."""

from dataclasses import dataclass

from django.conf import settings
from django.db.models import Count, Q, Subquery, Value
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from tongchou.core.audit.models import Entry
from tongchou.core.casework.models import Dossier
from tongchou.core.casework.queries import inbox_for
from tongchou.core.wording import T
from tongchou.domains.response.queries import escalated_from


@dataclass(frozen=True, slots=True)
class Way:
    """One place to go: its address name, label, icon, shortcut letter (after g) and the capability it needs."""

    name: str
    label: T
    icon: str
    needs: str
    key: str = ""
    short: T | None = None
    is_main: bool = False


WAYS = (
    Way("desk", T("值班席", "Desk"), "desk", "desk.read", "d", is_main=True),
    Way("inbox", T("我的待办", "Inbox"), "inbox", "task.work", "i", T("待办", "Inbox"), is_main=True),
    Way("alarms", T("预警", "Alarms"), "alarm", "alarm.read", "a", is_main=True),
    Way("incidents", T("事件与任务", "Incidents"), "incident", "incident.read", "e", T("事件", "Incidents"), is_main=True),
    Way("matrix", T("哨点矩阵", "Sentinels"), "matrix", "sentinel.read", "m", T("哨点", "Sentinels"), is_main=True),
    Way("cases", T("流调", "Investigation"), "search", "case.read", "c"),
    Way("follow_up", T("随访", "Follow-up"), "people", "contact.follow", "f"),
    Way("registers", T("底数", "Registers"), "register", "register.read", "r", is_main=True),
    Way("testing", T("核酸检测", "Testing"), "check", "testing.read", "t"),
    Way("gate", T("门岗", "Gate"), "register", "gate.read", "k"),
    Way("passes", T("通行码", "Passes"), "link", "pass.issue"),
    Way("suspensions", T("暂停通行码", "Suspended passes"), "cross", "suspension.read"),
    Way("calls", T("企业走访", "Firm visits"), "place", "call.read"),
    Way("difficulties", T("企业困难", "Difficulties"), "warning", "difficulty.read"),
    Way("policies", T("惠企政策", "Policies"), "check", "policy.read"),
    Way("projects", T("项目", "Projects"), "matrix", "project.read"),
    Way("approvals", T("审批", "Approvals"), "check", "approval.read"),
    Way("resumption", T("复工复产", "Resumption"), "arrow-up", "resumption.read"),
    Way("spot_checks", T("抽检", "Spot checks"), "filter", "spot_check.read"),
    Way("imports", T("导入", "Imports"), "import", "import.write"),
    Way("parameters", T("参数", "Parameters"), "parameters", "parameter.read", "p"),
    Way("people", T("人员与岗位", "People and posts"), "people", "desk.read"),
    Way("audit", T("审计", "Audit"), "audit", "audit.read", "u"),
    Way("outbox", T("消息队列", "Outbox"), "outbox", "outbox.read", "o"),
)


def town(request: HttpRequest) -> dict[str, object]:
    """Names the base template reads; nothing on pages outside `@page`."""
    actor = getattr(request, "actor", None)
    if actor is None:
        return {}
    host, _, port = request.get_host().rpartition(":")
    # What climbed past this person still is theirs to do: the badge counts what the inbox lists.
    in_hand = Q(pk__in=inbox_for(actor).order_by().values("dossier_id")) | Q(pk__in=escalated_from(actor).order_by().values("pk"))
    counted = Dossier.objects.filter(in_hand).order_by().values(all=Value(1)).annotate(n=Count("pk")).values("n")
    # One query for both, as this is asked for every page.
    newest = Entry.objects.order_by("-seq").annotate(waiting=Coalesce(Subquery(counted), 0)).values_list("seq", "waiting")
    live_seq, waiting = newest.first() or (0, 0)
    nav = []
    for way in WAYS:
        if actor.may(way.needs):
            try:
                url = reverse(way.name)
            except NoReverseMatch:
                continue
            nav.append(
                {
                    "label": way.label, "short": way.short, "url": url, "icon": way.icon, "key": way.key, "is_main": way.is_main,
                    "is_current": request.path == url or (url != "/" and request.path.startswith(url.rstrip("/") + "/")),
                    "count": waiting if way.name == "inbox" else None,
                }
            )  # fmt: skip
    return {
        "town": request.town,  # type: ignore[attr-defined]
        "now": request.at,  # type: ignore[attr-defined]
        "nav": nav,
        "who": {"name": request.user.name, "post": _post_name(request)},  # type: ignore[union-attr]
        "live_url": f"{request.scheme}://{host}:{int(port) + settings.LIVE_PORT_OFFSET}/live" if host and port.isdigit() else None,
        "live_seq": live_seq,
        "attributions": [T(**pair) for pair in request.town.attributions],  # type: ignore[attr-defined]
        "logout_url": reverse("logout"),
    }


def _post_name(request: HttpRequest) -> T:
    posts = sorted(request.actor.posts, key=lambda held: held.as_deputy)  # type: ignore[attr-defined]
    return posts[0].name if posts else T("无岗位", "no post")
