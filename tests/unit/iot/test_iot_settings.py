"""Settings of readers that speak JSON: guarded where others could reach them, and contradictions refused."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from edge_agent.config.settings import SettingsError, load, shown
from edge_agent.readers.iot.preset import preset_of
from edge_agent.readers.iot.settings import IotReaderSettings

WORD = "a-word-for-dock-1"


def settings(**given: Any) -> IotReaderSettings:
    return IotReaderSettings.model_validate({"id": "r1", "profile": "impinj_r700_iot"} | given)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"url": "listen://127.0.0.1:8422"}, "listen takes reads only with a password of 8"),
        ({"url": "listen://127.0.0.1:8422", "password": "short"}, "listen takes reads only with a password"),
        ({"url": "listen://127.0.0.1", "password": WORD}, "expected a port"),
        (
            {"url": "listen://0.0.0.0:8422", "password": WORD},
            "can be reached by others: expected listen_certificate",
        ),
        ({"url": "listen://dock.example:8422", "password": WORD}, "can be reached by others"),
        ({"url": "ftp://192.0.2.9/"}, "expected https://reader/api/v1/data/stream"),
        ({"url": "https://root:impinj@192.0.2.9/"}, "stand in settings of their own"),
        ({"url": "mqtt://192.0.2.9"}, "expected a topic"),
        ({"url": "http://192.0.2.9:99999/"}, "Port out of range"),
        ({"url": "http://192.0.2.9/", "tls_pin": "0" * 64}, "say nothing without https or mqtts"),
        ({"url": "http://192.0.2.9/", "listen_certificate": "x.pem"}, "says nothing without listen"),
        ({"url": "mqtts://192.0.2.9/x", "tls_pin": "0" * 64}, "tls_pin is for readers"),
        ({"url": "https://192.0.2.9/", "tls_pin": "xyz"}, "expected SHA-256"),
        ({"url": "https://192.0.2.9/", "profile": "impinj_r700"}, "expected one of"),
        ({"url": "https://192.0.2.9/", "gate": {"start_gpi": 1, "stop_after_s": 9}}, "closes by stop_gpi"),
        (
            {
                "url": "https://192.0.2.9/",
                "profile": "zebra_fx9600_iot",
                "gate": {"start_gpi": 1, "stop_gpi": 1},
            },
            "told to an Impinj only",
        ),
        ({"url": "https://192.0.2.9/", "power_dbm_by_antenna": {"left": 20}}, "names antenna 'left'"),
    ],
)
def test_what_is_unsafe_or_says_nothing_is_refused(given: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        settings(**given)


def test_silence_tells_only_where_heartbeats_are_sent() -> None:
    stream = settings(url="https://192.0.2.9/api/v1/data/stream")
    posted = settings(url="listen://127.0.0.1:8422", password=WORD)
    zebra = settings(url="listen://127.0.0.1:8422", password=WORD, profile="zebra_fx9600_iot")
    assert (stream.silence_s(), posted.silence_s(), zebra.silence_s()) == (75.0, None, 90.0)
    assert settings(url="mqtt://192.0.2.9/rfid/r1", silent_after_s=600).silence_s() == 600


def test_the_preset_says_what_the_settings_ask() -> None:
    chosen = settings(
        url="https://192.0.2.9/",
        antennas=(1, 3),
        power_dbm=27.5,
        power_dbm_by_antenna={"3": 24.25},
        session_by_antenna={"3": 2},
    )
    preset = preset_of(chosen.effective())
    said = [
        (each["antennaPort"], each["transmitPowerCdbm"], each["inventorySession"])
        for each in preset["antennaConfigs"]
    ]
    assert said == [(1, 2750, 1), (3, 2425, 2)]
    assert preset["eventConfig"]["tagInventory"]["tagReporting"]["reportingIntervalSeconds"] == 0
    gated = preset_of(
        settings(
            url="https://192.0.2.9/", gate={"start_gpi": 1, "stop_gpi": 2, "stop_high": True}
        ).effective()
    )
    assert gated["startTriggers"] == [{"gpiTransitionEvent": {"gpi": 1, "transition": "low-to-high"}}]
    assert gated["stopTriggers"] == [{"gpiTransitionEvent": {"gpi": 2, "transition": "low-to-high"}}]
    zebra = preset_of(settings(url="https://192.0.2.9/", profile="zebra_fxr90_iot").effective())
    assert (zebra["antennas"], zebra["transmitPower"]) == ([1, 2, 3, 4], [29.0] * 4)
    assert {query["session"] for query in zebra["query"]} == {"S1"}


AGENT = f"""\
site = "s1"
gateway = "g1"
broker_url = "mqtt://u:p@127.0.0.1:1"

[[iot_reader]]
id = "r1"
profile = "impinj_r700_iot"
url = "listen://127.0.0.1:8422"
password = "{WORD}"

[[portal]]
id = "dock-1"
kind = "two_sided"
inside = ["r1:1"]
outside = ["r1:2"]
inside_location = "STAGE-1"
outside_location = "@clearing/dock-1"
"""


def test_an_agents_settings_hold_such_a_reader_and_never_show_its_password(tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(AGENT, "utf-8")
    loaded = load(file)
    assert [each.id for each in loaded.settings.readers] == ["r1"]
    assert WORD not in " ".join(value for _, value, _ in shown(loaded))
    assert WORD not in repr(loaded.settings)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("inside = [", "feedback = { ok_gpo = 1 }\ninside = ["), "only tells what it sees"),
        (('"r1:1"', '"r1:9"'), r"uses antennas \[1, 2, 3, 4\]"),
        (('"r1:1"', '"r2:1"'), r"there is no \[\[reader\]\] 'r2'"),
        (("[[portal]]", '[[reader]]\nid = "r1"\nhost = "192.0.2.10"\n\n[[portal]]'), "used twice"),
    ],
)
def test_what_contradicts_itself_is_refused(change: tuple[str, str], words: str, tmp_path: Path) -> None:
    file = tmp_path / "agent.toml"
    file.write_text(AGENT.replace(*change), "utf-8")
    with pytest.raises(SettingsError, match=words):
        load(file)


@pytest.mark.parametrize(
    ("line", "wrong", "words"),
    [
        (
            "url",
            f'url = "https://root:{WORD}@192.0.2.9/"',
            "iot_reader.0.url: Value error, user and password",
        ),
        ("url", f'url = "ftp://root:{WORD}@192.0.2.9/"', "got a URL with '@', expected https"),
        ("url", f'url = "http://root:{WORD}/@192.0.2.9/"', "expected a port of 0 to 65535"),
        ("url", f'url = "http://[root:{WORD}@192.0.2.9/"', "got a URL with '@', expected https"),
        ("password", f'passwort = "{WORD}"', "iot_reader.0.passwort: Extra inputs"),
        ("id", 'id = "r 1"', "iot_reader.0.id = 'r 1': String should match"),
        (
            "password",
            f'password = "{WORD}"\nuser = "{WORD * 10}"',
            "iot_reader.0.user: String should have at most 128",
        ),
    ],
)
def test_what_is_wrong_is_told_without_the_password_in_it(
    line: str, wrong: str, words: str, tmp_path: Path
) -> None:
    file = tmp_path / "agent.toml"
    table = {"url": 'url = "listen://127.0.0.1:8422"', "password": f'password = "{WORD}"', "id": 'id = "r1"'}
    file.write_text(AGENT.replace(table[line], wrong, 1), "utf-8")
    with pytest.raises(SettingsError) as raised:
        load(file)
    assert words in str(raised.value)
    assert WORD not in str(raised.value)
