"""What is kept about a person (个人信息留存), by class, and how long."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal

DataClass = Literal[
    "customer_record",
    "contact_points",
    "vehicles",
    "plates",
    "consents",
    "visits",
    "messages",
    "calls",
    "complaints",
    "inquiries",
    "surveys",
    "insurance",
    "service_reminders",
    "loyalty",
    "absences",
    "leads",
    "campaigns",
]
"""客户档案、联系方式、车辆关系、车牌、同意记录、到店、通知、回访、投诉、咨询、满意度调查、保险、保养
提醒、忠诚度等级、流失、销售线索、营销活动."""

RETENTION_YEARS: Mapping[DataClass, int] = {"visits": 10}
"""Years for which the law demands that a class is kept after its latest entry: who was invoiced
(税收征收管理法实施细则第二十九条). The others are kept until they are erased."""


def kept_until(data_class: DataClass, latest: datetime) -> datetime | None:
    """Return when the legal term of a class ends; None where it has none."""
    years = RETENTION_YEARS.get(data_class)
    if years is None:
        return None
    return _years_after(latest, years)


def _years_after(moment: datetime, years: int) -> datetime:
    """Return the same day so many years later; the 1st of March follows on a 29th of February."""
    is_leap_day = (moment.month, moment.day) == (2, 29)
    day = moment + timedelta(days=1) if is_leap_day else moment
    return day.replace(year=moment.year + years)
