"""Two kinds of READER_EVENT_NOTIFICATION (LLRP 1.0.1, 14.2.6): connected, and an input changed."""

from simulators.llrp_reader.element import Element, element
from simulators.llrp_reader.messages import encode_message, message


def gpi_event(at_us: int, port: int, *, is_high: bool) -> bytes:
    """Encode a change of a general-purpose input.

    Args:
        at_us: The reader's clock, microseconds since 1970.
        port: GPI port, from 1.
        is_high: Its state now.

    Returns:
        The whole message.
    """
    return _notification(at_us, element("GPIEvent", GPIPortNumber=port, GPIEvent=int(is_high)))


def connected(at_us: int) -> bytes:
    """Encode the first message of every connection: success.

    Args:
        at_us: The reader's clock, microseconds since 1970.

    Returns:
        The whole message.
    """
    return _notification(at_us, element("ConnectionAttemptEvent", Status=0))


def _notification(at_us: int, event: Element) -> bytes:
    data = element("ReaderEventNotificationData", element("UTCTimestamp", Microseconds=at_us), event)
    return encode_message(message("READER_EVENT_NOTIFICATION", data))
