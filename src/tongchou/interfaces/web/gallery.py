"""Every part of the look on one page, with made-up figures; mounted in tests and with DEBUG only."""

from datetime import UTC, date, datetime, timedelta
from math import cos, exp, pi, sin

from django import forms
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from tongchou.core.wording import T
from tongchou.interfaces.web.chart_nowcast import Completed
from tongchou.interfaces.web.chart_parts import Grade
from tongchou.interfaces.web.charts import (
    AlarmMark,
    Area,
    epidemic_curve,
    evidence_curve,
    heat_map,
    share_bars,
    small_multiples,
    stream_curve,
    village_map,
)

NOW = datetime(2022, 6, 2, 11, 0, tzinfo=UTC)
TODAY = date(2022, 6, 2)
DAYS = [TODAY - timedelta(days=59 - i) for i in range(60)]
VISITS = T("发热就诊（人）", "Fever visits")
VILLAGES = [
    T("徐泾村", "Xujing village"), T("民主村", "Minzhu village"), T("金云村", "Jinyun village"), T("光联村", "Guanglian village"),
    T("宅东村", "Zhaidong village"), T("尚泰社区", "Shangtai neighbourhood"), T("卫家角社区", "Weijiajiao neighbourhood"),
]  # fmt: skip
KINDS = [
    T("检测哨", "Testing"), T("电子哨", "Electronic"), T("抽检哨", "Spot-check"), T("监测哨", "Monitoring"), T("流调哨", "Case investigation"),
]  # fmt: skip


class Sample(forms.Form):
    """A form with one wrong field, a hint, choices and a photo."""

    name = forms.CharField(label=T("名称", "Name"), help_text=T("与营业执照一致", "As on the licence"))  # type: ignore[arg-type]
    code = forms.CharField(label=T("统一社会信用代码", "Unified social credit code"))  # type: ignore[arg-type]
    kind = forms.ChoiceField(label=T("类别", "Kind"), choices=[(str(i), kind) for i, kind in enumerate(KINDS)])  # type: ignore[arg-type]
    note = forms.CharField(label=T("备注", "Note"), widget=forms.Textarea, required=False)  # type: ignore[arg-type]
    agree = forms.BooleanField(label=T("已现场核实", "Seen on the spot"), required=False)  # type: ignore[arg-type]
    photo = forms.FileField(
        label=T("现场照片", "Photo"),  # type: ignore[arg-type]
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/*", "data-photo": True, "capture": "environment"}),
    )


def gallery(request: HttpRequest) -> HttpResponse:
    """The page of parts; `?fragment=` answers with the live region alone."""
    timezone.activate("Asia/Shanghai")
    if "messages" in request.GET:
        messages.success(request, str(T("已确认预警，任务已下发到 14 个岗位。", "Alarm confirmed; tasks given to 14 posts.")))
        messages.error(request, str(T("没有保存：这条预警刚被周敏确认。", "Not saved: Zhou Min has just confirmed this alarm.")))
    form = Sample({"name": "", "code": "91350100M000100Y4Z", "kind": "3"})
    form.add_error(
        "code",
        str(T("校验码不对：第 18 位应为 1。请对照执照重填。", "Check character is wrong: place 18 should be 1. Compare with the licence.")),
    )
    return render(request, "components/gallery.html", {**_frame(), **_figures(), **_lists(), **_stories(), "form": form})


def _frame() -> dict[str, object]:
    words = [
        ("desk", T("值班席", "Desk"), "d"), ("inbox", T("我的待办", "Inbox"), "i"), ("alarm", T("预警", "Alarms"), "a"),
        ("incident", T("事件与任务", "Incidents"), "e"), ("matrix", T("哨点矩阵", "Sentinels"), "m"), ("register", T("底数", "Registers"), "r"),
        ("import", T("导入", "Imports"), ""), ("parameters", T("参数", "Parameters"), ""), ("audit", T("审计", "Audit"), ""),
    ]  # fmt: skip
    nav = [
        {
            "label": label,
            "url": "#" + icon,
            "icon": icon,
            "key": key,
            "is_main": i < 6,
            "is_current": i == 0,
            "count": 3 if icon == "inbox" else None,
        }
        for i, (icon, label, key) in enumerate(words)
    ]
    return {
        "town": {"name": T("徐泾镇", "Xujing"), "is_demo": True},
        "now": NOW,
        "nav": nav,
        "who": {"name": T("林晓", "Lin Xiao"), "post": T("值班员", "Duty officer")},
        "data_as_of": NOW - timedelta(minutes=2),
        "attributions": [T("村居名称：国家统计局区划代码", "Village names: National Bureau of Statistics division codes")],
        "logout_url": "/logout",
    }


def _wave(i: int) -> float:
    return 9 + 3 * sin(i * 2 * pi / 7)


def _figures() -> dict[str, object]:
    counts: list[float | None] = [round(_wave(i) + 2 * sin(i * 5) + 26 * exp((i - 60) / 4.5)) for i in range(60)]
    expected = [_wave(i) for i in range(60)]
    band = ([e - 4 for e in expected], [e + 5.5 for e in expected])
    gaps = [None if i in (17, 18, 41) else value for i, value in enumerate(counts)]
    alarms = [AlarmMark(DAYS[51], "blue"), AlarmMark(DAYS[54], "yellow"), AlarmMark(DAYS[57], "orange")]
    grades: list[tuple[Grade, float]] = [("blue", 30.0), ("yellow", 120.0), ("orange", 600.0), ("red", 4000.0)]
    streams: list[tuple[T, list[float | None]]] = [
        (village, [max(0, round(4 + 3 * sin(i / 3 + k)) + (i > 50) * k) for i in range(60)]) for k, village in enumerate(VILLAGES[:3])
    ]
    states = [
        ("resumed", T("已复工", "Resumed"), "cat-1"),
        ("partly", T("部分复工", "Partly"), "cat-3"),
        ("closed", T("未复工", "Closed"), "chart-gap"),
    ]
    trades: list[tuple[T, dict[str, float]]] = [
        (T("制造业", "Manufacturing"), {"resumed": 412, "partly": 120, "closed": 41}),
        (T("批发零售", "Wholesale, retail"), {"resumed": 2210, "partly": 900, "closed": 1210}),
        (T("餐饮住宿", "Catering, lodging"), {"resumed": 210, "partly": 402, "closed": 930}),
        (T("信息技术", "IT services"), {"resumed": 880, "partly": 150, "closed": 60}),
    ]
    return {
        "curve": epidemic_curve(
            DAYS, counts, title=T("疫情曲线", "Epidemic curve"), unit=VISITS, expected=expected, band=band, alarms=alarms, completed=_completed(counts)
        ),
        "stream": stream_curve(
            DAYS, gaps, title=T("哨点数据", "Stream"), unit=VISITS, expected=expected, band=band, threshold=[e + 9 for e in expected], signals=DAYS[55:]
        ),
        "map": village_map(_areas(), title=T("各村居发病", "Villages"), unit=T("近 7 日每千人", "7 days, per 1,000")),
        "evidence_chart": evidence_curve(
            DAYS, [0.4 * exp(max(0, i - 45) / 1.6) * (1.3 + sin(i)) for i in range(60)], title=T("证据", "Evidence"), threshold=120, grades=grades
        ),
        "trades": share_bars(trades, states, title=T("分行业复工", "Resumption by trade")),
        "heat": heat_map(
            VILLAGES, DAYS[-21:], [[max(0.0, 3 * sin(i + k) + (i > 14) * k) for i in range(21)] for k in range(7)],
            title=T("村居与日期", "Villages by day"), unit=T("就诊", "Visits"),
        ),
        "smalls": small_multiples(DAYS, streams, unit=VISITS),
        "spark_values": [counts[i] if i % 13 else None for i in range(30, 60)],
    }  # fmt: skip


def _completed(counts: list[float | None]) -> Completed:
    """The last three days of a curve are not all in."""

    def line(factor: float) -> list[float | None]:
        return [None] * 57 + [round((count or 0) * (1 + factor * k)) for k, count in enumerate(counts[57:], start=1)]

    return Completed(line(0.2), line(0.05), line(0.45), line(0.12), line(0.28), frozenset(DAYS[57:]))


def _areas() -> list[Area]:
    areas = []
    for row in range(4):
        for column in range(6):
            k = row * 6 + column
            corners = [(121.22 + (column + dx) * 0.012, 31.15 + (row + dy) * 0.012) for dx, dy in ((0, 0), (1, 0), (1, 1), (0, 1), (0, 0))]
            ring = [[x + 0.003 * sin(40 * x + 90 * y), y + 0.003 * cos(70 * x + 30 * y)] for x, y in corners]
            value = None if k == 20 else max(0.1, 9 * exp(-((row - 1.5) ** 2 + (column - 3.5) ** 2) / 2))
            name = VILLAGES[k % 7]
            areas.append(
                Area(str(k), name, {"type": "Polygon", "coordinates": [ring]}, value, "orange" if k == 9 else "blue" if k == 2 else None)
            )
    return areas


def _rows() -> list[dict[str, object]]:
    due = [NOW + timedelta(minutes=30), NOW - timedelta(minutes=12), NOW + timedelta(hours=9), None]
    return [
        {
            "title": T("民主村发热聚集，待确认", "Fever cluster in Minzhu, to confirm"),
            "url": "#1",
            "grade": "orange",
            "due_at": due[0],
            "note": T("门诊 + 药店 + 缺课 · 4 个村居", "clinic + pharmacy + absence · 4 villages"),
            "is_overdue": False,
        },
        {
            "title": T("水源余氯抽检 6 点", "Chlorine samples at 6 points"),
            "url": "#2",
            "grade": "yellow",
            "due_at": due[1],
            "state": T("办理中", "in hand"),
            "is_overdue": True,
        },
        {
            "title": T("流调首批 18 例", "Investigate the first 18 cases"),
            "url": "#3",
            "grade": "red",
            "due_at": due[2],
            "state": T("待接收", "to accept"),
            "is_overdue": False,
        },
        {
            "title": T("公众提示（中英文）", "Public notice (zh, en)"),
            "url": "#4",
            "grade": None,
            "due_at": due[3],
            "state": T("已办结", "done"),
            "is_overdue": False,
        },
    ]


def _lists() -> dict[str, object]:
    levels: list[list[int | None]] = [[0, 1, 2, 3, 4], [1, 0, None, 2, 1], [4, 3, 2, 1, 0], [None, 1, None, 0, 2], [2, 2, 2, 2, 2]]
    return {
        "rows": _rows(),
        "kpis": [
            {
                "label": T("今日发热就诊", "Fever visits today"),
                "value": "41",
                "note": T("预期 8–15", "expected 8–15"),
                "trend": "up",
                "tone": "bad",
                "url": "#k",
            },
            {"label": T("在办预警", "Open alarms"), "value": "4", "note": T("橙 1 黄 1 蓝 2", "1 orange, 1 yellow, 2 blue")},
            {"label": T("逾期任务", "Overdue tasks"), "value": "2", "note": T("已升级 1", "1 escalated"), "tone": "bad"},
            {
                "label": T("哨点在线", "Sentinels live"),
                "value": "91.6",
                "unit": "%",
                "note": T("较上周 2.3", "2.3 on last week"),
                "trend": "down",
                "tone": "bad",
            },
            {
                "label": T("复工率", "Resumed"),
                "value": "64.8",
                "unit": "%",
                "note": T("较昨日 3.1", "3.1 since yesterday"),
                "trend": "up",
                "tone": "good",
            },
            {"label": T("监测盲区居民", "Residents unwatched"), "value": "12,408"},
        ],
        "grid": {
            "corner": T("村居", "Village"),
            "columns": [{"label": kind, "url": "#k"} for kind in KINDS],
            "rows": [
                {
                    "label": VILLAGES[r],
                    "url": "#v",
                    "cells": [
                        {"text": T("盲区", "blind") if level is None else str(level + 1), "level": level, "url": "#c", "title": VILLAGES[r]}
                        for level in line
                    ],
                }
                for r, line in enumerate(levels)
            ],
        },
    }


def _stories() -> dict[str, object]:
    return {
        "timeline": [
            {"at": NOW - timedelta(hours=5), "title": T("三类哨点同向超限", "Three kinds of sentinel over their limits"), "note": T("证据 840 倍", "evidence 840 times")},
            {"at": NOW - timedelta(hours=4), "title": T("橙色预警提出", "Orange alarm proposed"), "tone": "orange", "who": T("系统", "system"), "url": "#a"},
            {"at": NOW - timedelta(hours=3), "title": T("已签收", "Acknowledged"), "who": T("林晓 值班员", "Lin Xiao, duty officer")},
            {"at": NOW - timedelta(hours=1), "title": T("事件启动，下发任务 42 项", "Incident opened, 42 tasks given out"), "tone": "ok", "who": T("周敏 带班领导", "Zhou Min, duty leader")},
            {"at": NOW - timedelta(minutes=12), "title": T("任务逾期，已升级", "Task overdue, escalated"), "tone": "bad"},
        ],
        "steps": [
            {"kind": T("任务", "Task"), "title": T("流调首批 18 例", "Investigate first 18 cases"), "url": ""},
            {"kind": T("事件", "Incident"), "title": "SJ-2022-003", "url": "#i"},
            {"kind": T("预警", "Alarm"), "title": T("橙 民主村", "Orange, Minzhu"), "url": "#a"},
            {"kind": T("信号", "Signal"), "title": T("发热门诊超限", "Fever clinic over limit"), "url": "#s"},
            {"kind": T("数据", "Observation"), "title": "41", "note": T("6月2日报", "reported 2 Jun"), "url": "#o"},
        ],
        "shares": [
            {"label": T("徐泾社区卫生服务中心发热门诊", "Fever clinic, health centre"), "share": 0.46, "url": "#s"},
            {"label": T("第一小学缺课", "Absence, First Primary"), "share": 0.31},
            {"label": T("药店退热药", "Antipyretics at pharmacies"), "share": 0.23},
        ],
        "problems": [
            {"cell": "B7", "value": "91350100M000100Y4Z", "what": T("校验码不对", "Check character is wrong"), "remedy": T("第 18 位应为 1", "Place 18 should be 1")},
            {"cell": "D12", "value": "-3", "what": T("人数不能为负", "A count cannot be negative"), "remedy": T("填 0 或更大的整数", "Give 0 or a larger whole number")},
        ],
        "evidence_items": [
            {"name": "IMG_2041.jpg", "url": "#e", "taken_at": NOW, "place": T("民主村", "Minzhu"), "by": T("陈医生", "Dr Chen"), "sha256": "9f86d081884c7d65"},
            {"name": "report.pdf", "url": "#e", "taken_at": NOW - timedelta(days=1), "sha256": "60303ae22b998861"},
        ],
        "page_obj": Paginator(range(2004), 25).get_page(12),
        "soon": NOW + timedelta(minutes=30), "late": NOW - timedelta(minutes=12), "far": NOW + timedelta(days=2, hours=3), "done": NOW - timedelta(hours=1),
        "identity": "31011820000101123X",
    }  # fmt: skip
