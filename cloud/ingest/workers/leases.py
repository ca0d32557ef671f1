"""Which worker serves which site: balanced, and moving as little as can be."""

from collections.abc import Mapping, Sequence


def balance(sites: Sequence[str], workers: Sequence[str], held: Mapping[str, str]) -> dict[str, str]:
    """Share sites out among workers.

    Loads differ by one at most; a site moves only when its worker is gone or has more than its share.

    Args:
        sites: Every site.
        workers: Every living worker.
        held: Worker by site, as it was.

    Returns:
        Worker by site, for every site; empty when there is no worker.

    Examples:
        >>> balance(["a", "b", "c"], ["w1", "w2"], {"a": "w1", "b": "w1", "c": "gone"})
        {'a': 'w1', 'b': 'w1', 'c': 'w2'}
        >>> balance(["a", "b"], ["w1", "w2"], {"a": "w1", "b": "w1"})
        {'a': 'w1', 'b': 'w2'}
    """
    if not workers:
        return {}
    holdings: dict[str, list[str]] = {worker: [] for worker in sorted(workers)}
    homeless: list[str] = []
    for site in sorted(sites):
        holdings.get(held.get(site, ""), homeless).append(site)
    share, larger = divmod(len(set(sites)), len(holdings))
    by_load = sorted(holdings, key=lambda worker: -len(holdings[worker]))
    quotas = {worker: share + (place < larger) for place, worker in enumerate(by_load)}
    for worker, quota in quotas.items():
        homeless += holdings[worker][quota:]
        del holdings[worker][quota:]
    for worker, quota in quotas.items():
        while len(holdings[worker]) < quota:
            holdings[worker].append(homeless.pop(0))
    return {site: worker for worker, mine in holdings.items() for site in mine}
