"""Whatever lines, readers, brokers and people bring to the edge is taken, or refused with words.

A short seeded part runs in the suite; `make soak` runs each of them for half an hour.
"""

import json
import random
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path
from typing import Final, TypeVar

import pytest

from edge_agent.config.settings import SettingsError, load
from edge_agent.config.site_file import SiteFileError, load_portals, load_tags
from edge_agent.doors.visits import from_us
from edge_agent.filters.portal import PortalFilter
from edge_agent.filters.site import Portal
from edge_agent.readers.capture import Fault, read_json_lines
from edge_agent.readers.catalogue import KINDS, find
from edge_agent.readers.device import ProfileError, shipped
from edge_agent.readers.framing import Deframer, Delimiter, Framing
from edge_agent.readers.iot.decoder import IotDecoder
from edge_agent.readers.iot.preset import preset_of
from edge_agent.readers.iot.profile import IotProfile, load_iot_profile
from edge_agent.readers.keys import Keys
from edge_agent.readers.llrp.capabilities import Capabilities, ReaderRefusalError, parse_capabilities
from edge_agent.readers.llrp.choice import choose
from edge_agent.readers.llrp.decoder import LlrpDecoder
from edge_agent.readers.llrp.framing import Framer, FramingLostError
from edge_agent.readers.llrp.messages import MalformedMessageError, decode_message
from edge_agent.readers.llrp.profile import LlrpProfile, Quirks
from edge_agent.readers.llrp.rospec import add_rospec
from edge_agent.readers.raw_read import Seen
from simulators.iot_reader.events import MAKES, encode
from simulators.llrp_reader import messages as codec
from simulators.llrp_reader.capture import LevelChange
from simulators.llrp_reader.element import element
from simulators.llrp_reader.models import IMPINJ, capabilities
from simulators.llrp_reader.report import IMPINJ_FIELDS, Observation, ReportFields, encode_report
from simulators.scanner.keyboard import typed
from tests.unit.edge_fuzz.mutation import HALF_AN_HOUR_S, damaged, miswritten, run, run_for_half_an_hour

T = TypeVar("T")

ROOT: Final = Path(__file__).parents[3]
VECTORS: Final = ROOT.parent / "shared" / "vectors" / "llrp"
NOW_US: Final = 1_772_432_100_000_000
SHORT: Final = 150
PORTAL: Final = Portal(
    id="dock-1",
    kind="two_sided",
    inside=("r1:1", "r1:2"),
    outside=("r1:3", "r1:4"),
    inside_location="STAGE-1",
    outside_location="@clearing/dock-1",
)


def observations(count: int) -> list[Observation]:
    return [
        Observation(NOW_US + n * 5000, 1 + n % 4, bytes([48 + n % 2] * 12), 96, -50.0 - n % 9, 30.0, 1.5)
        for n in range(count)
    ]


@cache
def messages() -> tuple[bytes, ...]:
    """Whole messages of every kind that a reader sends, from the simulator and from real readers."""
    parts = (element("LLRPStatus", StatusCode=0, ErrorDescription=""), *capabilities(IMPINJ, 0))
    made = [
        encode_report(observations(20), IMPINJ_FIELDS),
        encode_report(observations(3), ReportFields()),
        codec.encode_message(codec.message("GET_READER_CAPABILITIES_RESPONSE", *parts, message_id=1)),
        codec.encode_message(codec.message("KEEPALIVE", message_id=2)),
    ]
    kinds = {"ROAccessReport": 61, "ReaderEventNotification": 63, "GetReaderCapabilitiesResponse": 11}
    for path in sorted(VECTORS.glob("*.bytes")):
        kind = kinds.get(path.name.partition("-")[0])
        if kind is not None:
            made.append(codec.frame(kind, path.read_bytes()))
    return tuple(made)


def attempted(call: Callable[[], T], refusal: type[Exception]) -> T | None:
    """Do it, or be refused with words."""
    try:
        return call()
    except refusal as error:
        words = str(error)
    assert words
    return None


def check(seen: list[Seen]) -> None:
    """Doors and their records take whatever was understood."""
    for each in seen:
        assert from_us(each.seen_us).year in {2026, 1970}
    door = PortalFilter((PORTAL,))
    door.take_many(sorted(seen, key=lambda each: each.seen_us))
    door.flush()


def llrp(source: random.Random) -> None:
    """A stream of messages, some of them damaged, cut anywhere."""
    stream = b"".join(
        damaged(each, source) if source.random() < 0.6 else each
        for each in source.choices(messages(), k=source.randrange(1, 5))
    )
    framer, odd = Framer(), Counter[str]()
    decoder = LlrpDecoder(
        "r1", Quirks(omitted_means_last=source.random() < 0.5, epc_may_be_ascii_hex=True), odd
    )
    seen: list[Seen] = []
    offset = 0
    try:
        while offset < len(stream):
            size = source.choice((1, 7, 100, 4096))
            for message in framer.feed(stream[offset : offset + size]):
                seen += decoder.take(message, NOW_US)
            offset += size
    except FramingLostError:
        odd["lost"] += 1
    check(seen)


def answers(source: random.Random) -> None:
    """Damaged capabilities: understood, or refused; a ROSpec is made of what was understood, or refused."""
    whole = messages()[2]
    try:
        can: Capabilities = parse_capabilities(decode_message(whole[:10] + damaged(whole[10:], source)))
    except (MalformedMessageError, ReaderRefusalError):
        return
    for name in shipped("firmware_configs.readers"):
        _, profile = find(name)
        assert isinstance(profile, LlrpProfile)
        made = attempted(partial(add_rospec, profile, can), ReaderRefusalError)
        if made is not None:
            codec.decode_message(made.encode(1))


def framing(source: random.Random) -> None:
    """Noise around and inside scans: every byte that goes in comes out once, and no scan is half a one."""
    delimiter = source.choice(list(Delimiter))
    deframer = Deframer(Framing(delimiter, source.choice((1, 20, 256, 512)), source.random() < 0.5))
    ends = {"stx_etx": b"\x02%b\x03", "cr": b"%b\r", "lf": b"%b\n", "crlf": b"%b\r\n"}[delimiter]
    line = b"".join(ends % source.choice((b"]C085123A", b"]d20109", b"")) for _ in range(20))
    line = damaged(damaged(line, source), source) if source.random() < 0.8 else source.randbytes(300)
    offset = 0
    while offset < len(line):
        size = source.randrange(1, 40)
        for frame in deframer.feed(line[offset : offset + size]):
            assert 0 < len(frame.payload) <= deframer.framing.max_length
            assert frame.text.replace("\x1d", "").isprintable()
        offset += size
        if source.random() < 0.02:
            deframer.reset()
    assert deframer.framed_bytes + deframer.noise.bytes + deframer.buffered_bytes == len(line)


def keyboard(source: random.Random) -> None:
    """Events of a keyboard that loses some and makes up others."""
    events = typed(f"]d2{source.randrange(10**12)}\x1d21", by_number_pad=source.random() < 0.5)
    keys, deframer = Keys(), Deframer(Framing(Delimiter.CR, 256, aim_required=True))
    for _ in range(3):
        deframer.feed(keys.feed(damaged(events, source)))


def payloads(source: random.Random) -> None:
    """JSON of both makes: each event is read, or told."""
    make = source.choice(sorted(MAKES))
    profile: IotProfile = load_iot_profile({"impinj": "impinj_r700_iot", "zebra": "zebra_fxr90_iot"}[make])
    unit = source.choice(("degrees", "radians", "ignored"))
    decoder = IotDecoder("r1", profile.model_copy(update={"phase_unit": unit}), Counter())
    said = [*observations(source.randrange(1, 30)), LevelChange(NOW_US, 1, is_high=True)]
    seen: list[Seen] = []
    for _ in range(4):
        payload = encode([MAKES[make](each) for each in said])
        if source.random() < 0.5:
            payload = damaged(payload, source)
        else:
            text = payload.decode()
            odd = source.choice(("null", "-1", "1e308", '"x"', "[]", "{}", "true", "9" * 30, '"\\u0000"'))
            begin = source.choice([at for at, char in enumerate(text) if char == ":"])
            payload = (text[: begin + 1] + odd + text[begin + 1 :].lstrip('0123456789-." ')).encode()
        reads, bad = decoder.take(payload, NOW_US + 20_000)
        assert all(each.why for each in bad)
        seen += reads
    check(seen)


def captures(source: random.Random) -> None:
    """A capture that somebody edited."""
    line = {
        "seen_at": "2026-03-02T06:15:00.250000Z",
        "reader": "r1",
        "antenna": 2,
        "epc": "30" * 12,
        "rssi_dbm": -50.5,
        "phase_deg": None,
        "doppler_hz": None,
        "count": 1,
    }
    whole = (json.dumps(line) + "\n").encode() * 5
    for each in read_json_lines(damaged(whole, source).splitlines()):
        assert isinstance(each, Fault) is not hasattr(each, "seen_us")


def profiles(source: random.Random, folder: Path) -> None:
    """A profile that somebody miswrote: valid, or refused by name; a valid one can be used."""
    kind = source.choice(KINDS)
    text = (ROOT / kind.folder.replace(".", "/") / f"{source.choice(shipped(kind.folder))}.toml").read_text(
        "utf-8"
    )
    own = folder / "own.toml"
    if source.random() < 0.2:
        own.write_bytes(damaged(text.encode(), source))
    else:
        own.write_text(miswritten(text, source), "utf-8")
    profile = attempted(partial(kind.load, str(own)), ProfileError)
    if isinstance(profile, LlrpProfile):
        choose(profile, parse_capabilities(decode_message(messages()[2])))
    elif isinstance(profile, IotProfile):
        json.dumps(preset_of(profile))
    attempted(partial(find, str(own)), ProfileError)


def sites(source: random.Random, folder: Path) -> None:
    """A site or agent file that somebody miswrote."""
    name = source.choice(("dock_example", "retail_example", "gs1_example"))
    text = (ROOT / "firmware_configs" / "sites" / f"{name}.toml").read_text("utf-8")
    readers = "".join(f'[[reader]]\nid = "r{n}"\nhost = "192.0.2.{n}"\npower_dbm = 27.0\n' for n in (1, 2, 3))
    agent = f'site = "s"\ngateway = "g"\nbroker_url = "mqtt://u:p@127.0.0.1"\n{readers}{text}'
    own = folder / "agent.toml"
    if source.random() < 0.2:
        own.write_bytes(damaged(agent.encode(), source))
    else:
        own.write_text(miswritten(agent, source), "utf-8")
    attempted(partial(load_portals, own), SiteFileError)
    attempted(partial(load_tags, own), SiteFileError)
    attempted(partial(load, own), SettingsError)


STEPS: Final[dict[str, Callable[[random.Random], None]]] = {
    "llrp": llrp,
    "answers": answers,
    "framing": framing,
    "keyboard": keyboard,
    "payloads": payloads,
    "captures": captures,
}
FILE_STEPS: Final[dict[str, Callable[[random.Random, Path], None]]] = {"profiles": profiles, "sites": sites}


@pytest.mark.parametrize("name", STEPS)
def test_damage_is_taken_or_told(name: str) -> None:
    run(STEPS[name], range(SHORT))


@pytest.mark.parametrize("name", FILE_STEPS)
def test_miswritten_files_are_read_or_refused_by_name(name: str, tmp_path: Path) -> None:
    run(lambda source: FILE_STEPS[name](source, tmp_path), range(SHORT // 2))


@pytest.mark.soak
@pytest.mark.filterwarnings("ignore::FutureWarning")  # of patterns that a later Python may read otherwise
@pytest.mark.timeout(HALF_AN_HOUR_S * 2)
@pytest.mark.parametrize("name", [*STEPS, *FILE_STEPS])
def test_half_an_hour_of_it_neither_fails_nor_hangs(name: str, tmp_path: Path) -> None:
    run_for_half_an_hour(name, STEPS.get(name) or (lambda source: FILE_STEPS[name](source, tmp_path)))
