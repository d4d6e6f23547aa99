"""What was done, in words: every action the log knows."""

from collections.abc import Mapping

from tongchou.core.wording import T
from tongchou.interfaces.web.story import ACTS, STEPS

NAMES: Mapping[str, T] = {
    **STEPS,
    **ACTS,
    "alarm.downgrade": T("预警降级", "Alarm downgraded"),
    "alarm.seen": T("预警再次见到", "Alarm seen again"),
    "alarm.upgrade": T("预警升级", "Alarm upgraded"),
    "audit.seal": T("每日封存", "Day sealed"),
    "device.enrol": T("设备登记", "Device enrolled"),
    "device.invite": T("邀请设备登记", "Device invited"),
    "device.revoke": T("停用设备", "Device revoked"),
    "entrance.open": T("设立入口", "Entrance opened"),
    "entrance.screen": T("更换动态码密钥", "Screen code renewed"),
    "gate.rules": T("发布入场规则", "Entry rules published"),
    "holder.facts": T("更新核酸接种信息", "Test and vaccination facts renewed"),
    "holder.register": T("登记持码人", "Pass holder registered"),
    "import.preview": T("导入预览", "Import previewed"),
    "import.apply": T("导入", "Imported"),
    "import.discard": T("放弃导入", "Import discarded"),
    "import.undo": T("撤销导入", "Import undone"),
    "import.wrong_rows": T("下载错误行", "Wrong rows taken out"),
    "incident.give": T("派发任务", "Tasks given out"),
    "observation.history": T("载入历史观测", "Past observations loaded"),
    "observation.report": T("上报观测", "Observations reported"),
    "office.lay": T("设立机构岗位", "Offices and posts laid out"),
    "outbox.retry": T("重发消息", "Message retried"),
    "parameter.define": T("定义参数", "Parameters defined"),
    "parameter.set": T("设定参数", "Parameter set"),
    "pass.distrust_key": T("不再信任密钥", "Key no longer trusted"),
    "pass.issue": T("发放通行码", "Passes issued"),
    "pass.resume": T("恢复通行码", "Pass holds again"),
    "pass.revoke": T("作废通行码", "Pass revoked"),
    "pass.rotate_key": T("更换签发密钥", "Signing key renewed"),
    "pass.suspend": T("暂停通行码", "Pass suspended"),
    "pass.trust_key": T("互认外地密钥", "Other town's key recognised"),
    "place.lay": T("设立地方", "Places laid out"),
    "plan.publish": T("发布方案", "Plan published"),
    "posting.begin": T("任职", "Put in post"),
    "posting.end": T("结束任职", "Posting ended"),
    "register.add": T("新增登记", "Record added"),
    "register.edit": T("修改登记", "Record changed"),
    "register.export": T("导出登记", "Register exported"),
    "register.generate": T("生成演示登记", "Demo register generated"),
    "sentinel.add": T("新设哨点", "Sentinel set up"),
    "sentinel.edit": T("修改哨点", "Sentinel changed"),
    "sentinel.lay": T("设立哨点", "Sentinels laid out"),
    "sentinel.state": T("哨点启停", "Sentinel opened or closed"),
    "stream.add": T("新设数据流", "Stream added"),
    "token.issue": T("发放令牌", "Token issued"),
    "token.revoke": T("作废令牌", "Token revoked"),
    "town.found": T("建立本镇", "Town founded"),
    "town.renew": T("更新本镇资料", "Town renewed"),
    "user.add": T("建立账号", "Account made"),
    "user.deactivate": T("停用账号", "Account closed"),
    "user.password": T("修改密码", "Password changed"),
    "watch.screen": T("晨间研判", "Morning read"),
    "watch.nowcast": T("晨间补估", "Morning nowcast"),
}


def act_name(action: str) -> T:
    """The action in words; one that nobody named is shown as its code."""
    return NAMES.get(action) or T(action, action)
