"""Order account (结算账户): deposits, the invoice by payer, and what was paid."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from shared.contracts.base import Cents, EventPart
from shared.contracts.reception import OnAccountReason, Payer, PayerSplit, PaymentMethod
from shared.contracts.versioned import Versioned


class OnAccount(EventPart):
    """Approval to deliver the vehicle with at most ``amount_cents`` unpaid (挂账)."""

    amount_cents: Cents
    reason: OnAccountReason
    approved_by: str
    approved_at: datetime


class PayerBalance(PayerSplit):
    """Amounts of the invoice that one payer has to pay, and has paid."""

    received_cents: Cents = 0

    @property
    def balance_cents(self) -> int:
        return self.amount_cents - self.received_cents


@dataclass(frozen=True)
class OrderAccount(Versioned):
    """Invoice of one order with its payments. Money in integer cents.

    ``payer_splits`` say who pays the invoice; ``received_cents`` is what all payers have paid of
    it; ``money_by_method`` is what came in from the customer by each method and did not go back.
    """

    store_id: str
    order_id: str
    deposit_cents: int = 0
    money_by_method: Mapping[PaymentMethod, int] = field(default_factory=dict)
    invoice_id: str | None = None
    payer_splits: tuple[PayerBalance, ...] = ()
    invoiced_cents: int = 0
    credited_cents: int = 0
    received_cents: int = 0
    on_account: OnAccount | None = None

    @property
    def has_invoice(self) -> bool:
        """Whether there is an invoice, also one that is credited whole."""
        return self.invoice_id is not None

    @property
    def is_invoiced(self) -> bool:
        """Whether there is an invoice that is not credited whole."""
        return self.invoice_id is not None and (self.invoiced_cents > 0 or not self.credited_cents)

    @property
    def balance_cents(self) -> int:
        """Amount that the customer still has to pay (应收余额)."""
        return self.balance_of("customer")

    def balance_of(self, payer: Payer) -> int:
        """Return the amount that a payer still has to pay."""
        return sum(split.balance_cents for split in self.payer_splits if split.payer == payer)

    @property
    def receivable_splits(self) -> list[PayerBalance]:
        """Payer splits of the invoice that are paid to the store.

        The store pays nothing to itself.
        """
        return [split for split in self.payer_splits if split.payer != "internal"]


def receive(account: OrderAccount, payer: Payer, amount_cents: int) -> OrderAccount:
    """Count money against a payer's split."""
    payer_splits = tuple(
        split.model_copy(update={"received_cents": split.received_cents + amount_cents})
        if split.payer == payer
        else split
        for split in account.payer_splits
    )
    received = sum(split.received_cents for split in payer_splits)
    return replace(account, payer_splits=payer_splits, received_cents=received)


def move_money(account: OrderAccount, method: PaymentMethod, amount_cents: int) -> OrderAccount:
    """Count the customer's money in, or out where it is negative."""
    moved = account.money_by_method.get(method, 0) + amount_cents
    return replace(account, money_by_method={**account.money_by_method, method: moved})
