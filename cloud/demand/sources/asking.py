"""What to ask a REST source next: settings, cursor and the page before in, a request out; pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from urllib.parse import urljoin, urlsplit

from cloud.demand.sources.domain import FaultyPageError, Source, SourceSettings
from cloud.demand.sources.pages import PageContent, mark_of


@dataclass(frozen=True, slots=True)
class Ask:
    """One request."""

    url: str
    parameters: tuple[tuple[str, str], ...]
    """Added to those of the URL."""
    page: int = 1


def first_ask(source: Source) -> Ask:
    """Say what a pull asks first.

    Args:
        source: A REST source.

    Returns:
        The request.
    """
    how = source.how
    named = how.cursor_parameter or ""
    since: str | None = None
    if source.cursor is not None:
        since = _stepped_back(source.cursor, how)
    elif source.from_at is not None:
        since, named = written(source.from_at), how.from_parameter or named
    return Ask(source.address or "", (*_constant(how, 1), *(((named, since),) if since is not None else ())))


def next_ask(asked: Ask, content: PageContent, source: Source, link: str | None) -> Ask | None:
    """Say what to ask after a page, in the same pull.

    Args:
        asked: What gave the page.
        content: The page.
        source: A REST source.
        link: Where the ``Link`` header says that the next page is.

    Returns:
        The request; None: this was the last page.

    Raises:
        FaultyPageError: If the next page would be asked of somebody else.
    """
    how = source.how
    if how.next_path is not None:
        url = link if how.next_path == "Link" else content.next_url
        return None if not url else Ask(_same_origin(asked.url, url), (), asked.page + 1)
    if content.rows == 0:
        return None
    if how.page_parameter is not None:
        if how.page_size_parameter is not None and content.rows < how.page_size:
            return None
        kept = tuple(pair for pair in asked.parameters if pair[0] != how.page_parameter)
        number = asked.page + 1
        return Ask(asked.url, (*kept, (how.page_parameter, str(number))), number)
    if how.cursor_path is None or content.cursor is None:
        return None
    parameters = (*_constant(how, 1), (how.cursor_parameter or "", content.cursor))
    following = Ask(source.address or "", parameters, asked.page + 1)
    return None if replace(following, page=asked.page) == asked else following


def written(at: datetime) -> str:
    """Write an instant as sources read it.

    Args:
        at: Aware.

    Returns:
        ISO 8601 in UTC.

    Examples:
        >>> written(datetime(2026, 3, 2, 9, 30, tzinfo=UTC))
        '2026-03-02T09:30:00Z'
    """
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _constant(how: SourceSettings, page: int) -> tuple[tuple[str, str], ...]:
    sized = ((how.page_size_parameter, str(how.page_size)),) if how.page_size_parameter else ()
    numbered = ((how.page_parameter, str(page)),) if how.page_parameter else ()
    return (*sized, *numbered)


def _stepped_back(cursor: str, how: SourceSettings) -> str:
    """Begin a little before the watermark: a row may be committed after one that is later."""
    if how.watermark is None or how.overlap_s == 0:
        return cursor
    mark = mark_of(cursor)
    return cursor if isinstance(mark, int) else written(mark - timedelta(seconds=how.overlap_s))


def _same_origin(before: str, told: str) -> str:
    url = urljoin(before, told)
    try:
        here, there = urlsplit(before), urlsplit(url)
        same = (here.scheme, here.hostname, here.port) == (there.scheme, there.hostname, there.port)
    except ValueError as error:
        raise FaultyPageError(f"next page {told!r:.100}: {error}") from error
    if not same or there.username is not None or not url.isascii() or not url.isprintable():
        raise FaultyPageError(
            f"next page {told!r:.100}: expected one at {here.scheme}://{here.netloc}: "
            "the secret is for no other"
        )
    return url
