"""What a reader does for each request: a message in; the answer said, and what happens by it, out."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from simulators.llrp_reader.accessspecs import AccessSpecs
from simulators.llrp_reader.checks import check_vendors
from simulators.llrp_reader.configuration import Configuration
from simulators.llrp_reader.element import LlrpError
from simulators.llrp_reader.messages import Message, decode_message, message_id_of, name_of
from simulators.llrp_reader.models import capabilities
from simulators.llrp_reader.parameter_table import IMPINJ_VENDOR_ID
from simulators.llrp_reader.rospecs import ALL, Happening, RoSpecs
from simulators.llrp_reader.vocabulary import GetReaderCapabilitiesRequestedData, StatusCode
from simulators.llrp_reader.voice import Voice

Happenings = Iterator[Happening]

_NOTHING: Final[tuple[Happening, ...]] = ()


class Requests:
    """The desk at which requests arrive."""

    def __init__(
        self, configuration: Configuration, rospecs: RoSpecs, accessspecs: AccessSpecs, voice: Voice
    ) -> None:
        """Open the desk.

        Args:
            configuration: The reader's.
            rospecs: Its ROSpecs.
            accessspecs: Its AccessSpecs.
            voice: Says the answers.
        """
        self.refuses_rospecs = False
        """A fault: ADD_ROSPEC fails with R_DeviceError."""
        self.is_closing = False
        """The client asked to close the connection."""
        self._configuration = configuration
        self._model = configuration.model
        self._rospecs = rospecs
        self._accessspecs = accessspecs
        self._voice = voice
        self._handlers = self._all_handlers()

    def handle(self, data: bytes) -> Iterable[Happening]:
        """Handle one message; the answer comes before what happens by it.

        Args:
            data: A whole message.

        Returns:
            What starts and ends by it.
        """
        try:
            given = decode_message(data)
            handler = self._handlers.get(given.name, _refuse)
            check_vendors(self._model, given.body.parameters)
            # A spec's life moves on as its happenings are taken: all of it before the answer.
            happenings = list(handler(given))
        except LlrpError as error:
            self._voice.refuse(name_of(data), message_id_of(data), error)
            return _NOTHING
        return happenings

    def _all_handlers(self) -> dict[str, Callable[[Message], Iterable[Happening]]]:
        return {
            "GET_READER_CAPABILITIES": self._get_capabilities,
            "GET_READER_CONFIG": self._get_configuration,
            "SET_READER_CONFIG": self._set_configuration,
            "CLOSE_CONNECTION": self._close_connection,
            "ADD_ROSPEC": self._add_rospec,
            "DELETE_ROSPEC": self._change_rospec(lambda number, _: self._rospecs.delete(number)),
            "ENABLE_ROSPEC": self._change_rospec(self._rospecs.enable),
            "DISABLE_ROSPEC": self._change_rospec(lambda number, _: self._rospecs.disable(number)),
            "START_ROSPEC": self._change_rospec(self._rospecs.start),
            "STOP_ROSPEC": self._change_rospec(lambda number, _: self._rospecs.stop(number)),
            "GET_ROSPECS": self._get_rospecs,
            "ADD_ACCESSSPEC": self._add_accessspec,
            "DELETE_ACCESSSPEC": self._change_accessspec(self._accessspecs.delete),
            "ENABLE_ACCESSSPEC": self._change_accessspec(self._accessspecs.enable),
            "DISABLE_ACCESSSPEC": self._change_accessspec(self._accessspecs.disable),
            "GET_ACCESSSPECS": self._get_accessspecs,
            "ENABLE_EVENTS_AND_REPORTS": self._let_go,
            "IMPINJ_ENABLE_EXTENSIONS": self._enable_extensions,
        }

    def _get_capabilities(self, given: Message) -> Iterable[Happening]:
        asked = given.body.number("RequestedData")
        if asked not in set(GetReaderCapabilitiesRequestedData):
            raise LlrpError(
                f"RequestedData is {asked}: expected 0 to {max(GetReaderCapabilitiesRequestedData)}",
                StatusCode.A_OutOfRange,
                field=0,
            )
        self._voice.answer(given, *capabilities(self._model, asked))
        return _NOTHING

    def _get_configuration(self, given: Message) -> Iterable[Happening]:
        self._voice.answer(given, *self._configuration.parameters(given.body))
        return _NOTHING

    def _set_configuration(self, given: Message) -> Iterable[Happening]:
        self._configuration.check(given.body)
        happenings = _NOTHING
        if given.body.number("ResetToFactoryDefault"):
            happenings = tuple(self._rospecs.delete(ALL))
            self._accessspecs.disable(ALL)
            self._accessspecs.delete(ALL)
        self._configuration.apply(given.body)
        self._voice.answer(given)
        return happenings

    def _close_connection(self, given: Message) -> Iterable[Happening]:
        self.is_closing = True
        self._voice.answer(given)
        return _NOTHING

    def _add_rospec(self, given: Message) -> Iterable[Happening]:
        if self.refuses_rospecs:
            raise LlrpError("the reader cannot take a ROSpec now", StatusCode.R_DeviceError)
        self._rospecs.add(given.body.one("ROSpec"))
        self._voice.answer(given)
        return _NOTHING

    def _get_rospecs(self, given: Message) -> Iterable[Happening]:
        self._voice.answer(given, *(each.element() for each in self._rospecs.specs.values()))
        return _NOTHING

    def _change_rospec(
        self, change: Callable[[int, int], Happenings]
    ) -> Callable[[Message], Iterable[Happening]]:
        def handle(given: Message) -> Iterable[Happening]:
            happenings = tuple(change(given.body.number("ROSpecID"), self._voice.now_us))
            self._voice.answer(given)
            return happenings

        return handle

    def _add_accessspec(self, given: Message) -> Iterable[Happening]:
        self._accessspecs.add(given.body.one("AccessSpec"))
        self._voice.answer(given)
        return _NOTHING

    def _change_accessspec(self, change: Callable[[int], None]) -> Callable[[Message], Iterable[Happening]]:
        def handle(given: Message) -> Iterable[Happening]:
            change(given.body.number("AccessSpecID"))
            self._voice.answer(given)
            return _NOTHING

        return handle

    def _get_accessspecs(self, given: Message) -> Iterable[Happening]:
        self._voice.answer(given, *self._accessspecs.specs.values())
        return _NOTHING

    def _let_go(self, _: Message) -> Iterable[Happening]:
        self._voice.let_go()
        return _NOTHING

    def _enable_extensions(self, given: Message) -> Iterable[Happening]:
        if IMPINJ_VENDOR_ID not in self._model.vendors:
            raise LlrpError(
                f"{given.name}: this reader has no such extensions", StatusCode.M_UnsupportedMessage
            )
        self._voice.answer(given)
        return _NOTHING


def _refuse(given: Message) -> Iterable[Happening]:
    raise LlrpError(f"{given.name} is no request to a reader", StatusCode.M_UnsupportedMessage)
