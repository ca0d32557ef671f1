"""One look at a reader: settings in; what it can do, what it will be set to, and what does not fit, out."""

import threading
from dataclasses import dataclass

from edge_agent.readers.llrp.capabilities import Capabilities, ReaderRefusalError
from edge_agent.readers.llrp.choice import Fit, choose
from edge_agent.readers.llrp.connection import CONNECT_S, Connection, Wakeup
from edge_agent.readers.llrp.framing import FramingLostError
from edge_agent.readers.llrp.listener import ReaderCounters
from edge_agent.readers.llrp.profile import LlrpProfile
from edge_agent.readers.llrp.reader import ANSWER_S
from edge_agent.readers.llrp.session import Outputs, Session, Surroundings
from edge_agent.readers.llrp.settings import ReaderSettings
from edge_agent.readers.llrp.setup import ask_capabilities, try_out
from edge_agent.readers.tls import shown_pin


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found."""

    reader: str
    address: tuple[str, int]
    profile: LlrpProfile
    can: Capabilities | None = None
    """None if it could not be asked."""
    fit: Fit | None = None
    refusal: str | None = None
    """The reader's words, or why it could not be asked."""
    pin: str | None = None
    """Fingerprint of the certificate that it showed."""
    was_tried: bool = False
    """The reader itself has judged the ROSpec."""

    @property
    def is_well(self) -> bool:
        """Whether it can be read as the profile asks."""
        return self.refusal is None and self.fit is not None and not self.fit.mismatches


def check_reader(settings: ReaderSettings, *, dry_run: bool = False, answer_s: float = ANSWER_S) -> Checked:
    """Connect, ask, compare, and let the reader judge; it never radiates.

    Args:
        settings: Of the reader.
        dry_run: Only ask: nothing is changed in the reader.
        answer_s: How long to wait for each answer.

    Returns:
        What was found.
    """
    profile = settings.effective()
    can: Capabilities | None = None
    fit: Fit | None = None
    was_tried, refusal = False, None
    wakeup = Wakeup()
    try:
        connection = Connection(settings, wakeup, lambda: False)
    except OSError as error:
        wakeup.close()
        # Whoever answers may show its certificate without being believed, so that a person can compare it.
        pin = shown_pin(settings.address, CONNECT_S) if settings.tls else None
        return Checked(settings.id, settings.address, profile, refusal=f"not reached: {error}", pin=pin)
    try:
        session = Session(connection, _surroundings(settings.id, profile, answer_s))
        can = session.converse(ask_capabilities(profile))
        fit = choose(profile, can)
        if fit.choice is not None and not dry_run:
            session.converse(try_out(profile))
            was_tried = True
        session.leave()
    except (ReaderRefusalError, FramingLostError, OSError) as error:
        refusal = str(error) or error.__class__.__name__
    finally:
        connection.close()
        wakeup.close()
    return Checked(settings.id, settings.address, profile, can, fit, refusal, connection.pin, was_tried)


def _surroundings(reader: str, profile: LlrpProfile, answer_s: float) -> Surroundings:
    return Surroundings(
        reader=reader,
        counters=ReaderCounters(),
        outputs=Outputs(),
        stopping=threading.Event(),
        deliver=lambda _arrived_us, _message: None,
        keepalive_s=profile.keepalive_s,
        answer_s=answer_s,
    )
