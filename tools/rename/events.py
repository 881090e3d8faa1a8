"""After the list ``events.toml``: scopes inside a file, sentences, UI wording, generated documents.

Run in the root. What is not found is printed; a name may already be in the form of an earlier list.
"""

import io
import re
import subprocess
import sys
import tokenize
from pathlib import Path

PY = ".venv/bin/python"
RUFF = ".venv/bin/ruff"


def tracked(*globs):
    listed = subprocess.run(
        ["git", "ls-files", "--", *(f":(glob){each}" for each in globs)], check=True, capture_output=True, text=True
    )
    return [p for p in listed.stdout.splitlines() if Path(p).is_file() and p[:6] != "tools/"]


def sub(globs, *pairs, quiet=False):
    """Replace regular expressions in the files of ``globs`` (a string of patterns)."""
    files = tracked(*globs.split())
    found = [0] * len(pairs)
    for name in files:
        file = Path(name)
        text = before = file.read_text(encoding="utf-8")
        for number, (old, new) in enumerate(pairs):
            text, count = re.subn(old, new, text, flags=re.MULTILINE)
            found[number] += count
        if text != before:
            file.write_text(text, encoding="utf-8")
    for (old, _), count in zip(pairs, found, strict=True):
        if not count and not quiet:
            print(f"{globs}: not found: {old}")


def put(globs, *pairs):
    """The same with plain text, in which a blank is any white space."""
    sub(
        globs,
        *((r"\s+".join(map(re.escape, old.split(" "))), lambda _, n=new: n) for old, new in pairs),
    )


def block(globs, start, end, *pairs):
    """Replace within each stretch from a match of ``start`` to the next match of ``end``."""
    hits = 0
    for name in tracked(*globs.split()):
        file = Path(name)
        text = file.read_text(encoding="utf-8")

        def change(found):
            part = found[0]
            for old, new in pairs:
                part = re.sub(old, new, part)
            return part

        after, count = re.subn(f"{start}(?s:.*?){end}", change, text, flags=re.MULTILINE)
        hits += count
        if after != text:
            file.write_text(after, encoding="utf-8")
    if not hits:
        print(f"{globs}: no stretch {start}")


def prose(globs, *pairs):
    """Replace in comments, docstrings and documents only."""
    for name in tracked(*globs.split()):
        file = Path(name)
        text = file.read_text(encoding="utf-8")
        spans = _spans(text) if name.endswith(".py") else [(0, len(text))]
        out, last = [], 0
        for begin, end in spans:
            part = text[begin:end]
            for old, new in pairs:
                part = re.sub(old, new, part)
            out += [text[last:begin], part]
            last = end
        after = "".join([*out, text[last:]])
        if after != text:
            file.write_text(after, encoding="utf-8")


def _spans(text):
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    last = tokenize.NEWLINE
    breaks = {tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        begin = starts[token.start[0] - 1] + token.start[1]
        end = starts[token.end[0] - 1] + token.end[1]
        if token.type == tokenize.COMMENT:
            yield begin, end
        elif token.type == tokenize.STRING and last in breaks and '"""' in token.string:
            yield begin, end
        if token.type != tokenize.COMMENT:
            last = token.type


# --- contracts and tables ----------------------------------------------------------------------
def contracts():
    block("shared/contracts/reception.py", r"class EstimatePresented\b", r"\n\n\n",
          ("submitted_by", "presented_by"), ("submitted_at", "presented_at"))
    block("shared/contracts/reception.py", r"class AdditionalWorkAuthorized\b", r"\n\n\n",
          ("amount_cents", "total_cents"))
    block("services/**/*.py tests/**/*.py", r"\bAdditionalWorkAuthorized\(\n", r"^ *\)",
          (r"\bamount_cents=", "total_cents="))
    block("tests/contracts/examples.yaml", r"^\S*AdditionalWorkAuthorized\S*:", r"\n(?=aftersales)",
          (r"\bamount_cents: (?=\d+\n)", "total_cents: "),
          (r"(\n  )amount_cents:", r"\1total_cents:"))
    block("tests/contracts/examples.yaml", r"^\S*EstimatePresented\S*:", r"\n(?=aftersales)",
          ("submitted_by", "presented_by"), ("submitted_at", "presented_at"))
    block("tests/contracts/examples.yaml", r"^\S*WarrantyClaim(Submitted|Decided|Overdue)\S*:", r"\n(?=aftersales)",
          ("answer_due_at", "decision_due_at"), ("answered_at", "decided_at"),
          (r"((?:awaits|pending_step)): answer", r"\1: decision"))
    block("tests/contracts/examples.yaml", r"^\S*CustomerNotified\S*:", r"\n(?=aftersales)",
          (r"\bsubject:", "message_type:"))
    block("tests/contracts/examples.yaml", r"^\S*Absence(Recorded|Cancelled)\S*:", r"\n(?=aftersales)",
          ("from_at", "starts_at"), ("until_at", "ends_at"), ("withdrawn_at", "cancelled_at"))
    block("shared/contracts/workshop.py", r"class AbsenceCancelled\b", r"\n\n\n",
          ("withdrawn_at", "cancelled_at"))
    block("shared/contracts/workshop.py", r"class PromisedTimeAtRisk\b", r"\n\n\n",
          (r"\bcause\b", "risk_cause"))
    block("shared/migrations/foundation.sql", r"CREATE TABLE timer\b", r"^\);",
          (r"\bsubject  ", "entity_id "), (r"\bsubject\b", "entity_id"))
    block("shared/migrations/foundation.sql", r"CREATE TABLE subject_key\b", r"^\);",
          (r"\bsubject     ", "data_subject_id "), (r"\bsubject\b", "data_subject_id"))
    sub("shared/dead_letters.py", (r"kind AS name, subject, ", "kind AS name, entity_id, "))
    sub("deploy/audit/*.py", (r'stores\["subject", value\]', 'stores["entity_id", value]'), quiet=True)
    sub("tests/**/*.py",
        (r"crm\.message WHERE subject = ", "crm.message WHERE message_type = "),
        (r"(?<=order_id = '\{victim\}' AND )subject = ", "message_type = "),
        (r"(INSERT INTO \w+\.timer \(timer_id, store_id, kind, )subject\b", r"\1entity_id"),
        (r"(\w+\.timer SET .*)\bsubject = ", r"\1entity_id = "),
        (r"subject_key WHERE subject = ", "subject_key WHERE data_subject_id = "),
        (r'\bsubject="(?=ready"|appointment_reminder"|at_risk"|overdue_payment")', 'message_type="'))
    block("tests/audit/test_dead_letters.py", r"async def (give_up|abandon_timer|\w+)\(platform: Platform, subject: str\)", r"\n\n\n",
          (r"\bsubject\b", "entity_id"))
    sub("tests/shared/component/test_timers.py", (r"\b_subject: str", "_entity_id: str"))
    block("tests/reception/component/test_settlement.py tests/reception/component/test_invoicing.py",
          r"async def issue\(prepared, subject, fire\)", r"\n\n", (r"\bsubject\b", "entity_id"))
    block("services/workshop/domain/promise_risk.py tests/**/*.py", r"\bPromisedTimeAtRisk\(\n", r"^ *\)",
          (r"\bcause=", "risk_cause="))
    sub("services/reception/**/*.py tests/**/*.py", (r"\bwarning\.cause\b", "warning.risk_cause"))
    sub("tests/desk/test_words.py", (r'"answer": get_args\(ClaimDecision\)', '"claim_decision": get_args(ClaimDecision)'))
    sub("services/desk/pages/claim.py services/desk/locale/**", (r'"Answer"', '"Claim decision"'))
    sub("services/**/*.sql", (r"customer's message_type key", "customer's data subject key"),
        (r"the entity_id key of the", "the data subject key of the"),
        (r"^(    WHERE plate_ref = plate AND status = 'booked') (AND appointment_at)", r"\1\n      \2"),
        (r"^(      AND plate_ref = plate AND status = 'booked') (AND appointment_at)", r"\1\n      \2"))
    # begin_at and start_at met in one function
    sub("services/workshop/application/planner.py",
        (r"starts_at for starts_at in behind if starts_at >= starts_at", "booked_at for booked_at in behind if booked_at >= starts_at"))
    sub("tests/reception/component/test_estimates.py",
        (r"\(event\.hold_id, event\.channel, event\.amount_cents\)", "(event.hold_id, event.channel, event.total_cents)"))
    put("shared/timers.py", ("from store and subject and", "from store and entity and"))


# --- personal data, messages, timers ------------------------------------------------------------
def subjects():
    prose("services/crm/**/*.py",
          (r"``subject``", "``message_type``"), (r"values of each subject", "values of each message type"),
          (r"message on one subject", "message of one type"), (r"value of its subject\b", "value of its type"),
          (r"names what its subject does", "names what its type does"),
          (r"Reference, subject and", "Reference, data subject and"),
          (r"message on ``message_type``", "message of ``message_type``"),
          (r"one module a subject", "one module a topic"))
    prose("services/reception/**/*.py",
          (r"order or appointment ``subject``", "order or appointment ``entity_id``"))
    prose("docs/messages.md",
          (r"\| subject \|", "| message type |"), (r"text of a subject with", "text of a type with"),
          (r"that its subject does", "that its type does"))
    prose("deploy/group/messages.yaml", (r"# subject:", "# message type:"), (r"A subject with", "A type with"))
    sub("services/desk/pages/customer.py services/desk/pages/phone_tasks.py services/desk/pages/call_tasks.py services/desk/locale/**",
        (r'"Subject"', '"Message type"'))
    sub("services/desk/locale/**", (r'msgid "subject\.', 'msgid "message_type.'),
        (r'msgid "field\.subject"', 'msgid "field.message_type"'))
    sub("services/reception/domain/photo.py", (r"\bself\.subject\b", "self.data_subject_id"), quiet=True)
    prose("services/**/*.sql shared/**/*.sql", (r"or its subject gets", "or its entity gets"))
    prose("docs/architecture.md", (r"or for its subject to get", "or for its entity to get"))


# --- KPIs -----------------------------------------------------------------------------------------
def kpis():
    where = ("services/reporting/**/*.py services/reporting/**/*.sql services/desk/components/kpis.py "
             "services/desk/pages/today.py services/desk/pages/group.py deploy/audit/*.py "
             "deploy/docs/*.py "
             "deploy/demo/day.py tests/demo/*.py tests/reporting/**/*.py "
             "shared/contracts/reporting.py "
             "docs/indicators.md docs/kpis.md docs/architecture.md docs/faults.md docs/fault-injection.md README.md")
    prose(where,
          (r"\bAn indicator\b", "A KPI"), (r"\ban indicator\b", "a KPI"),
          (r"\b[Ff]igures\b(?!\.(md|yaml|py))", "KPIs"), (r"\b[Ff]igure\b", "KPI"),
          (r"\b[Ii]ndicators\b(?!\.md)(?!\W*adr)", "KPIs"), (r"\b[Ii]ndicator\b", "KPI"),
          (r"docs/kpis\.md", "docs/indicators.md"))
    if Path("docs/kpis.md").exists():
        sub("**/*.py", (r"docs/indicators\.md", "docs/kpis.md"), quiet=True)
    sub("deploy/audit/reporting.py tests/**/*.py tests/*.py", (r"report figures are the fold", "report KPIs are the fold"))
    put("deploy/docs/duties.py", ("indicator {name} is no figure of the daily report", "kpi {name} is not in the daily report"),
        ("figure {name} of the daily report measures no duty", "kpi {name} of the daily report measures no duty"))
    put("deploy/docs/duties.py", ("Indicators down to their events", "KPIs down to their events"))
    sub("tests/reporting/**/*.py", (r'^(.*parametrize\(\s*"[^"]*)\bfigure\b|^(    \(?"[^"]*)\bfigure\b', lambda m: f"{m[1] or m[2]}kpi"))
    put("deploy/cli/demo.py", ("Write the figures to this file.", "Write the KPIs to this file."))
    sub("services/desk/components/kpis.py", (r"^def kpis\(", "def kpi_groups("))
    sub("services/desk/pages/today.py", (r"\bbars, kpis, tiles\b", "bars, kpi_groups, tiles"),
        (r"^(        )kpis\(t, kpis\)", r"\1kpi_groups(t, kpis)"))
    sub("services/desk/**/*.py services/desk/locale/**", (r'"Indicators"', '"KPIs"'))
    sub("services/reporting/app.py", ("live figures", "live KPIs"), quiet=True)
    block("tests/contracts/test_requests.py", r'"daily_kpis": \(', r"\)", (r"\bfigures\b", "daily_kpis"))


# --- bodies ------------------------------------------------------------------------------------------
BODIES = {
    "Resolve": "ResolveRequest",
    "RecordCall": "RecordCallRequest",
    "CompletePhoneTask": "CompletePhoneTaskRequest",
    "CompleteCallTask": "CompleteCallTaskRequest",
    "AskForOffers": "OffersRequest",
    "MoveAppointment": "RescheduleAppointmentRequest",
    "BookAppointment": "BookAppointmentRequest",
    "RecordArrival": "RecordArrivalRequest",
    "RecordCheck": "RecordCheckRequest",
    "RecordStep": "RecordStepRequest",
    "CreateLink": "CreateLinkRequest",
    "IssueInvoice": "IssueInvoiceRequest",
    "IssueVoucher": "IssueVoucherRequest",
    "WithdrawWork": "WithdrawWorkRequest",
    "CloseRectification": "CloseRectificationRequest",
    "CloseCorrectiveAction": "CloseCorrectiveActionRequest",
    "ContactPreferences": "ContactPreferencesRequest",
    "RegisterCustomer": "RegisterCustomerRequest",
    "CorrectPlate": "CorrectPlateRequest",
    "AssignAdvisor": "AssignAdvisorRequest",
    "RecordEvidence": "RecordEvidenceRequest",
    "RecordClaimDetails": "RecordClaimDetailsRequest",
    "SettleClaim": "SettleClaimRequest",
    "RequestWaiver": "WaiverRequest",
    "ReviseEstimate": "ReviseEstimateRequest",
    "CarryOver": "CarryOverRequest",
    "OpenOrder": "OpenOrderRequest",
    "RevisePromise": "RevisePromisedTimeRequest",
    "RequestDiscount": "DiscountRequest",
    "RecordPayment": "RecordPaymentRequest",
    "PayRefund": "IssueRefundRequest",
    "IssueCreditNote": "IssueCreditNoteRequest",
    "GrantCredit": "ApproveOnAccountRequest",
    "ApproveOnAccount": "ApproveOnAccountRequest",
    "QuotedWork": "QuoteRequest",
    "DecideDeadLetter": "DecideDeadLetterRequest",
    "Resolved": "ResolveResponse",
    "Registered": "RegisterCustomerResponse",
    "DecisionTaken": "DecideDeadLetterResponse",
}


def bodies():
    files = "services/*/entrypoints/**/*.py services/*/application/*.py shared/dead_letter_routes.py shared/dead_letters.py"
    pattern = re.compile(r"(?<![\w.\"'])(" + "|".join(BODIES) + r")(?![\w\"'])")
    for name in tracked(*files.split()):
        file = Path(name)
        text = file.read_text(encoding="utf-8")
        after = pattern.sub(lambda found: BODIES[found[1]], text)
        if after != text:
            file.write_text(after, encoding="utf-8")
    for base in ("services/reception/entrypoints/http/", "services/reception/application/"):
        sub(base + "authori*.py", (r"\bDecision\b(?=[(),:])", "LinkDecisionRequest"), quiet=True)
        sub(base + "cancellations.py " + base + "appointments.py " + base + "orders.py " + base + "arrivals.py",
            (r"(?<![\w.\"'])Cancel(?![\w\"'])", "CancelRequest"), quiet=True)
        sub(base + "delivery.py", (r"(?<![\w.\"'])Signature(?![\w\"'])", "SignatureRequest"), quiet=True)
        sub(base + "views.py", (r'\bSeen\b', "ViewT"), quiet=True)


# --- sentences
# -----------------------------------------------------------------------------------------
def sentences():
    put("services/reception/application/tax_invoices.py",
        ("``original_tax_invoice_number``, the number of its tax invoice, what a credit note takes back of it (红字发票); ``document_id`` is that of the bill or note.",
         "``original_tax_invoice_number``, what a\n    credit note takes back of that tax invoice (红字发票); ``document_id`` is that of the bill or\n    note."),
        ("``original_tax_invoice_number``, the number of its tax invoice, what a credit note takes back of it (红字发票); ``document_id`` is that of the invoice or note.",
         "``original_tax_invoice_number``,\n    what a credit note takes back of that tax invoice (红字发票); ``document_id`` is that of the\n    invoice or note."))
    prose("services/**/*.py shared/**/*.py deploy/**/*.py tests/**/*.py docs/*.md services/**/*.sql",
          (r"put right, or found to be unfounded", "corrected, or found to be unfounded"))
    put("shared/contracts/reception.py",
        ("The customer did not come within the store's grace (爽约);", "The customer did not come within the store's grace (爽约, no-show);"))
    put("shared/contracts/workshop.py",
        ("A manager put the clock of a job right (工时更正).", "A manager corrected the time of a job (工时更正)."))
    sub("shared/contracts/workshop.py",
        (r"``\*_before`` is what the clock said\.", "``original_*`` is what the clock said."))
    prose("services/**/*.py deploy/**/*.py",
          (r"(a|the) manager put(s)? (the|a) clock(s)? (of a job )?right", r"\1 manager correct\2s time"))


# --- UI wording
# ------------------------------------------------------------------------------------------
UI = [
    ("Promise", "Promised time"),
    ("Promised", "Promised time"),
    ("New promise", "New promised time"),
    ("New promise of the order", "New promised time of the order"),
    ("Best new promise", "Best new promised time"),
    ("Change the promise", "Revise promised time"),
    ("Change the promise …", "Revise promised time…"),
    ("Promise at risk", "Promised time at risk"),
    ("Promises at risk", "Promised times at risk"),
    ("Promise in danger", "Promised time in danger"),
    ("Estimate and promise", "Estimate and promised time"),
    ("Calculating the promise …", "Calculating the promised time…"),
    ("Probability that the promise is kept", "Probability that the promised time is kept"),
    ("Kept with {probability}: {cause}; best new promise {time}",
     "Kept with {probability}: {cause}; best new promised time {time}"),
    ("Rectifications", "Corrective actions"),
    ("Put right", "Close action"),
    ("Being put right", "Action in progress"),
    ("Nothing is to be put right.", "No corrective action is open."),
    ("Customer relations is away: names are not shown.",
     "Customer records are unavailable; names are hidden."),
    ("Customer relations is unavailable: names are not shown.",
     "Customer records are unavailable; names are hidden."),
    ("The archive is away. Please take the details; they follow later.",
     "Customer records are unavailable. Please take the details; they follow later."),
    ("To be authorized", "Awaiting authorization"),
    ("Grant credit", "Approve on-account release"),
    ("Grant credit …", "Approve on-account release…"),
    ("The bill is not paid.", "The invoice is not paid."),
    ("No room: please move", "No capacity: reschedule"),
    ("No room on these days; choose a later day.", "No capacity on these days; choose a later day."),
    ("Expected", "Parts ETA"),
    ("To come", "Expected"),
    ("Forbid", "Exclude technician"),
    ("Forbid …", "Exclude technician…"),
    ("Allow", "Remove exclusion"),
    ("Allow …", "Remove exclusion…"),
    ("Change places with", "Swap with"),
    ("Late before", "Lateness before"),
    ("Late after", "Lateness after"),
    ("Late in fact", "Actual lateness"),
    ("Clock closed by rule", "Auto clock-out (missed punch)"),
    ("Correct the clock", "Correct time"),
    ("Correct the clock …", "Correct time…"),
    ("Tell", "Notify"),
    ("Take in", "Add to RO"),
    ("More work found", "Recommend additional work"),
    ("Found symptoms", "Diagnosed symptoms"),
    ("Put before the customer", "Present to customer"),
    ("Agreed to so far", "Authorized so far"),
    ("I agree to what is chosen", "Approve selected"),
    ("I agree to nothing", "Decline all"),
    ("Owed altogether", "Total receivable"),
    ("Of it overdue", "Overdue"),
    ("Planned so because", "Reason for this slot"),
    ("It hangs on: {cause}", "Main risk: {cause}"),
    ("The customer waits here", "Waiter (customer waiting)"),
    ("Being received", "Being greeted"),
    ("Nobody is being received.", "No customer is being greeted."),
    ("Record the answer …", "Record the decision…"),
    ("Move appointment", "Reschedule appointment"),
    ("The appointment is moved.", "The appointment is rescheduled."),
]
# English texts of coded values: msgid -> msgstr
ENGLISH = {
    r"(stage|status|order_status)\.greeted": "Greeted",
    r"event\.CustomerGreeted": "Customer greeted",
    r"event\.GreetingOverdue": "Greeting overdue",
    r"kpi\.customers_notified": "Customers notified",
    r"formula\.customers_notified": "messages sent to customers today",
    r"event\.CustomerNotified": "Customer notified",
    r"message\.called": "Notified by phone",
    r"rule\.nothing_to_call_about": "No call is due on this message any more.",
    r"event\.PromisedTimeRevised": "Promised time revised",
    r"event\.PromisedTimeAtRisk": "Promised time at risk",
    r"message_type\.at_risk": "Promised time at risk",
    r"kpi\.on_time_rate_initial": "On time, initial promised time",
    r"kpi\.on_time_rate_final": "On time, final promised time",
    r"formula\.on_time_rate_initial": "delivered by the initial promised time ÷ delivered",
    r"formula\.on_time_rate_final": "delivered by the final promised time ÷ delivered",
    r"rule\.promise_in_the_past": "A promised time cannot lie in the past.",
    r"field\.best_promise_at": "Best promised time now",
    r"estimate\.authorized": "Authorized",
    r"event\.OnAccountReleaseApproved": "On-account release approved",
    r"event\.RefundIssued": "Refund issued",
    r"event\.DiscountApproved": "Discount approved",
    r"(evidence|claim_details)\.odometer_km": "Odometer (km)",
    r"authorization_channel\.in_person": "In person",
    r"rule\.unpaid": "{balance_cents} are unpaid, and no on-account release is approved.",
    r"event\.JobTimeCorrected": "Job time corrected",
    r"(pause)\.(clock_forgotten|missed_punch)": "Missed punch, closed at the end of the shift",
    r"event\.FeedbackSubmitted": "Feedback submitted",
    r"event\.FacilityCheckCompleted": "Facility check completed",
    r"event\.FacilityCheckOverdue": "Facility check overdue",
    r"kpi\.facility_checks_overdue": "Facility checks overdue",
    r"event\.AbsenceRecorded": "Absence recorded",
    r"event\.AbsenceCancelled": "Absence cancelled",
    r"event\.StaffingShortageDetected": "Staffing shortage detected",
    r"event\.AdditionalWorkRecommended": "Additional work recommended",
    r"event\.EstimatePresented": "Estimate presented",
    r"event\.WarrantyClaimDecided": "Warranty claim decided",
    r"(awaits|pending_step)\.decision": "Awaiting decision",
    r"event\.VoucherReinstated": "Voucher reinstated",
    r"event\.RedLetterInvoiceIssued": "Red-letter invoice issued",
    r"event\.AppointmentRescheduled": "Appointment rescheduled",
    r"event\.AppointmentNoShow": "Appointment no-show",
    r"event\.AppointmentRescheduleRequired": "Appointment: reschedule required",
    r"appointment\.no_show": "No-show",
    r"(deadline|timer)\.appointment_no_show": "Appointment no-show",
    r"event\.QualityInspectionPassed": "Quality inspection passed",
    r"event\.QualityInspectionFailed": "Quality inspection failed",
    r"event\.CorrectiveActionOpened": "Corrective action opened",
    r"event\.CorrectiveActionOverdue": "Corrective action overdue",
    r"event\.CorrectiveActionClosed": "Corrective action closed",
    r"kpi\.effective_labor_rate": "Effective labor rate",
    r"kpi\.revenue_per_ro": "Revenue per RO",
    r"field\.risk_cause": "Risk cause",
    r"field\.message_type": "Message type",
    r"field\.presented_by": "Presented by",
    r"override\.forbid": "Technician excluded",
    r"override\.allow": "Exclusion removed",
    r"rule\.technician_forbidden": "The technician is excluded from this job.",
    r"rule\.no_capacity": "No capacity at this time.",
    r"correction\.forgot_to_start": "Missed clock-in",
    r"correction\.forgot_to_finish": "Missed clock-out",
    r"correction\.wrong_job": "Clocked in on the wrong job",
}


def ui():
    files = "services/desk/**/*.py services/desk/*.py services/desk/static/*.js services/desk/locale/** tests/desk/*.py tests/embedded/*.py"
    for old, new in UI:
        sub(files, (rf"""(["']){re.escape(old)}\1""", lambda m, n=new: f"{m[1]}{n}{m[1]}"))
    sub("services/desk/components/event_fields.py", (r'^(    )"submitted_by": _people,', r'\1"presented_by": _people,\n\1"submitted_by": _people,'))
    sub("services/desk/locale/**", (r'^msgid "field\.submitted_by"\n(msgstr .*)$', r'msgid "field.presented_by"\n\1\n\nmsgid "field.submitted_by"\n\1'))
    # feedback is a comment in the customer's words, the write-up the customer's concern
    sub("services/desk/pages/order/feedback.py", (r'"In the customer\'s own words"', '"Comment"'))
    sub("services/desk/pages/intake/work.py services/desk/pages/write_up/work.py services/desk/locale/**",
        (r'"In the customer\'s own words"', '"Customer concern (verbatim)"'))
    for name in tracked("services/desk/locale/en/**/*.po"):
        file = Path(name)
        text = file.read_text(encoding="utf-8")
        for code, english in ENGLISH.items():
            text, found = re.subn(
                rf'^(msgid "{code}"\nmsgstr ")[^"\n]*"(?:\n"[^"\n]*")*',
                lambda m, e=english: f'{m[1]}{e}"', text, flags=re.MULTILINE)
            if not found:
                print(f"{name}: not found: {code}")
        file.write_text(text, encoding="utf-8")
    for name in tracked("services/desk/locale/**/*.po"):
        _merge(Path(name))


CHINESE = {"Comment": "评语", "Overdue": "已逾期", "Expected": "预约将到", "Promised time": "承诺交车"}


def _merge(file):
    """Keep one entry of a msgid that two texts became; add what is new."""
    head, *entries = re.split(r"\n\n+(?=(?:#.*\n)*msgid )", file.read_text(encoding="utf-8").rstrip("\n"))
    seen, kept = set(), [head]
    for entry in entries:
        found = re.search(r'^msgid ((?:"[^\n]*"\n)+)', entry + "\n", re.MULTILINE)
        key = found[1] if found else entry
        if key in seen:
            print(f"{file.parts[3]}: one entry of two: {key.strip()}")
            continue
        seen.add(key)
        kept.append(entry)
    if "zh" in str(file):
        for text, chinese in CHINESE.items():
            entry = f'msgid "{text}"\nmsgstr "{chinese}"'
            kept = [entry if each.startswith(f'msgid "{text}"\n') else each for each in kept]
            if entry not in kept:
                kept.append(entry)
    file.write_text("\n\n".join(kept) + "\n", encoding="utf-8")


# --- columns of SQL stand under each other
# -----------------------------------------------------------------
def align():
    changed = subprocess.run(["git", "diff", "--name-only", "HEAD", "--", "*.sql"],
                             check=True, capture_output=True, text=True).stdout.split()
    for name in changed:
        file = Path(name)
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        file.write_text(re.sub(r"(?ms)^CREATE TABLE [^;]*?\(\n.*?^\)", lambda m: _aligned(m[0]), text),
                        encoding="utf-8")


def _aligned(table):
    lines = table.split("\n")
    rows = {n: m for n, line in enumerate(lines) if (m := COLUMN.match(line))}
    if rows:
        width = max(len(m[1]) for m in rows.values())
        for n, m in rows.items():
            lines[n] = f"    {m[1].ljust(width)} {m[2]}"
    return "\n".join(lines)


TYPES = "text|timestamptz|jsonb|integer|bigint|smallint|bytea|boolean|date|uuid|double|numeric|tstzrange|real|interval"
COLUMN = re.compile(rf"^    ([a-z_\"]+) +((?:{TYPES})\b.*)$")


# --- lines that have grown too long --------------------------------------------------------------
def wrap():
    """Break lines of SQL and prose in literals; ``rewrap.py`` has done docstrings."""
    subprocess.run([PY, str(Path(__file__).parents[1] / "rewrap.py")], check=False)
    report = subprocess.run([RUFF, "check", "--select", "E501", "--output-format", "concise", "."],
                            check=False, capture_output=True, text=True).stdout
    places = {}
    for name, number in re.findall(r"^(\S+?\.py):(\d+):", report, re.MULTILINE):
        places.setdefault(name, []).append(int(number))
    for name, numbers in places.items():
        file = Path(name)
        lines = file.read_text(encoding="utf-8").split("\n")
        for number in sorted(numbers, reverse=True):
            line = lines[number - 1]
            cut = max(line.rfind(", ", 0, 99) + 1, line.rfind(" AND ", 0, 99))
            if cut < 30 or line.count('"') % 2:
                print(f"{name}:{number}: too long")
                continue
            indent = re.match(r"\s*", line)[0]
            indent += " " * 7 if line.strip().startswith("SELECT") else ""
            lines[number - 1 : number] = [line[:cut].rstrip(), indent + line[cut:].strip()]
        file.write_text("\n".join(lines), encoding="utf-8")


def main():
    contracts()
    subjects()
    kpis()
    bodies()
    sentences()
    ui()
    align()
    subprocess.run([RUFF, "check", "--fix", "-q", "."], check=False, capture_output=True)
    subprocess.run([RUFF, "format", "-q", "."], check=False)
    wrap()
    subprocess.run([RUFF, "format", "-q", "."], check=False)
    subprocess.run([RUFF, "check", "--output-format", "concise", "."], check=False)
    for schema in Path("shared/contracts/schemas").glob("*.json"):
        schema.unlink()
    subprocess.run([PY, "-W", "ignore", "-m", "deploy.docs"], check=False)


if __name__ == "__main__":
    sys.exit(main())
