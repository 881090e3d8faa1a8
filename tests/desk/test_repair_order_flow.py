"""Path of a vehicle from arrival to payment, by clicks at the desk (R2, R3, R4, R5, R7, R8, R11,
R12, R13, R14, R21, R30).
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlsplit

import asyncpg
import httpx
import pytest
from playwright.async_api import expect

from deploy.embedded.platform import Platform
from shared.clock import SimulatedClock
from shared.formats import vin_check_digit
from tests.support.api import ADVISOR, DISPATCHER, INSPECTOR, SERVICES, Api, customer
from tests.support.desk import Colleague, Desk
from tests.support.polling import PATIENCE_S

NINE = datetime(2026, 3, 4, 1, 5, tzinfo=UTC)
PLATE = "沪A8K215"
VIN = "LSVAA418_E2184215"
WORDS = "冷车启动后怠速抖动，顺便做个保养。"

PAGES = {
    "S01-manager-1": (
        "reception",
        "appointments",
        "orders?view=settled",
        "claims",
        "receivables",
        "workshop",
        "call-tasks",
        "facility-checks",
        "follow-ups?view=scheduled",
        "today",
    ),
    "S01-technician-7": ("my-jobs",),
    "S01-inspector-1": ("inspection",),
}


@pytest.fixture(autouse=True)
def _business_hours(clock: SimulatedClock) -> None:
    clock.set(NINE)


async def test_vehicle_goes_from_arrival_to_payment(desk: Desk, clock: SimulatedClock) -> None:
    advisor = await desk.sign_in("S01-advisor-1")
    await _arrive(advisor, clock)
    await _open_order(advisor)
    dispatcher = await desk.sign_in("S01-dispatcher-1")
    technician_id = await _reassign(dispatcher)
    technician = await desk.sign_in(technician_id, size="phone")
    await _work(technician, dispatcher, clock)
    inspector = await desk.sign_in("S01-inspector-1")
    await _inspect(inspector)
    manager = await desk.sign_in("S01-manager-1")
    await _settle(advisor, manager)
    await _hand_over(advisor, manager)
    await _whole_history(advisor)
    await _kpis(manager)
    for colleague in (advisor, dispatcher, technician, inspector, manager):
        assert colleague.faults == []


async def _arrive(advisor: Colleague, clock: SimulatedClock) -> None:
    await advisor.press("record-arrival")
    await advisor.write(plate="沪I00")
    await advisor.send()
    await expect(advisor.page.get_by_text("车牌格式不对")).to_be_visible()
    await expect(advisor.at("plate")).to_have_value("沪I00")
    await advisor.write(plate=PLATE)
    await advisor.send()
    card = advisor.at("arrival-1")
    for waited, tone in ((0, "in-time"), (65, "in-time"), (450, "near"), (605, "overdue")):
        clock.set(NINE + timedelta(seconds=waited))
        await expect(card.locator(".waited")).to_have_text(f"{waited // 60:02}:{waited % 60:02}")
        await expect(card).to_have_class(re.compile(rf"\b{tone}\b"))
    await advisor.keep("board")
    await advisor.press("greet-1")


async def _open_order(advisor: Colleague) -> None:
    await advisor.write(plate=PLATE)
    await advisor.press("find-customer")
    await expect(advisor.page.get_by_text("请登记客户资料")).to_be_visible()
    await advisor.write(name="王建国", phone="13916218421", vin=VIN, model="X5")
    await advisor.write(customer_concern=WORDS, odometer_km="38200")
    await advisor.choose("symptoms", "冷车")
    await advisor.choose("op_codes", "常规保养")
    await expect(advisor.at("estimate")).to_have_text("¥834.00")
    await expect(advisor.at("promised-at")).to_be_visible()
    await advisor.press("open-order")
    await expect(advisor.page.get_by_text("车架号不对")).to_be_visible()
    await expect(advisor.at("customer_concern")).to_have_value(WORDS)
    await advisor.keep("write_up")
    await advisor.write(vin=VIN.replace("_", vin_check_digit(VIN.replace("_", "0"))))
    await advisor.press("open-order")
    await expect(advisor.at("history").get_by_text("派工", exact=True)).to_be_visible()
    await expect(advisor.page.get_by_text("王建国")).to_be_visible()


async def _reassign(dispatcher: Colleague) -> str:
    """Give the job to the next technician who can do it, with a reason."""
    await dispatcher.press("bar-*")
    await dispatcher.press("move")
    await dispatcher.page.locator(".q-chip__icon--remove").click()
    await dispatcher.at("technician_ids").click()
    await dispatcher.page.locator(".q-menu .q-item").filter(has_text="沈磊").click()
    await dispatcher.page.keyboard.press("Escape")
    await dispatcher.send()
    await expect(dispatcher.page.get_by_text("请填写此项").first).to_be_visible()
    await dispatcher.pick("reason", "客户要求")
    await dispatcher.keep("reassignment")
    await dispatcher.send()
    await expect(dispatcher.at("row-S01-technician-7").locator(".bar")).to_be_visible()
    return "S01-technician-7"


async def _work(technician: Colleague, dispatcher: Colleague, clock: SimulatedClock) -> None:
    await technician.press("start")
    await expect(technician.at("pause")).to_be_visible()
    await expect(dispatcher.page.locator(".bar.status-in_progress")).to_be_visible()
    await dispatcher.keep("workshop")
    clock.set(NINE + timedelta(minutes=50))
    await technician.press("pause")
    await technician.press("pause-waiting_customer")
    await expect(technician.at("resume")).to_be_visible()
    await technician.keep("my-jobs-phone")
    await technician.press("resume")
    await technician.press("finish")
    await expect(technician.page.get_by_text("目前没有派给您的任务")).to_be_visible()


async def _inspect(inspector: Colleague) -> None:
    await expect(inspector.page.get_by_text("常规保养（三滤）")).to_be_visible()
    await inspector.keep("inspection")
    await inspector.press("inspect")
    items = inspector.page.locator(".inspection-item")
    await expect(items.first).to_be_visible()
    for place in range(await items.count()):
        await items.nth(place).get_by_text("合格", exact=True).click()
    await inspector.send()
    await expect(inspector.page.get_by_text("没有待质检的项目")).to_be_visible()


async def _hand_over(advisor: Colleague, manager: Colleague) -> None:
    await expect(advisor.at("deliver")).to_be_disabled()
    await advisor.keep("delivery")
    open_steps = advisor.page.locator(".can-check")
    for missing in range(await open_steps.count(), 2, -1):
        await expect(open_steps).to_have_count(missing)
        await open_steps.first.click()
    await expect(open_steps).to_have_count(2)
    await advisor.open("waive-belongings_returned")
    await advisor.pick("reason", "不适用")
    await advisor.send()
    await expect(advisor.page.get_by_text("待审批")).to_be_visible()
    await manager.go(urlsplit(advisor.page.url).path)
    await manager.press("approve-belongings_returned")
    await expect(advisor.page.locator(".check.waived")).to_have_count(1)
    await advisor.open("step-customer_signed")
    await advisor.send()
    await expect(advisor.page.get_by_text("尚未签字")).to_be_visible()
    await _sign(advisor)
    await advisor.open("signature")
    await expect(advisor.page.locator(".signature-drawing polyline")).to_have_count(1)
    await advisor.keep("signature")
    await advisor.press("dialog-cancel")
    await expect(advisor.at("deliver")).to_be_enabled()
    await advisor.press("deliver")
    await expect(advisor.page.locator(".way-step.here")).to_have_text("已结清")


async def _sign(advisor: Colleague) -> None:
    """Draw a line on the pad."""
    pad = await advisor.at("signature-pad").bounding_box()
    assert pad
    mouse = advisor.page.mouse
    await mouse.move(pad["x"] + 40, pad["y"] + 60)
    await mouse.down()
    for place in range(8):
        await mouse.move(pad["x"] + 60 + 30 * place, pad["y"] + 60 + 40 * (place % 2))
    await mouse.up()
    await advisor.send()


async def _settle(advisor: Colleague, manager: Colleague) -> None:
    await advisor.open("discount")
    await advisor.write(amount_cents="100")
    await advisor.pick("reason", "老客户")
    await manager.go(urlsplit(advisor.page.url).path)
    await manager.open("discount")
    await manager.write(amount_cents="10")
    await manager.pick("reason", "活动")
    await manager.send()
    await expect(manager.at("discount-line")).to_contain_text("批准")
    await advisor.send()
    await expect(advisor.page.get_by_text("刚被他人改动，请看最新状态")).to_be_visible()
    await expect(advisor.page.get_by_text("宋桂英已于")).to_be_visible()
    await expect(advisor.at("amount_cents")).to_have_value("100.00")
    await advisor.send()
    await expect(advisor.at("discount-line")).to_contain_text("待审批")
    await manager.press("approve-discount")
    await expect(advisor.at("discount-line")).to_contain_text("批准")
    await advisor.open("invoice")
    await expect(advisor.at("invoice-total")).to_have_text("¥734.00")
    await advisor.write(vouchers="no-such-voucher")
    await advisor.press("add-voucher")
    await expect(advisor.page.get_by_text("没有这张")).to_be_visible()
    await advisor.keep("invoice")
    await advisor.send()
    await manager.open("credit-note")
    await manager.write(amount_cents="4")
    await manager.pick("reason", "价格有误")
    await manager.send()
    await expect(advisor.at("credit-note-line")).to_contain_text("−¥4.00")
    balance = advisor.at("invoicing").locator("dt:has-text('未收金额') + dd")
    await expect(balance).to_have_text("¥730.00")
    await advisor.open("pay")
    await advisor.write(amount_cents="900")
    await advisor.send()
    await expect(advisor.page.get_by_text("收款超过未收金额 ¥730.00")).to_be_visible()
    await advisor.write(amount_cents="730")
    await advisor.send()
    await expect(advisor.at("pay")).to_have_count(0)


async def _correct(manager: Colleague) -> None:
    """Reinstate a voucher and refund a part of the payment by a credit note."""
    await manager.open("credit-note")
    await manager.write(amount_cents="100")
    await manager.choose("vouchers", "代金券 · ¥50.00")
    await manager.pick("reason", "价格有误")
    await manager.send()
    await expect(manager.page.get_by_text("请选择已付部分的退款方式")).to_be_visible()
    await manager.pick("refund_method", "微信")
    await manager.keep("credit-note")
    await manager.send()
    await expect(manager.at("credit-note-line")).to_contain_text("已退券 ¥50.00")
    await expect(manager.at("invoicing")).to_contain_text("¥1,006.00")


async def _whole_history(advisor: Colleague) -> None:
    history = advisor.at("history")
    for event in ("车辆到店", "客户已接待", "开单", "派工", "改派", "开工", "完工", "竣工"):
        await expect(history.get_by_text(event, exact=True).first).to_be_visible()
    for event in ("质检合格", "交车", "出结算单", "收款", "回访排期"):
        await expect(history.get_by_text(event, exact=True)).to_be_visible()
    await advisor.keep("order")


async def _kpis(manager: Colleague) -> None:
    await manager.go("/stores/S01/today")
    await expect(manager.at("kpi-settled").locator(".tile-value")).to_have_text("1")
    await expect(manager.at("kpi-received_cents").locator(".tile-value")).to_have_text("¥730.00")
    await manager.keep("today")


async def test_additional_work_authorized_on_phone_is_invoiced(
    desk: Desk, platform: Platform
) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        order_id = await api.opened(77, "沪A7K777")
        await api.wait_until_idle()
        (job,) = await api.get("workshop", f"/jobs?order_id={order_id}", DISPATCHER)
        technician = job["technician_ids"][0]
        await api.done("workshop", f"/jobs/{job['job_id']}/start", technician)
        found = {"op_codes": ["MNT-006", "MNT-011"], "part_numbers": ["PLG-IRID"] * 4}
        await api.done("workshop", f"/jobs/{job['job_id']}/additional-work", technician, found)
        advisor = await desk.sign_in("S01-advisor-1")
        await expect(advisor.at("awaiting-strip")).to_contain_text("待授权")
        await advisor.keep("awaiting")
        await advisor.at("awaiting-strip").get_by_role("link").click()
        address = await _send_link(api, advisor, order_id)
        await api.wait_until_idle()
        (message,) = await api.get("crm", f"/messages?order_id={order_id}", "S01-agent-1")
        assert (message["message_type"], message["values"]["amount_cents"]) == (
            "additional_work",
            93_000,
        )
        await _open_signed_out(desk, address)
        links = await api.get("reception", f"/orders/{order_id}/links", ADVISOR)
        assert "S01-advisor-2" in {use["staff_device"] for each in links for use in each["uses"]}
        promised = await _authorize_a_part(desk, address)
        await expect(advisor.page.locator(".promise-side .promise-time")).to_have_text(promised)
        await expect(advisor.at("estimates").get_by_text("链接").first).to_be_visible()
        await expect(advisor.at("shown-before").first).to_contain_text("出示")
        await advisor.keep("estimates")
        await _finish_all(api, order_id, job)
        jobs = await api.get("workshop", f"/jobs?order_id={order_id}", DISPATCHER)
        assert sorted(each["op_code"] for each in jobs) == ["MNT-001", "MNT-006"]
        vehicle = (await api.get("reception", f"/orders/{order_id}", ADVISOR))["vehicle_ref"]
        until = {"expires_at": "2026-12-31T15:59:59Z", "vehicle_ref": vehicle}
        gift = {"kind": "voucher", "value_cents": 5_000, **until}
        voucher = await api.done("reception", "/vouchers", "S01-manager-1", gift)
        await advisor.open("invoice")
        await expect(advisor.at("invoice-total")).to_have_text("¥1,156.00")
        await advisor.press(f"use-{voucher['voucher_id']}")
        await expect(advisor.at("invoice-total")).to_have_text("¥1,106.00")
        await advisor.send()
        await advisor.open("pay")
        await advisor.send()
        await expect(advisor.at("pay")).to_have_count(0)
        manager = await desk.sign_in("S01-manager-1")
        await manager.go(f"/stores/S01/orders/{order_id}")
        await _correct(manager)
        assert advisor.faults == manager.faults == []


async def test_stopped_work_is_reinvoiced_to_other_payer(desk: Desk, platform: Platform) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        order_id = await api.opened(83, "沪A7K783")
        await api.begun(order_id)
        await api.wait_until_idle()
    advisor, manager = await desk.sign_in(ADVISOR), await desk.sign_in("S01-manager-1")
    for colleague in (advisor, manager):
        await colleague.go(f"/stores/S01/orders/{order_id}")
    await advisor.open("withdraw-work")
    await advisor.press("stop-all")
    await expect(advisor.at("remaining-total")).to_have_text("¥370.00")
    await advisor.pick("reason", "急用车")
    await advisor.keep("withdrawal")
    await advisor.send()
    await expect(advisor.page.locator(".way-step.here")).to_have_text("已竣工")
    await advisor.open("invoice")
    await advisor.send()
    await advisor.press("step-invoice_explained")
    await expect(manager.page.locator(".check.done")).to_have_count(1)
    await manager.open("credit-note")
    await manager.press("entire")
    await manager.pick("reason", "其他")
    await manager.keep("credit-note-entire")
    await manager.send()
    await expect(advisor.at("credit-note-line")).to_contain_text("−¥370.00")
    await advisor.open("invoice")
    await advisor.pick("payer-MNT-001", "内部")
    await expect(advisor.page.locator(".preview .quote-line")).to_contain_text(
        ["¥352.00", "¥18.00"]
    )
    await advisor.keep("invoice-again")
    await advisor.send()
    await expect(advisor.at("earlier-invoice")).to_contain_text("¥370.00")
    await expect(advisor.at("step-invoice_explained")).to_contain_text("需重做")
    await advisor.keep("delivery-again")
    assert advisor.faults == manager.faults == []


async def test_warranty_claim_is_followed_until_settlement(desk: Desk, platform: Platform) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        order_id = await api.greeted("沪A7K778")
        body = await api.write_up(78, "沪A7K778", pay_types={"MNT-001": "warranty"})
        await api.done("reception", f"/orders/{order_id}/open", ADVISOR, body)
        await api.worked(order_id)
        await api.delivered(order_id)
    advisor = await desk.sign_in(ADVISOR)
    await advisor.go(f"/stores/S01/orders/{order_id}")
    await _complain(advisor)
    await advisor.go("/stores/S01/claims")
    await expect(advisor.at("claim")).to_contain_text("沪A7K778")
    await advisor.keep("claims-ledger")
    await advisor.page.locator(".row-anchor").first.click()
    await expect(advisor.page.get_by_text("沪A7K778 · 王小明")).to_be_visible()
    await expect(advisor.at("submit-claim")).to_be_disabled()
    await expect(advisor.at("missing")).to_contain_text("故障码")
    await advisor.open("claim_details")
    await advisor.write(in_service_date="2025-01-07", dtc="engine")
    await advisor.send()
    await expect(advisor.at("dtc")).to_have_value("engine")
    await advisor.keep("claim-details")
    await advisor.write(dtc="p0301")
    for part_number in ("FLT-AIR", "OIL-5W30"):
        await advisor.choose("causal_part_number", part_number)
        await expect(advisor.page.locator(".dialog .q-chip")).to_have_count(1)
        await expect(advisor.page.locator(".dialog .q-chip")).to_contain_text(part_number)
    await advisor.send()
    await advisor.press("submit-claim")
    await _answer(advisor, "资料存疑", "0")
    await expect(advisor.page.get_by_text("资料存疑 · ")).to_be_visible()
    await advisor.press("submit-claim")
    await _answer(advisor, "部分批准", "100")
    await advisor.keep("claim")
    await advisor.open("settle-claim")
    await expect(advisor.page.get_by_text("¥8.00")).to_be_visible()
    await advisor.go("/stores/S01/receivables")
    await expect(advisor.at("receivable").filter(has_text="厂家")).to_have_count(1)
    await advisor.keep("receivables")
    await advisor.page.go_back()
    await advisor.open("settle-claim")
    await advisor.send()
    await expect(advisor.page.get_by_text("已结算")).to_be_visible()
    assert advisor.faults == []


async def test_order_at_risk_is_released_on_account(
    desk: Desk, platform: Platform, clock: SimulatedClock
) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        order_id = await api.greeted("沪A7K779")
        body = await api.write_up(79, "沪A7K779", pay_types={"MNT-001": "warranty"})
        await api.done("reception", f"/orders/{order_id}/open", ADVISOR, body)
        await api.wait_until_idle()
        (job,) = await api.get("workshop", f"/jobs?order_id={order_id}", DISPATCHER)
        await api.done("workshop", f"/jobs/{job['job_id']}/start", job["technician_ids"][0])
        advisor, manager = await desk.sign_in(ADVISOR), await desk.sign_in("S01-manager-1")
        for colleague in (advisor, manager):
            await colleague.go(f"/stores/S01/orders/{order_id}")
        await _decline_more_work(advisor)
        await _take_deposit(advisor)
        clock.set(datetime.fromisoformat(job["promised_at"]) - timedelta(minutes=4))
        await expect(advisor.at("promise-risk")).to_contain_text("施工超时")
        await expect(advisor.at("history").get_by_text("承诺风险", exact=True)).to_be_visible()
        await advisor.open("revise-promise")
        await advisor.pick("reason", "施工超时")
        await advisor.send()
        await expect(advisor.at("history").get_by_text("承诺变更", exact=True)).to_be_visible()
        await _finish_all(api, order_id, job)
        await api.done("reception", f"/orders/{order_id}/invoice", ADVISOR)
        await expect(manager.at("invoicing")).to_contain_text("¥152.00")
        await _refund(manager)
        await _grant_credit(manager)
        await api.steps_done(order_id)
        await expect(manager.page.get_by_text("挂账由您批准，须由另一人交车。")).to_be_visible()
        await expect(manager.at("deliver")).to_be_disabled()
        await advisor.press("deliver")
        await expect(advisor.page.locator(".way-step.here")).to_have_text("已交车")
        claims = await api.get("reception", "/claims?status=draft", ADVISOR)
        claim_id = next(each["claim_id"] for each in claims if each["order_id"] == order_id)
    await manager.go(f"/stores/S01/claims/{claim_id}")
    await manager.open("write-off")
    await manager.send()
    await expect(manager.page.get_by_text("已核销")).to_be_visible()
    assert advisor.faults == manager.faults == []


async def _decline_more_work(advisor: Colleague) -> None:
    """Decline the offered work for the customer, who is asked at the counter."""
    await advisor.open("add-work")
    await advisor.choose("op_codes", "空调")
    await expect(advisor.at("new-total")).to_be_visible()
    await advisor.send()
    await advisor.press("decision-2")
    await advisor.press("decline")
    estimates = advisor.at("estimates")
    await expect(estimates.get_by_text("已拒绝").first).to_be_visible()
    await expect(estimates.get_by_text("当面")).to_have_count(2)


async def _take_deposit(advisor: Colleague) -> None:
    await advisor.open("deposit")
    await advisor.write(amount_cents="200")
    await advisor.send()
    await expect(advisor.at("invoicing")).to_contain_text("¥200.00")


async def _grant_credit(manager: Colleague) -> None:
    await manager.open("on_account")
    await manager.send()
    await expect(manager.page.get_by_text("请填写此项")).to_be_visible()
    await manager.pick("reason", "大客户")
    await manager.send()
    await expect(manager.at("invoicing")).to_contain_text("挂账（大客户）")


async def _refund(manager: Colleague) -> None:
    """Refund a part of the deposit, which is then owed again."""
    await manager.open("refund")
    await manager.write(amount_cents="50")
    await manager.pick("reason", "多付")
    await manager.send()
    await expect(manager.at("invoicing")).to_contain_text("¥202.00")


async def _complain(advisor: Colleague) -> None:
    """Give feedback of a customer who was treated rudely."""
    await advisor.open("give-feedback")
    for name, stars in (("work_quality", 5), ("technical_skill", 4), ("service_attitude", 1)):
        await (
            advisor.at(f"rating-{name}").locator(".q-rating__icon-container").nth(stars - 1).click()
        )
    await advisor.write(comment="前台态度不好。")
    await advisor.keep("feedback")
    await advisor.send()
    await expect(advisor.at("corrective_action")).to_contain_text("服务态度")


async def _answer(advisor: Colleague, code: str, yuan: str) -> None:
    """Record the manufacturer's decision."""
    await advisor.open("decision")
    await advisor.pick("code", code)
    await advisor.write(approved_cents=yuan)
    await advisor.send()


async def _send_link(api: Api, advisor: Colleague, order_id: str) -> str:
    """Send the customer the link, which the advisor does not see; then show it to them, and check
    that the advisor's own browser cannot answer. Return the link.
    """
    await advisor.open("link-2")
    await advisor.press("send-link")
    await expect(advisor.page.get_by_text("已交客户系统发送")).to_be_visible()
    assert "/authorize/" not in await advisor.page.content()
    await advisor.press("dialog-cancel")
    await advisor.open("link-2")
    await advisor.press("show-link")
    await expect(advisor.at("link-code")).to_be_visible()
    assert "/authorize/" not in await advisor.page.content()
    await advisor.keep("link")
    await advisor.press("dialog-cancel")
    sent, shown = await api.get("reception", f"/orders/{order_id}/links", "S01-advisor-1")
    assert [[use["use"] for use in link["uses"]] for link in (sent, shown)] == [[], ["shown"]]
    showing = f"/orders/{order_id}/links/{shown['link_id']}/showing"
    address: str = (await api.done("reception", showing, "S01-advisor-1"))["url"]
    page = advisor.page
    before = page.url
    await page.goto(address)
    await expect(advisor.at("colleague")).to_contain_text("不能代替客户授权")
    await expect(advisor.at("agree")).to_have_count(0)
    await page.goto(before)
    return address


async def _open_signed_out(desk: Desk, address: str) -> None:
    """Sign a colleague out and open the link in the same browser."""
    colleague = await desk.sign_in("S01-advisor-2")
    await colleague.press("sign-out")
    await expect(colleague.at("sign-out")).to_have_count(0)
    await colleague.page.goto(address)
    await expect(colleague.at("offer-total")).to_be_visible()


async def _authorize_a_part(desk: Desk, address: str) -> str:
    """Authorize one of two items as the customer, on a phone and not signed in; return the promise
    that they decide by.
    """
    customer = await desk.open(address)
    await expect(customer.at("offer-total")).to_have_text("¥930.00")
    whole = await customer.at("offer-promise").inner_text()
    await customer.keep("customer-offer-zh")
    await customer.at("item-MNT-011").get_by_role("switch").click()
    await expect(customer.at("offer-total")).to_have_text("¥696.00")
    await expect(customer.at("offer-promise")).not_to_have_text(whole)
    promised = await customer.at("offer-promise").inner_text()
    await customer.fits("phone")
    await customer.keep("customer-chosen-zh")
    await customer.press("agree")
    await expect(customer.page.get_by_text("已收到您的授权")).to_be_visible()
    await expect(customer.at("answer-promise")).to_have_text(promised)
    await customer.keep("customer-answered-zh")
    await customer.page.goto(address)
    await expect(customer.at("answer-link_used")).to_be_visible()
    await customer.press("language")
    await expect(customer.page.get_by_text("This link has already been used")).to_be_visible()
    await customer.keep("customer-used-en")
    await customer.page.goto(f"{address}0")
    await expect(customer.at("answer-unknown_link")).to_be_visible()
    assert customer.faults == []
    return promised


async def _finish_all(api: Api, order_id: str, first: dict[str, Any]) -> None:
    """Finish and accept the ordered and the authorized work."""
    await api.wait_until_idle()
    jobs = await api.get("workshop", f"/jobs?order_id={order_id}", DISPATCHER)
    lists = await api.get("workshop", "/inspection-checklists", INSPECTOR)
    for job in sorted(jobs, key=lambda each: bool(each["job_id"] != first["job_id"])):
        path, technician = f"/jobs/{job['job_id']}", job["technician_ids"][0]
        if job["job_id"] != first["job_id"]:
            await api.done("workshop", f"{path}/start", technician)
        await api.done("workshop", f"{path}/finish", technician)
        items = {each["item"]: "ok" for each in lists["checklists"][job["skill_code"]]}
        await api.done("workshop", f"{path}/inspection", INSPECTOR, {"items": items})
    await api.wait_until_idle()


@pytest.mark.parametrize("language", ["zh", "en"])
async def test_every_page_fits_languages_and_screens(desk: Desk, language: str) -> None:
    for who, paths in PAGES.items():
        colleague = await desk.sign_in(who, language=language)
        for path in paths:
            await colleague.go(f"/stores/S01/{path}")
            await expect(colleague.page.locator(".live-content > *").first).to_be_visible()
            await expect(colleague.page.locator(".notice")).to_have_count(0)
            for size in ("phone", "desktop"):
                await colleague.fits(size)
                name = path.split("?")[0]
                await colleague.keep(f"pages/{name}-{language}-{size}")
        assert colleague.faults == []
        await colleague.page.context.close()


async def test_order_opens_while_customer_records_are_unavailable(
    desk: Desk, platform: Platform
) -> None:
    advisor = await desk.sign_in("S01-advisor-2")
    await platform.process("crm").stop()
    await advisor.press("record-arrival")
    await advisor.write(plate="沪AD12345")
    await advisor.send()
    await advisor.press("greet-*")
    await advisor.write(plate="沪AD12345")
    await advisor.press("find-customer")
    await expect(advisor.page.get_by_text("客户档案暂不可用")).to_be_visible()
    await advisor.write(name="李梅", phone="010-12345678转801", vin="no VIN", model="E3")
    await advisor.write(customer_concern="例行保养", odometer_km="9000")
    await advisor.choose("op_codes", "常规保养")
    await expect(advisor.at("estimate")).to_be_visible()
    await advisor.press("open-order")
    await expect(advisor.page.get_by_text("车架号不对")).to_be_visible()
    await advisor.write(vin="WVGZZZ5NZJM000001")
    await advisor.press("open-order")
    await expect(advisor.page.get_by_text("校验位（第 9 位）不符")).to_be_visible()
    await advisor.press("vin-confirmed")
    await advisor.press("open-order")
    await expect(advisor.page.locator(".way-step.here")).to_have_text("已开单")
    await platform.restart("crm")
    await expect(advisor.at("history").get_by_text("关联客户档案")).to_be_visible()
    await expect(advisor.page.get_by_text("李梅")).to_be_visible()


async def test_group_manager_compares_stores(desk: Desk) -> None:
    manager = await desk.sign_in("group-manager-1", language="en")
    await expect(manager.page).to_have_url(f"{manager.url}/group")
    await expect(manager.page.get_by_text("Not published yet").first).to_be_visible()
    await manager.keep("group")


async def test_menu_and_pages_follow_roles_and_stores(desk: Desk) -> None:
    technician = await desk.sign_in("S01-technician-1")
    await expect(technician.at("menu-garage")).to_have_count(0)
    for forbidden in ("/stores/S01/reception", "/stores/S02/my-jobs", "/group"):
        await technician.go(forbidden)
        await expect(technician.page).to_have_url(f"{technician.url}/stores/S01/my-jobs")
    async with technician.page.expect_request("**/sign-out") as sent:
        await technician.press("sign-out")
    assert (await (await sent.value).all_headers())["origin"] == technician.url
    await technician.go("/stores/S01/my-jobs")
    await expect(technician.page).to_have_url(f"{technician.url}/sign-in?next=/stores/S01/my-jobs")


async def test_operator_skips_dead_letter_of_timer(desk: Desk, platform: Platform) -> None:
    connection = await asyncpg.connect(platform.admin_url)
    await connection.execute(
        "INSERT INTO crm.timer (timer_id, store_id, kind, entity_id, due_at, failures, error,"
        " given_up_at) VALUES (gen_random_uuid(), 'S01', 'send_message', 'message-7', now(), 6,"
        " 'RuleViolation: no such message', now())"
    )
    await connection.close()
    operator = await desk.sign_in("operator-1")
    await expect(operator.page).to_have_url(f"{operator.url}/dead-letters")
    service = operator.at("service-crm")
    letter = service.get_by_test_id("dead-letter")
    for shown in ("发送客户通知", "message-7", "S01", "no such message"):
        await expect(letter).to_contain_text(shown)
    await operator.keep("dead-letters")
    await letter.get_by_test_id("skip").click()
    await operator.send()
    await expect(letter).to_have_count(0)
    for shown in ("发送客户通知", "宋刚"):
        await expect(service.get_by_test_id("decision")).to_contain_text(shown)
    await operator.keep("dead-letters-decided")
    assert operator.faults == []


IMAGE = "<img src=x onerror=window.ran=1>"
HOSTILE = f'">{IMAGE}" :x="window.ran=1'
ADDRESSES = (
    '/sign-in?next=/" :x="window.ran=1',
    '/sign-in?next=/" :value="window.ran=1" x="',
    "/sign-in?next=/`${window.ran=1}`",
    "/sign-in?next=javascript:window.ran=1",
    "/language/en?next=javascript:window.ran=1",
    f"/authorize/S01.{HOSTILE}",
    f"/board/{HOSTILE}",
    HOSTILE,
)
SIGNED_IN = (
    f"orders/{HOSTILE}",
    f"orders?view={HOSTILE}",
    f"customers/{HOSTILE}",
    f"claims/{HOSTILE}",
    f"workshop?day={HOSTILE}&rows={HOSTILE}",
    f"follow-ups?view={HOSTILE}",
    f"today?day={HOSTILE}",
)


async def _assert_no_script_ran(colleague: Colleague) -> None:
    """Assert that no script in a text ran."""
    assert await colleague.page.evaluate("window.ran") is None, colleague.page.url


async def test_hostile_address_runs_no_script(desk: Desk) -> None:
    visitor = await desk.open(f"{desk.url}/sign-in")
    for address in ADDRESSES:
        await visitor.go("/" + quote(address.removeprefix("/"), safe="/?=&:"))
        await expect(visitor.page.locator("body")).not_to_be_empty()
        await _assert_no_script_ran(visitor)
    manager = await desk.sign_in("S01-manager-1")
    for address in SIGNED_IN:
        await manager.go(f"/stores/S01/{quote(address, safe='/?=&')}")
        await expect(manager.page.locator("body")).not_to_be_empty()
        await _assert_no_script_ran(manager)


async def test_hostile_text_runs_no_script(desk: Desk, platform: Platform) -> None:
    plate = "沪A47110"
    person = customer(4711, plate) | {"name": HOSTILE, "brand": IMAGE, "model": IMAGE}
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        api = Api(platform, client)
        known = await api.done("crm", "/customers", ADVISOR, person)
        order_id = await api.greeted(plate)
        body = {
            "customer_ref": known["customer_ref"],
            "vehicle_ref": known["vehicle_ref"],
            "odometer_km": 15_000,
            "customer_concern": HOSTILE,
            "op_codes": ["MNT-001"],
        }
        await api.done("reception", f"/orders/{order_id}/open", ADVISOR, body)
        await api.wait_until_idle()
    advisor, dispatcher = await desk.sign_in(ADVISOR), await desk.sign_in(DISPATCHER)
    for path in ("orders", f"orders/{order_id}", f"customers/{known['customer_ref']}"):
        await advisor.go(f"/stores/S01/{path}")
        await expect(advisor.page.get_by_text(IMAGE).first).to_be_visible()
        await _assert_no_script_ran(advisor)
    await advisor.go("/stores/S01/reception")
    await advisor.press("record-arrival")
    await advisor.write(plate=HOSTILE)
    await advisor.send()
    await expect(advisor.page.get_by_role("alert")).to_be_visible()
    await _assert_no_script_ran(advisor)
    await dispatcher.at("bar-*").dispatch_event("mouseenter")
    await expect(dispatcher.page.locator(".q-tooltip").first).to_be_visible()
    await _assert_no_script_ran(dispatcher)


async def test_dispatcher_sees_kpis_without_money(desk: Desk) -> None:
    dispatcher = await desk.sign_in("S01-dispatcher-1")
    await dispatcher.go("/stores/S01/today")
    await expect(dispatcher.at("kpi-hours_per_ro")).to_be_visible()
    await expect(dispatcher.page.locator(".chart canvas")).to_have_count(1)
    await expect(dispatcher.page.locator("body")).not_to_contain_text("¥")
    for name in ("invoiced_cents", "effective_labor_rate", "collected", "feedback"):
        await expect(dispatcher.at(f"kpi-{name}")).to_have_count(0)
    await dispatcher.keep("today-of-a-dispatcher")


async def test_hostile_chart_name_runs_no_script(desk: Desk) -> None:
    manager = await desk.sign_in("S01-manager-1")
    await manager.go("/stores/S01/today")
    await expect(manager.page.locator(".chart canvas").first).to_be_visible()
    await manager.page.evaluate(RENAME, HOSTILE)
    await expect(manager.page.locator(".chart").first).to_contain_text(IMAGE)
    await _assert_no_script_ran(manager)


RENAME = """name => {
    const { chart } = getElement(document.querySelector(".chart").id.slice(1));
    chart.setOption({xAxis: {data: [name]}, series: [{name, data: [7]}]});
    chart.dispatchAction({type: "showTip", seriesIndex: 0, dataIndex: 0});
}"""
CONNECT = """address => new Promise(resolve => {
    const socket = new WebSocket(address);
    socket.onopen = () => resolve("open");
    socket.onerror = () => resolve("refused");
})"""
FRAME = """address => new Promise(resolve => {
    const frame = Object.assign(document.createElement("iframe"), {src: address});
    frame.onload = resolve;
    document.body.append(frame);
})"""
SEND = """address => {
    const form = Object.assign(document.createElement("form"), {method: "post", action: address});
    document.body.append(form);
    form.submit();
}"""


async def test_another_site_cannot_frame_or_post(desk: Desk) -> None:
    victim = await desk.sign_in("S01-technician-1")
    page, home = victim.page, victim.page.url
    socket = f"{desk.url.replace('http', 'ws')}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert await page.evaluate(CONNECT, socket) == "open"
    await page.route(
        "http://localhost/*", lambda route: route.fulfill(body="<p>", content_type="text/html")
    )
    await page.goto("http://localhost/")
    assert await page.evaluate(CONNECT, socket) == "refused"
    await page.evaluate(FRAME, home)
    assert page.frames[-1].url.startswith("chrome-error:")
    await page.evaluate(SEND, f"{desk.url}/sign-out")
    await expect(page.get_by_text("another_origin")).to_be_visible()
    await page.goto(home)
    await expect(victim.at("sign-out")).to_be_visible()


async def test_script_injected_into_page_is_blocked(desk: Desk) -> None:
    visitor = await desk.open(f"{desk.url}/sign-in")
    script = "Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'})"
    await visitor.page.evaluate(f"document.body.append({script})")
    await _assert_no_script_ran(visitor)
    assert "script-src" in desk.violations.pop()


async def test_forwarded_https_is_trusted_from_proxy(desk: Desk) -> None:
    async with httpx.AsyncClient(base_url=desk.url, timeout=PATIENCE_S) as proxy:
        answer = await proxy.get("/language/en", headers={"X-Forwarded-Proto": "https"})
    assert "secure" in answer.headers["Set-Cookie"]
    assert "Strict-Transport-Security" in answer.headers


async def test_services_forbid_browser_content(platform: Platform) -> None:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
        for service in SERVICES:
            for path in ("/openapi.json", "/stores/S01/orders", "/docs"):
                answer = await client.get(platform.url(service) + path)
                assert answer.headers["Content-Security-Policy"].startswith("default-src 'none';")
                assert answer.headers["X-Content-Type-Options"] == "nosniff"
                assert answer.headers["Cache-Control"] == "no-store"
            assert answer.status_code == 404
