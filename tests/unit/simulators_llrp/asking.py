"""A client of a reader without a network."""

from collections.abc import Callable

from simulators.llrp_reader.element import Element
from simulators.llrp_reader.messages import decode_message, encode_message, message
from simulators.llrp_reader.models import ReaderModel
from simulators.llrp_reader.reader import VirtualReader
from tests.unit.simulators_llrp.specs import T0

Ask = Callable[..., Element]


def asking(model: ReaderModel) -> Ask:
    """Connect to a fresh reader; requests are answered by the body of the response."""
    reader = VirtualReader(model, T0)
    reader.connect(T0)

    def ask(name: str, *parameters: Element, **fields: int) -> Element:
        request = encode_message(message(name, *parameters, message_id=9, **fields))
        answers = [decode_message(data) for _, data in reader.receive(request, T0)]
        (answer,) = [each for each in answers if each.name != "READER_EVENT_NOTIFICATION"]
        assert answer.message_id == 9
        return answer.body

    return ask
