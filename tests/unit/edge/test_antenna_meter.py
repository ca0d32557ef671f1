from edge_agent.page.antennas import WINDOW_S, AntennaMeter
from edge_agent.readers.raw_read import GpiChange, RawRead


def read(antenna: int, rssi_dbm: float, seen_us: int = 1) -> RawRead:
    return RawRead(seen_us, "r1", antenna, "3034", rssi_dbm)


def test_rates_and_strengths_are_of_the_last_whole_seconds() -> None:
    now_s = 100.0
    meter = AntennaMeter(lambda: now_s)
    meter.count([read(1, -60, 5), read(1, -50, 9), read(2, -70), GpiChange(1, "r1", 1, is_high=True)])
    assert meter.heard()["r1", 1].reads_per_s == 0, "this second is not over"
    now_s = 101.0
    meter.count([read(1, -40)] * 3)
    now_s = 102.0
    heard = meter.heard()
    assert (heard["r1", 1].reads, heard["r1", 1].last_seen_us) == (5, 9)
    assert heard["r1", 1].reads_per_s == 5 / WINDOW_S
    assert (heard["r1", 1].mean_dbm, heard["r1", 1].strongest_dbm) == (-46.0, -40)
    now_s = 102.0 + WINDOW_S
    silent = meter.heard()["r1", 1]
    assert (silent.reads, silent.reads_per_s, silent.mean_dbm, silent.strongest_dbm) == (5, 0, None, None)


def test_an_old_second_does_not_come_back_when_its_place_is_used_again() -> None:
    now_s = 0.0
    meter = AntennaMeter(lambda: now_s)
    meter.count([read(1, -30)] * 50)
    now_s = float(WINDOW_S + 1)
    meter.count([read(1, -60)])
    now_s += 1
    assert meter.heard()["r1", 1].reads_per_s == 1 / WINDOW_S
