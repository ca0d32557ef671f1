"""Sharing sites out among workers."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from cloud.ingest.workers.leases import balance

SITES = st.lists(st.sampled_from([f"s{n}" for n in range(12)]), unique=True)
WORKERS = st.lists(st.sampled_from(["w1", "w2", "w3", "w4"]), unique=True, min_size=1)
HELD = st.dictionaries(st.sampled_from([f"s{n}" for n in range(12)]), st.sampled_from(["w1", "w2", "w5"]))


@given(SITES, WORKERS, HELD)
def test_every_site_has_one_living_worker_and_loads_differ_by_one(
    sites: list[str], workers: list[str], held: dict[str, str]
) -> None:
    shares = balance(sites, workers, held)
    assert shares.keys() == set(sites)
    loads = Counter(dict.fromkeys(workers, 0))
    loads.update(shares.values())
    assert loads.keys() == set(workers)
    assert max(loads.values()) - min(loads.values()) <= 1


@given(SITES, WORKERS, HELD)
def test_sharing_out_again_moves_nothing(sites: list[str], workers: list[str], held: dict[str, str]) -> None:
    shares = balance(sites, workers, held)
    assert balance(sites, workers, shares) == shares


def test_without_workers_nothing_is_shared_out() -> None:
    assert balance(["s1"], [], {}) == {}
