"""The way to the ledger over HTTPS: asked once, under the gateway's name; findings out."""

from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus

from pydantic import ValidationError

from contracts.feedback import IngestState
from edge_agent.config.settings import AgentSettings
from edge_agent.doctor.finding import Finding, note, problem, well
from edge_agent.publish.https import STATE_PATH, LedgerClient
from edge_agent.ways import ledger_of


def about_ledger(settings: AgentSettings) -> Iterator[Finding]:
    """Ask the ledger's server whether it admits this gateway; a running agent is not disturbed by it.

    Args:
        settings: The agent's.

    Yields:
        Findings.
    """
    ledger = ledger_of(settings)
    if ledger is None:
        advice = 'https_url = "https://…" of the ledger\'s server: then batches go there meanwhile'
        yield note("https", "while the broker cannot be reached, rows only wait here", advice)
        return
    where = f"{ledger.host}:{ledger.port}"
    try:
        with closing(LedgerClient(ledger)) as client:
            answer = client.ask("GET", STATE_PATH)
    except (OSError, ValueError) as error:
        mend = "check https_url, https_ca, the network, and whether the server runs"
        yield problem("https", f"{where} does not answer: {error}", mend)
        return
    if answer.status == HTTPStatus.UNAUTHORIZED:
        mend = "take the secret from `dockledger gateway secret`, and put it into https_url"
        yield problem("https", f"{where} does not admit {ledger.username}: {answer.words}", mend)
        return
    try:
        state = IngestState.model_validate_json(answer.body)
    except ValidationError:
        mend = "check https_url: expected the server of Dockledger, with ingest_dsn"
        yield problem("https", f"{where} takes no batches: {answer.words}", mend)
        return
    if not ledger.is_tls:
        text = f"{where} admits {ledger.username}, without TLS: its secret and records travel readably"
        yield note("https", text, "https://, with a TLS proxy before the server")
        return
    yield well("https", f"{where} admits {ledger.username}; it writes to ledger {state.ledger_id}")
