"""A pull of a REST source: page after page, each stored before the next is asked for."""

import hashlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from cloud.demand.domain import Faults, FaultyLinesError, StagedLine
from cloud.demand.sources.asking import Ask, first_ask, next_ask
from cloud.demand.sources.confines import secret_of
from cloud.demand.sources.domain import Source
from cloud.demand.sources.fetching import Fetcher
from cloud.demand.sources.keeping import Pull
from cloud.demand.sources.pages import PageContent, parse, read_page


def pull_rest(pull: Pull, fetcher: Fetcher) -> bool:
    """Pull a REST source.

    Args:
        pull: Of the source.
        fetcher: Connections to sources.

    Returns:
        Whether it came to the last page; the next pull goes on where this one ended.
    """
    source = pull.source
    headers = _headers(source)
    last_sha256 = source.page_sha256
    ask: Ask | None = first_ask(source)
    while ask is not None:
        if pull.is_over():
            return False
        answer = fetcher.fetch(ask, headers)
        sha256 = hashlib.sha256(answer.body).hexdigest()
        document = parse(answer.body)
        content = _content(document, source, ask)
        if not content.lines or sha256 == last_sha256:
            pull.skip(cursor=content.cursor, sha256=last_sha256)
        else:
            pull.keep(
                partial(_given, content.lines),
                origin=_origin(source, ask),
                cursor=content.cursor,
                sha256=sha256,
                about={"page": ask.page, "sha256": sha256, "cursor": content.cursor or pull.cursor},
            )
            last_sha256 = sha256
        ask = next_ask(ask, content, source, answer.link)
    return True


def _given(lines: Sequence[StagedLine], _: Faults) -> Sequence[StagedLine]:
    return lines


def _content(document: Any, source: Source, ask: Ask) -> PageContent:
    faults = Faults()
    content = read_page(document, source.how, site=source.site, name=source.name, faults=faults)
    if faults.total:
        raise FaultyLinesError(_origin(source, ask), sorted(faults.told), faults.total)
    return content


def _headers(source: Source) -> dict[str, str]:
    secret, how = secret_of(source), source.how
    return {} if secret is None else {how.secret_header: how.secret_prefix + secret}


def _origin(source: Source, ask: Ask) -> str:
    return f"source {source.name}, page {ask.page}, line"
