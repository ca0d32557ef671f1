"""The manner of some readers to leave out of a report what repeats: a report in, the shorter report out."""

from simulators.llrp_reader.element import Element
from simulators.llrp_reader.messages import Message, decode_message, encode_message
from simulators.llrp_reader.parameters import vendor_of

_NEVER_OMITTED = frozenset({"EPC_96", "EPCData"})


class Omission:
    """Remembers the last value of each parameter of a TagReportData; an absent one means it again."""

    def __init__(self) -> None:
        """Remember nothing."""
        self._last: dict[str, Element] = {}

    def forget(self) -> None:
        """Begin anew, as on a new connection."""
        self._last.clear()

    def shorten(self, report: bytes) -> bytes:
        """Leave out what repeats.

        Args:
            report: A whole RO_ACCESS_REPORT.

        Returns:
            The same with fewer parameters.
        """
        given = decode_message(report)
        tags = tuple(self._shorten(tag) for tag in given.body.parameters)
        return encode_message(Message(Element(given.name, {}, tags), given.message_id))

    def _shorten(self, tag: Element) -> Element:
        told = tuple(parameter for parameter in tag.parameters if self._is_news(parameter))
        return Element(tag.name, tag.fields, told)

    def _is_news(self, parameter: Element) -> bool:
        if parameter.name in _NEVER_OMITTED or vendor_of(parameter) is not None:
            return True
        is_news = self._last.get(parameter.name) != parameter
        self._last[parameter.name] = parameter
        return is_news
