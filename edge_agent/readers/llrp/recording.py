"""Recordings of LLRP messages in, what readers said out, in order of arrival; each fault with its place."""

from collections.abc import Iterator, Mapping

from contracts.llrp_recording import MAGIC, RecordingError, read_entries
from edge_agent.readers.capture import Fault
from edge_agent.readers.llrp.decoder import LlrpDecoder
from edge_agent.readers.llrp.profile import Quirks
from edge_agent.readers.raw_read import Seen


def is_recording(data: bytes) -> bool:
    """Tell a recording from a capture of JSON lines.

    Args:
        data: Its beginning, at least 8 bytes.

    Returns:
        Whether it is one.
    """
    return data.startswith(MAGIC)


def read_recording(data: bytes, quirks: Mapping[str, Quirks] | None = None) -> Iterator[Seen | Fault]:
    """Decode a recording as the adapter would have.

    Args:
        data: A whole recording.
        quirks: By reader, where its profile is known.

    Yields:
        Reads and changes of inputs, and a fault for each message that is malformed, and for a cut end.

    Raises:
        LlrpMissingError: If the extra ``llrp`` is not installed.
    """
    decoders: dict[str, LlrpDecoder] = {}
    entries = read_entries(data)
    number = 0
    while True:
        number += 1
        try:
            arrived_us, reader, message = next(entries)
        except StopIteration:
            return
        except RecordingError as error:
            yield Fault(f"message {number}", str(error))
            return
        decoder = decoders.get(reader)
        if decoder is None:
            decoder = decoders[reader] = LlrpDecoder(reader, (quirks or {}).get(reader))
        yield from decoder.take(message, arrived_us)
        if decoder.detail:
            yield Fault(f"message {number} of {reader}", decoder.detail)
            decoder.detail = ""
