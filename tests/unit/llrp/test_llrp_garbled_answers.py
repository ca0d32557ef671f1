"""Whatever a reader answers while it is set up, the agent sends sound requests or says what is wrong."""

import random
from collections import Counter
from typing import Final

import pytest

from edge_agent.readers.llrp.capabilities import ReaderRefusalError
from edge_agent.readers.llrp.messages import Fields, MalformedMessageError, decode_message
from edge_agent.readers.llrp.profile import load_llrp_profile
from edge_agent.readers.llrp.requests import Kind, Request
from edge_agent.readers.llrp.setup import set_up
from simulators.llrp_reader import messages as codec
from simulators.llrp_reader.element import element
from simulators.llrp_reader.models import GENERIC, IMPINJ, ZEBRA, capabilities

MODELS: Final = {"impinj_r700": IMPINJ, "zebra_fx9600": ZEBRA, "generic_llrp": GENERIC}
SUCCESS: Final = element("LLRPStatus", StatusCode=0, ErrorDescription="")


def answer(request: Request, name: str, source: random.Random) -> Fields:
    """Answer as the reader would, with some bytes garbled; what cannot be decoded would not come through."""
    if request.kind is Kind.CUSTOM_MESSAGE:
        return {"LLRPStatus": {"StatusCode": "Success", "ErrorDescription": b""}}
    parameters = [SUCCESS]
    if request.kind is Kind.GET_READER_CAPABILITIES:
        parameters += capabilities(MODELS[name], 0)
    if request.kind is Kind.GET_READER_CONFIG:
        parameters += [
            element("GPIPortCurrentState", GPIPortNum=port, Config=1, State=port % 3) for port in range(1, 5)
        ]
    whole = codec.encode_message(codec.message(Kind(request.answer).name, *parameters, message_id=1))
    while True:
        garbled = bytearray(whole)
        for _ in range(source.choice((0, 0, 1, 2, 5))):
            garbled[source.randrange(10, len(garbled))] = source.randrange(256)
        try:
            return decode_message(bytes(garbled))
        except MalformedMessageError:
            continue


@pytest.mark.parametrize("name", MODELS)
def test_garbled_answers_are_refused_or_harmless(name: str) -> None:
    profile, source, ended = load_llrp_profile(name), random.Random(name), Counter[str]()
    for _ in range(300):
        setup = set_up(profile, {2: True})
        try:
            request = next(setup)
            while True:
                codec.decode_message(request.encode(1))
                request = setup.send(answer(request, name, source))
        except (ReaderRefusalError, StopIteration) as error:
            ended[type(error).__name__] += 1
    assert min(ended["ReaderRefusalError"], ended["StopIteration"]) > 10, ended
    assert ended.total() == 300
