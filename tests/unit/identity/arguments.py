"""What a command of the matrix is called with: papers, filters and times that would do."""

import inspect
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import Any

from cloud.allocation.claiming import Wish
from cloud.counting.reading import VarianceFilter
from cloud.counting.reconciling.domain import StatedLine, StatedList
from cloud.counting.reporting import CountPaper
from cloud.counting.tolerances import TolerancePaper
from cloud.crossings.reading import CrossingFilter
from cloud.decisions.domain import Draft
from cloud.decisions.limits import LimitPaper
from cloud.demand.sources.domain import NewSource, SourceKind, SourceSettings
from cloud.documents.appointments import AppointmentPaper, MovedVisit
from cloud.documents.import_file import ImportPaper
from cloud.documents.judging.papers import JudgementPaper
from cloud.documents.judging.scrapping import ScrapPaper
from cloud.documents.order_papers import OrderPaper, ReceiptPaper
from cloud.documents.papers import DocumentPaper, ItemPaper, OpeningPaper, PortalPaper, VisitPaper
from cloud.documents.receiving.papers import DeliveryPaper
from cloud.documents.receiving.rules import RulePaper
from cloud.documents.shipping.papers import ShipmentPaper
from cloud.documents.short_lines import ClosePaper
from cloud.documents.transfers.papers import TransferPaper
from cloud.documents.units import SeriesPaper
from cloud.events.domain import Kind
from cloud.events.papers import EventPaper
from cloud.forecasting.chosen.domain import SeriesChoice
from cloud.forecasting.chosen.service import ChoicePaper
from cloud.forecasting.overrides.papers import OverridePaper
from cloud.forecasting.reviewing.service import SettingPaper
from cloud.inquiry.domain import BalanceFilter, MovementFilter
from cloud.inquiry.past import DifferenceFilter
from cloud.ledger.closing import Closing
from cloud.ledger.manual import ManualMovement
from cloud.master.costs import CostPaper
from cloud.master.life import LifePaper
from cloud.master.packaging import PackagingPaper
from cloud.master.rates import RatePaper
from cloud.master.shelf_life import ShelfLifePaper
from cloud.master.supplier_papers import SupplierItemPaper, SupplierPaper
from cloud.periods.reading import Moment
from cloud.recipes.papers import MadePaper, PlanPaper
from cloud.replenishment.confirming import ConfirmationTolerance
from cloud.replenishment.policies import PolicyPaper
from contracts.base import SiteId
from contracts.labels import LabelKind, LabelOrder
from contracts.records import Identifier, Side
from contracts.vocabulary import CountScope

OWN, OTHER = SiteId("madrid"), SiteId("leeds")
AT = datetime(2026, 3, 2, tzinfo=UTC)

FILTERS = {
    "allocate": Wish,
    "release_picks": Wish,
    "balances": BalanceFilter,
    "crossings": CrossingFilter,
    "differences": DifferenceFilter,
    "currency": partial(Moment, until_at=AT),
    "figure": partial(Moment, until_at=AT),
    "value_lines": partial(Moment, until_at=AT),
    "variances": VarianceFilter,
}


LINE = {"line": "1", "identifier": {"scheme": "sku", "value": "A"}, "quantity": "1"}
NOTICE = DocumentPaper.model_validate({"site": OWN, "type": "asn", "id": "A", "lines": [LINE]})
DOOR = {"site": OWN, "portal": "d", "gateway": "g", "inside_location": "A", "outside_location": "@clearing/d"}
VEHICLE = {"site": OWN, "visit": "V", "door": "d", "direction": "inbound", "from_at": "2026-03-02T06:00:00Z"}
STOCK = OpeningPaper.model_validate(
    {"site": OWN, "identifier": LINE["identifier"], "quantity": "1", "location": "A"}
)
KITTED = {"site": OWN, "type": "kit", "id": "K", "recipe": "R"}
TERMS = SupplierItemPaper(supplier="A", item="A", site=OWN)
ORDERED = {"line": "1", "item": "A", "quantity": "1", "due_on": "2026-03-09"}
ORDER = {"site": OWN, "id": "P", "supplier": "A", "sent_at": "2026-03-02T06:00:00Z", "lines": [ORDERED]}
ADJUSTED = OverridePaper.model_validate(
    {
        "site": OWN,
        "item": "A",
        "from_day": "2026-03-09",
        "to_day": "2026-03-10",
        "mode": "percent",
        "amount": "10",
        "reason": "weather",
        "evidence": "forecast of rain",
    }
)
SOURCE = NewSource(OWN, "till", SourceKind.DROP, "/srv/till", SourceSettings(), None, 5)
JUDGED = {"site": OWN, "receipt": "R", "line": "1", "waits_as": "hold", "verdict": "sellable"}
JUDGED |= {"quantity": "1", "reason": "other"}
LEAVES = {
    "site": OWN,
    "shipment": "S",
    "location": "A",
    "lines": [{"line": "1", "of": {"type": "outbound_order", "id": "O", "line": "1"}, "quantity": "1"}],
}
MOVED = TransferPaper.model_validate({"from_site": OWN, "to_site": "york", "id": "T", "lines": [LINE]})
CAME = DeliveryPaper.model_validate(
    {
        "site": OWN,
        "receipt": "R",
        "location": "A",
        "lines": [{"line": "1", "identifier": LINE["identifier"], "received": "1"}],
    }
)
STATED = EventPaper(
    site=OWN, from_day=date(2026, 3, 9), to_day=date(2026, 3, 9), kind=Kind.OTHER, name="fair"
)
LIST = StatedList(OWN, AT, (StatedLine("A", "A", Decimal(1)),), "f")
WINDOW = {"door": "d", "from_at": "2026-03-02T06:00:00Z"}
PAPERS: dict[str, object] = {
    "add_all": (STATED,),
    "correct": STATED,
    "add": ADJUSTED,
    "choose": ChoicePaper(site=OWN, item="A", choice=SeriesChoice.PINNED),
    "put_setting": SettingPaper(site=OWN),
    "close_period": Closing(OWN, "2026-02", AT, AT, 0, "user:a", "period_end", "", (), 1),
    "draft": Draft("k", OWN, "s", "r", {"do": 1}),
    "import_all": ImportPaper(documents=(NOTICE,)),
    "post_opening": (STOCK,),
    "import_suppliers": ({}, {1: TERMS}),
    "make": MadePaper.model_validate(KITTED | {"times": "1", "location": "A-01"}),
    "plan": PlanPaper.model_validate(KITTED),
    "put_item": ItemPaper(code="A"),
    "put_lives": [LifePaper(item="A", days=30)],
    "put_shelf_lives": [ShelfLifePaper(item="A", days=30)],
    "put_packaging": PackagingPaper(item="A"),
    "put_supplier": SupplierPaper(supplier="A", name="A", currency="EUR"),
    "put_supplier_item": TERMS,
    "check_order": OrderPaper.model_validate(ORDER),
    "check_receipt": ReceiptPaper.model_validate(
        {"receipt": "R", "location": "A", "lines": [{"line": "1", "received": "1"}]}
    ),
    "register_order": OrderPaper.model_validate(ORDER),
    "set_policy": PolicyPaper(site=OWN, review_days=7),
    "appoint": AppointmentPaper.model_validate(WINDOW),
    "appoint_all": (MovedVisit.model_validate(WINDOW | {"site": OWN, "visit": "V"}),),
    "check": CAME,
    "close_short": ClosePaper(site=OWN, type="asn", id="A", reason="other"),
    "judge": JudgementPaper.model_validate(JUDGED),
    "ask_to_scrap": ScrapPaper.model_validate({k: v for k, v in JUDGED.items() if k != "verdict"}),
    "check_shipment": ShipmentPaper.model_validate(LEAVES),
    "ship": ShipmentPaper.model_validate(LEAVES),
    "receive": CAME,
    "put_rule": RulePaper(site=OWN),
    "put_series": SeriesPaper(site=OWN, company_prefix="9521141"),
    "put_limit": LimitPaper("approver", "EUR", None, site=OWN),
    "put_portal": PortalPaper.model_validate(DOOR),
    "check_list": LIST,
    "reconcile": LIST,
    "put_rates": (RatePaper("USD", "EUR", AT.date(), Decimal(1), "ECB"),),
    "put_costs": (CostPaper("A", OWN, Decimal(1), "EUR", datetime(2026, 3, 2, tzinfo=UTC)),),
    "set_tolerance": ConfirmationTolerance(site=OWN, quantity_percent=Decimal(5), price_percent=Decimal(2)),
    "put_tolerance": TolerancePaper(site=OWN, percent=Decimal(1)),
    "check_document": NOTICE,
    "register_document": NOTICE,
    "report_count": CountPaper(OWN, "A-01", CountScope.BIN),
    "register_visit": VisitPaper.model_validate(VEHICLE),
    "stored_portal": PortalPaper.model_validate(DOOR),
}


def arguments(command: Callable[..., Any]) -> dict[str, Any]:
    known = {
        "site": OWN,
        "wished": SOURCE,
        "wanted": FILTERS.get(command.__name__, MovementFilter)(site=OWN),
        "movement": ManualMovement(
            site=OWN,
            identifier=Identifier(scheme="sku", value="A"),
            quantity=Decimal(1),
            unit="base",
            source=Side(location="A"),
            destination=Side(location="B"),
            occurred_at=None,
            reason="test",
        ),
        "now": datetime(2026, 3, 2, tzinfo=UTC),
        "order": LabelOrder(LabelKind.SSCC, {}),
        "paper": MOVED if command.__module__.endswith("transfers.service") else PAPERS.get(command.__name__),
        "papers": PAPERS.get(command.__name__),
    }
    parameters = inspect.signature(command).parameters.values()
    return {
        parameter.name: known.get(parameter.name)
        for parameter in list(parameters)[2:]
        if parameter.default is parameter.empty or parameter.name == "site"
    }
