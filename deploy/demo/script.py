"""Script of the simulated day: drawn in advance, from a seed alone.

All decisions of people and all random values are drawn here, so that the platform's responses can
change when something happens but never what is drawn.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from deploy.demo.names import GIVEN_NAMES, SURNAMES
from deploy.group_folder import read_yaml
from shared.formats import vin_check_digit

T = TypeVar("T")
PaymentMethod = Literal["cash", "card", "wechat", "alipay", "transfer"]

_TRADE_WEIGHTS = {
    "maintenance": 66,
    "mechanical": 16,
    "electrical": 10,
    "high_voltage": 3,
    "body": 3,
    "paint": 2,
}
_LONGEST_HOURS = 2.5
_FURTHER_HOURS = 0.8
_FURTHER_SHARE = 0.3
_APPOINTMENT_SHARE = 0.4
_WAITING_SHARE = 0.35
_WAITING_HOURS = 1.5
_REACHED_SHARE = 0.88
_DURATION_SIGMA = 0.18
_DAY_BEGINS_MIN = 8 * 60
_LAST_WORK_MIN = 15 * 60 + 30
_PAYMENT_WEIGHTS: Mapping[PaymentMethod, int] = {
    "wechat": 45,
    "alipay": 30,
    "card": 17,
    "transfer": 5,
    "cash": 3,
}
_SATISFACTION_WEIGHTS = {5: 62, 4: 28, 3: 7, 2: 2, 1: 1}
_PLATE_PREFIXES = {
    "上海": "沪A", "杭州": "浙A", "苏州": "苏E", "成都": "川A", "深圳": "粤B", "郑州": "豫A",
    "北京": "京N", "天津": "津A", "广州": "粤A", "武汉": "鄂A", "南京": "苏A", "西安": "陕A",
    "重庆": "渝A", "长沙": "湘A", "青岛": "鲁B", "宁波": "浙B", "厦门": "闽D", "合肥": "皖A",
    "济南": "鲁A", "福州": "闽A", "昆明": "云A", "沈阳": "辽A", "大连": "辽B", "无锡": "苏B",
    "佛山": "粤E", "东莞": "粤S",
}  # fmt: skip
_PLATE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_VIN_LETTERS = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_SERVICE_WORDS = ("{symptom}（{condition}），给我做一下", "我来做保养的，{condition}")
_FAULT_WORDS = (
    "{symptom}（{condition}），麻烦检查一下",
    "最近有{symptom}的问题，{condition}比较明显，不知道严不严重",
    "这几天{symptom}，{condition}，越来越厉害了",
)
_PHONE_WORDS = {
    5: "非常满意，没有其他意见",
    4: "比较满意，车辆使用正常",
    3: "一般，希望等待时间再短一些",
    2: "不太满意，觉得费用解释得不够清楚",
    1: "不满意，原来的问题还在",
}
_NOBODY_ANSWERED = "无人接听"
_FUEL_MODELS = ("远航 1.5T", "远航 2.0T", "云途 SUV", "云途 SUV 混动", "启程", "天际 MPV")
_ELECTRIC_MODELS = ("星能 EV", "星能 EV 长续航", "云途 E")
_PLAIN_WORDS = ("帮我做一下这个项目：{operation}", "需要{operation}")


@dataclass(frozen=True)
class Operation:
    """A labor operation of the catalog with the fields that the script draws."""

    op_code: str
    zh: str
    skill_code: str
    standard_hours: float
    symptoms: tuple[str, ...]
    parts: Mapping[str, int]


@dataclass(frozen=True)
class Customer:
    """A customer and the vehicle of the visit; all invented."""

    name: str
    phone: str
    plate: str
    vin: str
    brand: str
    model: str


@dataclass(frozen=True)
class SimulatedVisit:
    """One visit (进店). Minutes count from local midnight; factors multiply standard hours."""

    number: int
    customer: Customer
    arrives_min: int
    booked_for_min: int | None
    odometer_km: int
    customer_concern: str
    symptoms: tuple[str, ...]
    operations: tuple[Operation, ...]
    work_factors: tuple[float, ...]
    waiting_customer: bool
    approach_min: int
    write_up_min: int
    inspection_min: int
    pickup_min: int
    delivery_lead_min: int
    payment: PaymentMethod
    reached: bool
    satisfaction: int
    said_on_the_phone: str

    def place(self, op_code: str) -> int:
        """Return the index of the operation among the visit's, counted from 0."""
        return [each.op_code for each in self.operations].index(op_code)

    @property
    def signature(self) -> list[list[tuple[int, int]]]:
        """What the customer scribbles (签字): strokes of points from 0 to 10,000."""
        height = 1_000 + 500 * (self.number % 8)
        return [[(1_000 + 700 * place, 5_000 + height * (-1) ** place) for place in range(12)]]

    @property
    def parts(self) -> dict[str, int]:
        """Part numbers and quantities of all operations."""
        needed: dict[str, int] = {}
        for operation in self.operations:
            for part_number, quantity in operation.parts.items():
                needed[part_number] = needed.get(part_number, 0) + quantity
        return needed


class Catalog:
    """Operations and symptom names of a group folder."""

    def __init__(self, folder: Path) -> None:
        self.operations = [
            Operation(
                entry["id"],
                entry["zh"],
                entry["skill_code"],
                float(entry["standard_hours"]),
                tuple(entry["symptoms"]),
                entry["parts"],
            )
            for entry in read_yaml(folder, "catalog/operations.yaml")["operations"]
        ]
        self.symptoms: dict[str, tuple[str, str]] = {
            condition["code"]: (symptom["zh"], condition["zh"])
            for system in read_yaml(folder, "catalog/symptoms.yaml")["systems"]
            for symptom in system["symptoms"]
            for condition in symptom["conditions"]
        }

    def of_skill(self, skill_code: str, longest_hours: float) -> list[Operation]:
        """Return operations of ``skill_code`` that customers order.

        None is longer than ``longest_hours``.
        """
        return [
            operation
            for operation in self.operations
            if operation.skill_code == skill_code
            and operation.standard_hours <= longest_hours
            and operation.symptoms
        ]


def write_script(folder: Path, orders: int, seed: int) -> dict[str, list[SimulatedVisit]]:
    """Return the visits of each store of the group in ``folder``, in arrival order.

    There are ``orders`` in all.
    """
    catalog = Catalog(folder)
    stores = read_yaml(folder, "stores.yaml")["stores"]
    script = {}
    for index, store in enumerate(stores):
        rng = random.Random(f"{seed}/{store['id']}")  # noqa: S311
        count = orders // len(stores) + (index < orders % len(stores))
        arrivals = sorted(_arrival_min(rng) for _ in range(count))
        plates = _plates(_PLATE_PREFIXES[store["city"]["zh"]], rng)
        brand = store["brand"]["zh"]
        script[store["id"]] = [
            _visit(number, arrives, catalog, plates, brand, rng)
            for number, arrives in enumerate(arrivals, start=1)
        ]
    return script


def _visit(
    number: int,
    arrives_min: int,
    catalog: Catalog,
    plates: Iterator[tuple[str, str]],
    brand: str,
    rng: random.Random,
) -> SimulatedVisit:
    operations = _operations(catalog, arrives_min, rng)
    electric = operations[0].skill_code == "high_voltage"
    reached = rng.random() < _REACHED_SHARE
    satisfaction = _weighted(_SATISFACTION_WEIGHTS, rng)
    hours = sum(operation.standard_hours for operation in operations)
    symptoms = tuple(rng.sample(operations[0].symptoms, 1))
    booked = rng.random() < _APPOINTMENT_SHARE
    return SimulatedVisit(
        number=number,
        customer=_customer(plates, brand, electric=electric, rng=rng),
        arrives_min=arrives_min,
        booked_for_min=arrives_min // 15 * 15 + 15 if booked else None,
        odometer_km=rng.randrange(3_000, 160_000),
        customer_concern=_customer_concern(catalog, operations[0], symptoms[0], rng),
        symptoms=symptoms,
        operations=operations,
        work_factors=tuple(rng.lognormvariate(0, _DURATION_SIGMA) for _ in operations),
        waiting_customer=hours <= _WAITING_HOURS and rng.random() < _WAITING_SHARE,
        approach_min=rng.randint(1, 3),
        write_up_min=rng.randint(6, 14),
        inspection_min=rng.randint(3, 7),
        pickup_min=rng.randint(1, 6),
        delivery_lead_min=rng.randint(5, 9),
        payment=_weighted(_PAYMENT_WEIGHTS, rng),
        reached=reached,
        satisfaction=satisfaction,
        said_on_the_phone=_PHONE_WORDS[satisfaction] if reached else _NOBODY_ANSWERED,
    )


def _arrival_min(rng: random.Random) -> int:
    """Return an arrival time: most are in the morning, a second wave after lunch."""
    morning = rng.random() < 0.6
    begin, end, peak = (5, 190, 60) if morning else (150, 420, 330)
    return _DAY_BEGINS_MIN + int(rng.triangular(begin, end, peak))


def _operations(catalog: Catalog, arrives_min: int, rng: random.Random) -> tuple[Operation, ...]:
    """Return the operations of a visit; the later in the day, the shorter the work."""
    longest = min(_LONGEST_HOURS, max(1.0, (_LAST_WORK_MIN - arrives_min) / 60 * 0.6))
    first = rng.choice(catalog.of_skill(_weighted(_TRADE_WEIGHTS, rng), longest) or _short(catalog))
    if rng.random() >= _FURTHER_SHARE:
        return (first,)
    others = [each for each in _short(catalog) if each != first]
    return (first, rng.choice(others))


def _short(catalog: Catalog) -> list[Operation]:
    return catalog.of_skill("maintenance", _FURTHER_HOURS)


def _customer(
    plates: Iterator[tuple[str, str]], brand: str, *, electric: bool, rng: random.Random
) -> Customer:
    surname, given = rng.choice(SURNAMES), rng.choice(GIVEN_NAMES)
    fuel_plate, electric_plate = next(plates)
    return Customer(
        name=surname[0] + given[0],
        phone=f"1{rng.choice('3578')}{rng.randrange(10**9):09d}",
        plate=electric_plate if electric else fuel_plate,
        vin=_vin(rng),
        brand=brand,
        model=rng.choice(_ELECTRIC_MODELS if electric else _FUEL_MODELS),
    )


def _plates(prefix: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Yield pairs of plates of one city: for a fuel car and for an electric one."""
    for number in rng.sample(range(10_000), 10_000):
        letter = rng.choice(_PLATE_LETTERS)
        yield f"{prefix}{letter}{number:04d}", f"{prefix}D{letter}{number:04d}"


def _vin(rng: random.Random) -> str:
    front = "L" + "".join(rng.choices(_VIN_LETTERS, k=7))
    back = "".join(rng.choices(_VIN_LETTERS, k=2)) + f"{rng.randrange(10**6):06d}"
    return front + vin_check_digit(f"{front}0{back}") + back


def _customer_concern(catalog: Catalog, operation: Operation, code: str, rng: random.Random) -> str:
    symptom, condition = catalog.symptoms[code]
    templates: Sequence[str] = _SERVICE_WORDS if code.startswith("SVC-") else _FAULT_WORDS
    said = rng.choice((*templates, *_PLAIN_WORDS))
    return said.format(symptom=symptom, condition=condition, operation=operation.zh)


def _weighted(weights: Mapping[T, int], rng: random.Random) -> T:
    return rng.choices(list(weights), list(weights.values()))[0]
