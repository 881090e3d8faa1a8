"""Words of sheets in both languages: headings, titles, and the codes that may stand in cells.

The desk says the same in its pages; a test compares them.
"""

from collections.abc import Mapping

Words = tuple[str, str]
"""Chinese and English."""

TITLES: Mapping[str, Words] = {
    "store": ("门店", "Store"),
    "person": ("员工", "Person"),
    "bay": ("工位", "Bay"),
    "operation": ("维修项目", "Labor operation"),
    "part": ("备件", "Part"),
    "part_price": ("备件价", "Part price"),
    "operation_price": ("项目价", "Operation price"),
    "labor_rate": ("工时单价", "Labor rate"),
    "monthly_costs": ("月度成本", "Monthly costs"),
}
"""Titles of sheets by kind."""

CODE: Words = ("代码", "Code")
MONTH: Words = ("月份", "Month")
OWNER: Words = ("由此门店决定", "Decided by store")

FIELDS: Mapping[str, Words] = {
    "zh": ("中文", "Chinese"),
    "en": ("英文", "English"),
    "city": ("城市", "City"),
    "brand": ("品牌", "Brand"),
    "zone": ("时区", "Time zone"),
    "opening": ("开门时间", "Opens at"),
    "closing": ("关门时间", "Closes at"),
    "closed_days": ("本店停业日", "Days closed"),
    "delivery_lead_minutes": ("质检与交车预留", "Inspection and delivery"),
    "risk_threshold": ("延误风险阈值（按时概率）", "Risk threshold (probability of being on time)"),
    "units_in_operation_growth": ("保有量年增长率", "Yearly growth of units in operation"),
    "visit_growth": ("单车进店年增长率", "Yearly growth of visits per vehicle"),
    "vehicle_move_minutes": ("移位用时", "Moving a vehicle"),
    "missed_punch_grace_minutes": ("忘打卡宽限", "Grace for a missed punch"),
    "appointment_grace_minutes": ("爽约宽限", "Grace for a late customer"),
    "appointment_reminder": ("预约提醒时间（前一天）", "Reminder of appointments (the day before)"),
    "labor_rate_cents": ("工时单价（含税）", "Labor rates (tax included)"),
    "price_list": ("价目表", "Price list"),
    "price_cents": ("价格（含税）", "Price (tax included)"),
    "tax_rate_bp": ("税率", "Tax rate"),
    "payment_days": ("账期", "Payment term"),
    "networks": ("本店设备网段", "Networks of the store's devices"),
    "posts": ("岗位", "Posts"),
    "skills": ("工种", "Skills"),
    "certificates": ("证书", "Certificates"),
    "time_factor": ("用时系数（小于 1 更快）", "Time factor (below 1 is quicker)"),
    "shift": ("班次代码", "Shift code"),
    "leave": ("休假", "Leave"),
    "telephone": ("电话", "Telephone"),
    "type": ("类型", "Type"),
    "number": ("编号", "Number"),
    "capabilities": ("可用于", "Can be used for"),
    "skill_code": ("工种", "Skill"),
    "level": ("技能等级", "Level"),
    "standard_hours": ("标准工时", "Standard hours"),
    "bay": ("工位类型", "Bay"),
    "technicians": ("技师人数", "Technicians"),
    "process_step": ("工序", "Process step"),
    "certificate": ("证书代码", "Certificate code"),
    "symptoms": ("故障现象", "Symptoms"),
    "parts": ("备件与数量", "Parts and quantities"),
    "unit": ("单位", "Unit"),
    "list_price_cents": ("销售价（含税）", "List price (tax included)"),
    "cost_cents": ("成本（含税）", "Cost (tax included)"),
    "building_cents": ("场地成本（不含税）", "Building cost (without tax)"),
    "staff_cents": ("人员成本（不含税）", "Staff cost (without tax)"),
    "working_capital_cents": ("资金占用成本（不含税）", "Working-capital cost (without tax)"),
    "advertising_cents": ("广告成本（不含税）", "Advertising cost (without tax)"),
    "vehicles_sold": ("售车台数", "Vehicles sold"),
    "vehicle_profit_cents": ("售车毛利（不含税）", "Profit on vehicles sold (without tax)"),
    "role": ("岗位", "Role"),
    "in_store": ("门店", "Store"),
    "full_time": ("专职", "Full-time"),
    "valid_from": ("生效日", "Valid from"),
    "expires_on": ("到期日", "Expires on"),
    "first_day": ("第一天", "First day"),
    "last_day": ("最后一天", "Last day"),
}
"""Names of fields."""

UNITS: Mapping[str, Words] = {
    "cents": ("元", "yuan"),
    "bp": ("%", "%"),
    "minutes": ("分钟", "minutes"),
    "days": ("天", "days"),
}
"""Units of numbers, by a part of the field's name."""

SKILL_WORDS: Mapping[str, Words] = {
    "maintenance": ("保养", "Maintenance"),
    "mechanical": ("机修", "Mechanical"),
    "electrical": ("电器", "Electrical"),
    "high_voltage": ("高压", "High voltage"),
    "body": ("钣金", "Body"),
    "paint": ("喷漆", "Paint"),
}
"""工种."""

BAY_WORDS: Mapping[str, Words] = {
    "quick": ("快修", "quick service"),
    "lift": ("举升", "lift"),
    "alignment": ("四轮定位", "alignment"),
    "electrical": ("电器", "electrical"),
    "high_voltage": ("高压", "high voltage"),
    "body": ("钣金", "body"),
    "paint_booth": ("烤漆房", "paint booth"),
    "wash": ("洗车", "wash"),
}
"""工位类型."""

ROLE_WORDS: Mapping[str, Words] = {
    "service_advisor": ("服务顾问", "Service advisor"),
    "front_desk_supervisor": ("前台主管", "Front-desk supervisor"),
    "dispatcher": ("车间调度", "Dispatcher"),
    "technician": ("技师", "Technician"),
    "quality_inspector": ("质检员", "Quality inspector"),
    "claims_clerk": ("索赔员", "Claims clerk"),
    "parts_clerk": ("配件员", "Parts clerk"),
    "cashier": ("收银员", "Cashier"),
    "customer_care_agent": ("客服专员", "Customer care agent"),
    "customer_care_manager": ("客服主管", "Customer care manager"),
    "sales_manager": ("销售经理", "Sales manager"),
    "service_manager": ("服务经理", "Service manager"),
    "trainer": ("内训师", "Trainer"),
    "group_service_manager": ("集团售后经理", "Group service manager"),
    "group_parts_manager": ("集团配件经理", "Group parts manager"),
    "group_customer_care_manager": ("集团客服经理", "Group customer care manager"),
    "group_finance_manager": ("集团财务经理", "Group finance manager"),
    "group_manager": ("集团经理", "Group manager"),
    "operator": ("系统运维", "Operator"),
}
"""岗位."""

CODED_FIELDS: Mapping[str, Mapping[str, Words]] = {
    "skill_code": SKILL_WORDS,
    "bay": BAY_WORDS,
    "type": BAY_WORDS,
    "capabilities": BAY_WORDS,
    "role": ROLE_WORDS,
}
"""Fields that hold one or several of a list of codes."""

CODED_KEYS: Mapping[str, Mapping[str, Words]] = {
    "skills": SKILL_WORDS,
    "labor_rate_cents": SKILL_WORDS,
}
"""Fields whose values stand by a code: each code has a column of its own."""
