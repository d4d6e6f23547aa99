"""Every word of the scanner, in both languages at once: it changes its language without a network."""

from collections.abc import Mapping

from tongchou.core.wording import T
from tongchou.domains.gate.rules import REASONS, VERDICT_WORDS

WORDS: Mapping[str, T] = {
    "scanner": T("门岗扫码", "Gate scanner"),
    "large": T("大字", "Large text"),
    "normal": T("普通字", "Normal text"),
    "camera": T("开摄像头", "Open camera"),
    "camera_off": T("关摄像头", "Close camera"),
    "no_detector": T("此浏览器不能用摄像头识别二维码，请用扫码枪，或在下面输入。", "This browser cannot read QR codes with the camera. Use a reader, or type below."),
    "no_camera": T("打不开摄像头：请在浏览器里允许，或用扫码枪。", "The camera did not open: allow it in the browser, or use a reader."),
    "no_ed25519": T("此浏览器不能验签：须联网由系统核验，断网时只登记、不拦人。", "This browser cannot check signatures: passes are judged online; offline they are recorded and let in."),
    "type": T("扫码枪或手工输入，按回车", "Reader or typed, then Enter"),
    "check": T("核验", "Check"),
    "ready": T("请出示通行码", "Please show your pass"),
    "way_in": T("进", "In"),
    "way_out": T("出", "Out"),
    "online": T("在线", "Online"),
    "offline": T("断网：照常扫码，联网后自动上传", "Offline: go on scanning; sent when the network is back"),
    "waiting": T("待传 {n}", "{n} waiting"),
    "all_sent": T("已全部上传", "All sent"),
    "rules_as_of": T("规则更新于 {when}", "Rules as of {when}"),
    "rules_old": T("规则已超过一天未更新，请尽快联网。", "The rules are more than a day old. Connect to the network soon."),
    "rules_over": T("规则已过期，不能再凭它放行。请联网更新。", "The rules are too old to admit anyone by. Connect to the network."),
    "clock_off": T("本机时钟偏差{span}，已自动校正。", "This device's clock is off by {span}; corrected here."),
    "minutes": T(" {n} 分钟", "{n} minutes"),
    "hours": T(" {n} 小时", "{n} hours"),
    "days": T(" {n} 天", "{n} days"),
    "clash": T("有 {n} 条记录与系统不一致，请联系管理员。", "{n} scans differ from what the system holds. Call the office."),
    "sites": T("就近采样点", "Nearest sampling sites"),
    "no_sites": T("本机没有采样点清单，请问村居。", "No list of sampling sites here. Ask your village or neighbourhood."),
    "appeal": T("我要申诉", "Appeal"),
    "appeal_why": T("为什么认为有误", "Why do you think it is wrong"),
    "appeal_phone": T("手机号（用于告知结果，可不填）", "Mobile number for the answer (may be left empty)"),
    "appeal_send": T("提交申诉", "Send appeal"),
    "appeal_kept": T("申诉已记下，联网后提交。", "Appeal kept; sent when the network is back."),
    "appeal_sent": T("申诉已提交，编号 {number}，{hours} 小时内答复。", "Appeal {number} sent; answered within {hours} hours."),
    "next": T("下一位", "Next person"),
    "enrolling": T("正在登记本机……", "Enrolling this device…"),
    "not_enrolled": T("本机未登记。请用摄像头扫描门岗管理员给的登记码，或输入登记码。", "This device is not enrolled. Scan the enrolment code from the office, or type it."),
    "enrol": T("登记本机", "Enrol this device"),
    "enrol_code": T("登记码", "Enrolment code"),
    "already": T("本机已登记于此入口；换入口请先由管理员停用。", "Already enrolled at this entrance; the office must revoke it before it can move."),
    "revoked": T("本机已停用，所存资料已清除。请联系管理员。", "This device was revoked and its data erased. Call the office."),
    "unreachable": T("连不上系统，请检查网络后再试。", "The system cannot be reached. Check the network and try again."),
}  # fmt: skip


def both(said: T | None) -> dict[str, str] | None:
    """A pair as the scanner takes it."""
    return None if said is None else {"zh": said.zh, "en": said.en}


def everything() -> dict[str, object]:
    """Words, verdicts, reasons with what to do now."""
    return {
        "words": {key: both(said) for key, said in WORDS.items()},
        "verdicts": {key: both(said) for key, said in VERDICT_WORDS.items()},
        "reasons": {code: {"said": both(said), "remedy": both(remedy)} for code, (said, remedy) in REASONS.items()},
    }
