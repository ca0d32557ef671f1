"""Registering documents, doors and visits: once, refused where it contradicts, told to the gateways."""

import pytest

from cloud.documents.domain import ConflictingDocumentError, DocumentError, UnknownDocumentError
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.master.store import add_gateway
from contracts.offline import Assignment
from tests.integration.crossings.doors import AUDITOR, OPERATOR, PALLET, STRANGER
from tests.integration.documents.dock import (
    CASES,
    EACH,
    ITEM,
    KEEPER,
    NETWORK,
    OTHER_SITE,
    PORTALS,
    SECOND,
    Dock,
    line,
    paper,
)
from tests.integration.ledger.scenario import SITE, at


def test_the_same_document_again_is_the_same_and_another_content_a_conflict(dock: Dock) -> None:
    notice = paper(line(1, 20, unit=PALLET), line(2, 3), partner="acme")
    assert [dock.register(notice) for _ in range(3)] == [True, False, False]
    assert dock.ledger.query("SELECT action, actor FROM audit_event WHERE target = 'asn:ASN-1'") == [
        ("document_registered", "user:kim")
    ]
    for other in (
        paper(line(1, 21, unit=PALLET), line(2, 3), partner="acme"),
        paper(line(1, 20, unit=PALLET), partner="acme"),
        paper(line(1, 20, unit=PALLET), line(2, 3), partner="other"),
    ):
        with pytest.raises(
            ConflictingDocumentError, match="asn 'ASN-1' is registered at site 'leeds' with other"
        ):
            dock.register(other)
    assert dock.count("document_line") == 2


def test_one_pallet_on_two_notices_is_refused_until_the_first_vehicle_never_came(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET)))
    again = paper(line(1, 20, unit=PALLET), name="ASN-2")
    with pytest.raises(ConflictingDocumentError, match=f"unit {PALLET} is declared by asn 'ASN-1' too"):
        dock.register(again)
    dock.expect("V-1", "ASN-1")
    with pytest.raises(ConflictingDocumentError):
        dock.register(again)
    dock.cancel("V-1")
    assert dock.register(again)
    order = paper(line(1, 20, unit=PALLET), name="SO-1", kind="outbound_order")
    assert dock.register(order)


def test_a_slash_in_an_id_is_taken_for_nothing_else(dock: Dock) -> None:
    dock.register(paper(line(1, 2), name="A/1"))
    dock.register(paper(line(1, 3), name="A"))
    with pytest.raises(ValueError, match="should match pattern"):
        paper(line(1, 1, line="1/1"), name="A")
    dock.expect("V-1", "A/1", "A")
    assert [each.name for each in dock.confirm().lines] == ["asn/A/1", "asn/A/1/1"]


def test_every_line_that_could_not_be_posted_is_named(dock: Dock) -> None:
    unknown = {"scheme": "gtin", "value": "09521141123454"}
    wrong = paper(
        line(1, 1, identifier=unknown),
        line(2, 1, seen="09521141123454"),
        line(3, 1, identifier={"scheme": "sku", "value": "NO"}),
        line(4, 1),
        line(6, 10, seen=EACH),
        line(7, 10, seen="base"),
    )
    with pytest.raises(DocumentError) as caught:
        dock.register(wrong)
    first, second, third = str(caught.value).splitlines()
    assert first == "asn 'ASN-1', line '1': gtin '09521141123454' names no item: register its item first"
    assert second.startswith(
        "asn 'ASN-1', line '2': unit_seen '09521141123454': expected 'base' or the GTIN of"
    )
    assert third == "asn 'ASN-1', line '3': sku 'NO' names no item: register its item first"
    assert (dock.count("document"), dock.count("item")) == (0, 1)
    by_its_code = line(1, 2, seen="base", identifier={"scheme": "sku", "value": "TEA"})
    assert dock.register(paper(by_its_code)), "an item is known by its code, whether or not a sku was stated"


def test_a_case_holds_its_exact_ratio_and_a_gtin_names_one_item(dock: Dock) -> None:
    sixth = {
        "code": "HAM",
        "levels": [{"gtin": "09521141123454", "base_units": 10, "base_units_denominator": 4}],
    }
    assert [dock.imports({"items": [sixth]}).items for _ in range(2)] == [1, 0]
    found = dock.ledger.query("SELECT numerator, denominator FROM identifier WHERE value = '09521141123454'")
    assert found == [(5, 2)]
    levels = [
        ("TEA", CASES, 12, "holds 24 base units, got 12"),
        ("COFFEE", EACH, 1, "names item 'TEA' already: one GTIN names one item"),
    ]
    for code, gtin, units, told in levels:
        with pytest.raises(DocumentError, match=told):
            dock.imports({"items": [{"code": code, "levels": [{"gtin": gtin, "base_units": units}]}]})


def test_an_item_that_only_readings_know_is_merged_before_it_is_declared(dock: Dock) -> None:
    stray = {"scheme": "gtin", "value": "09521141123454"}
    dock.imports({"opening": [{"site": SITE, "identifier": stray, "quantity": "1", "location": "A-01"}]})
    with pytest.raises(DocumentError, match="is known from readings only: merge 'gtin:09521141123454' into"):
        dock.register(paper(line(1, 1, identifier=stray, seen="base")))
    with pytest.raises(DocumentError, match="merge that provisional item into it"):
        dock.imports({"items": [{"code": "HAM", "levels": [{"gtin": "09521141123454", "base_units": 1}]}]})


def test_an_import_is_whole_or_nothing_and_the_same_twice_is_once(dock: Dock) -> None:
    tea = {
        "site": SITE,
        "identifier": {"scheme": "gtin", "value": CASES},
        "unit_seen": CASES,
        "location": "A-01",
    }
    papers = {
        "items": [ITEM],
        "portals": PORTALS,
        "opening": [
            {**tea, "quantity": "2"},
            {**tea, "quantity": "3"},
            {**tea, "quantity": "1", "unit": PALLET},
        ],
        "documents": [paper(line(1, 20, unit=SECOND)).model_dump(mode="json")],
        "transfers": [{"from_site": SITE, "to_site": OTHER_SITE, "id": "T-1", "lines": [line(1, 6)]}],
        "visits": [
            {
                "site": SITE,
                "visit": "V-1",
                "door": "dock-1",
                "direction": "inbound",
                "from_at": at(0).isoformat(),
                "documents": [{"type": "asn", "id": "ASN-1"}],
            }
        ],
    }
    first, again = dock.imports(papers), dock.imports(papers)
    assert (first.opening, first.documents, first.transfers, first.visits) == (2, 1, 1, 1)
    assert set(vars_of(again)) == {0}
    assert dock.stock("A-01") == 6 * 24
    by_code = {
        "site": SITE,
        "identifier": {"scheme": "sku", "value": "TEA"},
        "quantity": "7",
        "location": "B-01",
    }
    dock.imports({"opening": [by_code]})
    assert dock.ledger.query("SELECT code FROM item WHERE is_provisional") == [], (
        "its code names an item here too"
    )
    with pytest.raises(ConflictingDocumentError, match="was posted with another quantity"):
        dock.imports({"opening": [{**tea, "quantity": "6"}]})
    bad = {"documents": [paper(line(1, 1), name="ASN-9").model_dump(mode="json")]}
    bad |= {"visits": [papers["visits"][0] | {"visit": "V-9", "door": "dock-9"}]}
    with pytest.raises(DocumentError, match="there is no door 'dock-9' at site 'leeds'"):
        dock.imports(bad)
    with pytest.raises(DocumentError, match="there is a transfer 'T-1' at site 'leeds' or 'york'"):
        dock.imports({"transfers": [papers["transfers"][0] | {"lines": [line(1, 7)]}]})
    assert dock.count("document") == 1 + 2, "a transfer stands at both its sites"
    assert dock.is_clean()


def vars_of(imported: object) -> list[int]:
    return [getattr(imported, name) for name in imported.__dataclass_fields__]


def test_a_gateway_learns_its_visits_by_growing_revisions(dock: Dock) -> None:
    dock.register(paper(line(1, 20, unit=PALLET), line(2, 3)))
    dock.expect("V-1", "ASN-1")
    dock.expect("V-1", "ASN-1")
    dock.expect("V-2", door="dock-2", direction="outbound", minute=0)
    dock.cancel("V-2")
    sent = dock.assignments()
    revisions = [message.revision for message in sent]
    assert revisions == sorted(set(revisions))
    assert [[visit.visit for visit in message.visits] for message in sent] == [
        [],
        ["V-1"],
        ["V-1", "V-2"],
        ["V-1"],
    ]
    last = sent[-1]
    assert isinstance(last, Assignment)
    assert (last.door, last.site, last.visits[0].door, last.visits[0].clearing_account) == (
        "gw-1",
        SITE,
        "dock-1",
        "@clearing/V-1",
    )
    in_unit, loose = last.visits[0].lines
    assert (in_unit.units, in_unit.quantity, loose.units, loose.quantity) == ((PALLET,), 20, (), 3)
    assert in_unit.model_extra == {"unit_seen": CASES, "levels": [EACH, CASES]}
    assert dock.assignments("gw-2") == []


def test_several_visits_stand_at_one_door(dock: Dock) -> None:
    for visit in ("V-1", "V-2", "V-3"):
        dock.expect(visit)
    assert [visit.visit for visit in dock.assignments()[-1].visits] == ["V-1", "V-2", "V-3"]


def test_a_door_that_another_gateway_hears_now_takes_its_visits_along(dock: Dock) -> None:
    dock.expect("V-1")
    dock.imports({"portals": [PORTALS[0] | {"gateway": "gw-2"}]})
    assert dock.assignments("gw-1")[-1].visits == ()
    assert [visit.visit for visit in dock.assignments("gw-2")[-1].visits] == ["V-1"]


def test_a_visit_that_contradicts_is_refused(dock: Dock) -> None:
    dock.register(paper(line(1, 1)))
    dock.expect("V-1", "ASN-1")
    with pytest.raises(
        ConflictingDocumentError, match="visit 'V-1' is registered at site 'leeds' with another"
    ):
        dock.expect("V-1", "ASN-1", door="dock-2")
    with pytest.raises(UnknownDocumentError, match="no asn 'ASN-7' at site 'leeds'"):
        dock.expect("V-2", "ASN-7")
    with pytest.raises(UnknownDocumentError, match="no door 'dock-7'"):
        dock.expect("V-2", door="dock-7")
    with pytest.raises(ValueError, match="is before from_at"):
        dock.expect("V-2", to_at=at(-1))
    with pytest.raises(ValueError, match=r"expected documents of type outbound_order, .* got asn"):
        dock.expect("V-2", direction="outbound", documents=[{"type": "asn", "id": "ASN-1"}])


def test_a_door_needs_a_gateway_of_its_site(dock: Dock) -> None:
    dock.ledger.as_app(lambda conn: add_gateway(conn, "york", "gw-y"))
    for gateway in ("gw-y", "gw-9"):
        with pytest.raises(DocumentError, match=f"gateway '{gateway}' is not registered at site 'leeds'"):
            dock.imports({"portals": [PORTALS[0] | {"gateway": gateway}]})
    places = (
        {"inside_location": "@clearing/x"},
        {"outside_location": "STAGE"},
        {"outside_location": "@supplier"},
    )
    for place in places:
        with pytest.raises(ValueError, match=r"expected a place of the site|expected an account like"):
            dock.imports({"portals": [PORTALS[0] | place]})


def test_registering_needs_the_role_at_the_site_and_items_need_it_everywhere(dock: Dock) -> None:
    notice = paper(line(1, 1))
    for actor in (OPERATOR, AUDITOR, STRANGER):
        with pytest.raises(NotAllowedError):
            dock.register(notice, actor=actor)
        with pytest.raises(NotAllowedError):
            dock.expect(actor=actor)
    with pytest.raises(NotAllowedError, match="at all sites"):
        dock.imports({"items": [ITEM]}, actor=KEEPER)
    elsewhere = Actor("user:yan", frozenset({Role.SUPERVISOR}), frozenset({"york"}))
    with pytest.raises(NotAllowedError, match="no right at site 'leeds'"):
        dock.imports({"documents": [notice.model_dump(mode="json")]}, actor=elsewhere)
    with pytest.raises(UnknownDocumentError, match="there is no site 'nowhere'"):
        dock.register(paper(line(1, 1), site="nowhere"), actor=NETWORK)
    assert dock.count("document") == 0
    assert dock.count("visit") == 0
