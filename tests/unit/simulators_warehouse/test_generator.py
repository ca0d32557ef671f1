"""The generated warehouse is plausible, repeatable, and says the truth about itself."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import orjson
import pytest

from contracts.base import NO_PREDECESSOR
from contracts.batch import BATCH, Batch, decode_frame, encode_record
from contracts.records import Count, Movement, Record, Side
from simulators.warehouse.gateways import SealedBatch
from simulators.warehouse.scenario import Crew, Scenario
from simulators.warehouse.truth import Truth

END_AT = datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)
CREW = Crew(gateways=5, sites=2, seed=11)


def plausible(count: int = 6_000, crew: Crew = CREW) -> Scenario:
    return Scenario.plausible(
        crew, count=count, start_at=END_AT - timedelta(days=365), end_at=END_AT, is_year=True
    )


def stationary(count: int = 3_000) -> Scenario:
    return Scenario.stationary(
        CREW, count=count, cells=500, start_at=END_AT - timedelta(minutes=1), end_at=END_AT
    )


def sealed(scenario: Scenario) -> list[SealedBatch]:
    return [batch for sealer in scenario.sealers().values() for batch in sealer.seal_all()]


def decoded(batches: list[SealedBatch]) -> Iterator[Batch]:
    return (BATCH.validate_json(batch.sealed.body) for batch in batches)


def records(scenario: Scenario) -> list[tuple[str, Record]]:
    found = [(batch.site, record) for batch in decoded(sealed(scenario)) for record in batch.records]
    return sorted(found, key=lambda pair: pair[1].occurred_at_claimed)


def cell(site: str, item: str, side: Side) -> tuple[str, ...]:
    return (site, item, side.unit or side.location or "", side.lot or "", side.disposition or "")


def balances(moved: list[tuple[str, Record]]) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for site, record in moved:
        if isinstance(record, Movement):
            quantity = int(record.quantity_seen)
            found[cell(site, record.identifier.value, record.source)] -= quantity
            found[cell(site, record.identifier.value, record.destination)] += quantity
    return found


@pytest.mark.parametrize("make", [plausible, stationary])
def test_truth_equals_a_fold_of_the_sealed_bytes(make: Callable[[], Scenario]) -> None:
    scenario = make()
    truth = scenario.truth(sealed(scenario))
    said = {(c.site, c.item, c.place, c.lot, c.disposition): n for c, n in truth.balances.items()}
    assert said == {key: quantity for key, quantity in balances(records(scenario)).items() if quantity}
    assert sum(truth.balances.values()) == 0


def test_every_record_is_written_as_the_contracts_write_it() -> None:
    for batch in sealed(plausible(2_000)):
        written = orjson.loads(batch.sealed.body)["records"]
        model = BATCH.validate_json(batch.sealed.body)
        assert [orjson.dumps(record) for record in written] == [encode_record(r) for r in model.records]


def test_no_real_place_ever_holds_less_than_nothing() -> None:
    held: Counter[tuple[str, ...]] = Counter()
    for site, record in records(plausible()):
        if isinstance(record, Movement):
            held.update(balances([(site, record)]))
            source = cell(site, record.identifier.value, record.source)
            assert held[source] >= 0 or source[2].startswith("@")


def test_most_counts_see_what_is_there_and_few_are_off_by_one() -> None:
    held: Counter[tuple[str, ...]] = Counter()
    variances: list[int] = []
    for _, same_instant in groupby(records(plausible(20_000)), key=lambda pair: pair[1].occurred_at_claimed):
        happened = list(same_instant)
        held.update(balances(happened))
        for site, record in happened:
            if isinstance(record, Count):
                (line,) = record.lines
                key = (site, line.identifier.value, record.location, line.lot or "", "")
                variances.append(int(line.quantity) - held[key])
    assert len(variances) > 50
    assert set(variances) <= {-1, 0, 1}
    assert variances.count(0) > 0.9 * len(variances)


def test_every_kind_of_work_occurs() -> None:
    steps = Counter(record.kind for _, record in records(plausible()))
    assert set(steps) == {"movement", "unit_position", "count"}
    words = {record.biz_step for _, record in records(plausible())}
    assert {"receiving", "storing", "picking", "shipping", "cycle_counting", "stock_taking"} <= words


def test_batches_of_a_gateway_form_one_chain_without_gaps() -> None:
    for gateway in {identity.gateway for identity in plausible().identities}:
        chain = [batch for batch in sealed(plausible()) if batch.range.gateway == gateway]
        previous, next_seq = NO_PREDECESSOR, 1
        for number, (batch, model) in enumerate(zip(chain, decoded(chain), strict=True), start=1):
            assert (model.batch_no, model.prev_sha256, model.first_seq) == (number, previous, next_seq)
            assert decode_frame(batch.frame(1)).body == batch.sealed.body
            previous, next_seq = batch.sealed.sha256, model.last_seq + 1
        assert model.final


def test_a_gateway_only_states_what_happened_at_its_site() -> None:
    for batch in decoded(sealed(plausible())):
        assert int(batch.gateway.rsplit("-", 1)[1]) % 2 == int(batch.site.rsplit("-", 1)[1]) % 2


def test_the_same_seed_seals_the_same_bytes_and_another_seed_does_not() -> None:
    first, again = sealed(plausible(1_000)), sealed(plausible(1_000))
    other = sealed(plausible(1_000, Crew(gateways=5, sites=2, seed=12)))
    assert [b.sealed for b in first] == [b.sealed for b in again]
    assert not {b.sealed.sha256 for b in first} & {b.sealed.sha256 for b in other}


def test_a_year_rests_at_night_and_on_sundays() -> None:
    at = [record.occurred_at_claimed for _, record in records(plausible(20_000))]
    by_hour = Counter(instant.hour for instant in at)
    by_weekday = Counter(instant.weekday() for instant in at)
    assert by_hour[10] > 4 * by_hour[2]
    assert by_weekday[0] > 4 * by_weekday[6]
    assert at[0] >= END_AT - timedelta(days=365)
    assert at[-1] <= END_AT


def test_demand_for_cells_falls_off_by_zipfs_law() -> None:
    hits: Counter[tuple[str, str]] = Counter()
    for _, record in records(stationary(20_000)):
        if isinstance(record, Movement) and record.biz_step == "shipping":
            hits[record.identifier.value, record.source.location or ""] += 1
    first, *_, hundredth = (count for _, count in hits.most_common(100))
    assert 50 < first / hundredth < 200


def test_truth_file_is_read_back_as_written(tmp_path: Path) -> None:
    scenario = plausible(500)
    truth = scenario.truth(sealed(scenario))
    truth.write(tmp_path / "truth.jsonl")
    assert Truth.read(tmp_path / "truth.jsonl") == truth


def test_fewer_gateways_than_sites_are_refused() -> None:
    with pytest.raises(ValueError, match="1 gateways cannot serve 2 sites"):
        plausible(10, Crew(gateways=1, sites=2, seed=1))


def test_cells_that_are_not_a_multiple_of_ten_are_refused() -> None:
    with pytest.raises(ValueError, match="cells is 55"):
        Scenario.stationary(CREW, count=1, cells=55, start_at=END_AT, end_at=END_AT)
