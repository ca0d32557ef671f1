from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from contracts.gateway import ConfigOutcome, DesiredConfig, ReportedConfig
from edge_agent.clock import Clock
from edge_agent.config.remote import RemoteConfig
from edge_agent.config.settings import Loaded, build
from edge_agent.config.trial import Trial, Vitals, worse
from edge_agent.config.wishes import SETTLED_AFTER_S, STORE_AGAIN_S, Surroundings, Wishes
from edge_agent.doctor.gateway import about_configuration

BASE: dict[str, object] = {"site": "leeds", "gateway": "gw-1", "broker_url": "mqtt://a:b@localhost"}
NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)
SCANNER = {"id": "s1", "port": "/dev/ttyS9", "profile": "generic_terminal"}

Open = Callable[[], RemoteConfig]


@pytest.fixture
def opened(tmp_path: Path) -> Open:
    """Opens what is kept, as a start of the agent does."""
    origins = dict.fromkeys(BASE, "file agent.toml")
    loaded = Loaded(build(BASE, origins), BASE, origins)
    return lambda: RemoteConfig(tmp_path / "remote.json", loaded, now=NOW)


def wish(revision: int, **settings: object) -> DesiredConfig:
    return DesiredConfig.model_validate({"revision": revision, "issued_at": NOW, "settings": settings})


def rate(remote: RemoteConfig) -> float:
    return remote.effective().settings.drain_rows_per_s


def test_a_wish_is_on_trial_until_it_is_confirmed(opened: Open) -> None:
    remote = opened()
    assert remote.propose(wish(1, drain_rows_per_s=7.0), now=NOW) is None
    assert (remote.is_on_trial, rate(remote)) == (True, 7)
    assert remote.confirm(now=NOW).outcome is ConfigOutcome.APPLIED
    again = opened()
    assert (again.revision, rate(again)) == (1, 7)


def test_a_wish_whose_trial_a_power_cut_ended_is_rolled_back_at_the_next_start(opened: Open) -> None:
    first = opened()
    first.propose(wish(1, drain_rows_per_s=7.0), now=NOW)
    first.confirm(now=NOW)
    first.propose(wish(2, drain_rows_per_s=9.0), now=NOW)
    again = opened()
    report = again.last_report()
    assert (report.revision, report.outcome) == (2, ConfigOutcome.ROLLED_BACK)
    assert (report.running_revision, report.settings) == (1, {"drain_rows_per_s": 7.0})
    assert (again.is_on_trial, rate(again)) == (False, 7)
    third = opened()
    assert third.last_report() == report, "said again, it is the same report"


def test_a_lower_revision_is_refused_and_reported(opened: Open) -> None:
    remote = opened()
    remote.propose(wish(5, drain_rows_per_s=7.0), now=NOW)
    remote.confirm(now=NOW)
    refused = remote.propose(wish(4, drain_rows_per_s=9.0), now=NOW)
    assert refused is not None
    assert (refused.revision, refused.outcome) == (4, ConfigOutcome.REFUSED)
    assert refused.errors == ("revision 4 is not above 5, the last one seen here",)
    assert (remote.is_on_trial, rate(remote), remote.report(refused).running_revision) == (False, 7, 5)


def test_the_last_revision_again_says_what_became_of_it_unless_it_says_something_else(opened: Open) -> None:
    remote = opened()
    remote.propose(wish(5, drain_rows_per_s=7.0), now=NOW)
    verdict = remote.confirm(now=NOW)
    later = NOW + timedelta(hours=1)
    assert opened().propose(wish(5, drain_rows_per_s=7.0), now=later) == verdict
    changed = opened().propose(wish(5, drain_rows_per_s=8.0), now=later)
    assert changed is not None
    assert changed.errors == ("revision 5 was given before, with other settings",)


def test_what_the_release_before_applied_runs_on_and_said_again_it_is_applied(
    opened: Open, tmp_path: Path
) -> None:
    old = b'{"revision":7,"settings":{"drain_rows_per_s":7.0},"state":"confirmed","before":{}}'
    (tmp_path / "remote.json").write_bytes(old)
    remote = opened()
    report = remote.last_report()
    assert (report.revision, report.running_revision, report.outcome) == (7, 7, ConfigOutcome.APPLIED)
    again = remote.propose(wish(7, drain_rows_per_s=7.0), now=NOW)
    assert again is not None
    assert (again.outcome, again.errors) == (ConfigOutcome.APPLIED, ())
    other = remote.propose(wish(7, drain_rows_per_s=8.0), now=NOW)
    assert other is not None
    assert other.outcome is ConfigOutcome.REFUSED


def test_a_kept_wish_that_the_file_no_longer_goes_with_is_rolled_back_at_the_start(
    opened: Open, tmp_path: Path
) -> None:
    remote = opened()
    assert remote.propose(wish(3, scanner=[SCANNER]), now=NOW) is not None, "scanners need a workflow"
    workflow = {"staging": "STAGING", "returns": "RETURNS", "badge_required": False, "badges": []}
    base = BASE | {"workflow": workflow}
    loaded = Loaded(build(base, {}), base, {})
    with_workflow = RemoteConfig(tmp_path / "remote.json", loaded, now=NOW)
    assert with_workflow.propose(wish(4, scanner=[SCANNER]), now=NOW) is None
    with_workflow.confirm(now=NOW)
    kept = (tmp_path / "remote.json").read_bytes()
    base_alone = Loaded(build(BASE, {}), BASE, {})
    looked_at = RemoteConfig(tmp_path / "remote.json", base_alone, now=NOW, is_looking=True)
    found = list(about_configuration(looked_at.effective(), looked_at.last_report(), misfit=looked_at.misfit))
    assert [each.weight for each in found] == ["well", "note"]
    assert "revision 4 of the cloud no longer fits" in found[1].text
    assert (tmp_path / "remote.json").read_bytes() == kept
    report = opened().last_report()
    assert (report.revision, report.outcome, report.running_revision) == (4, ConfigOutcome.ROLLED_BACK, 0)
    assert "no longer fits the gateway's own settings" in report.errors[0]
    assert "scanner" in report.errors[0]
    assert (opened().last_report(), opened().effective().settings.scanner) == (report, ())


def test_the_cloud_cannot_touch_identity_or_outbox(opened: Open) -> None:
    remote = opened()
    for revision, name in enumerate(("outbox", "gateway", "site", "broker_url", "outbox_quota_mb"), 1):
        verdict = remote.propose(wish(revision, **{name: "x"}), now=NOW)
        assert verdict is not None
        assert verdict.outcome is ConfigOutcome.REJECTED
        assert f"'{name}' cannot be set from the cloud" in verdict.errors[0]


def test_an_invalid_wish_is_rejected_with_the_reason_and_its_revision_is_used_up(opened: Open) -> None:
    remote = opened()
    verdict = remote.propose(wish(1, drain_rows_per_s=-1), now=NOW)
    assert verdict is not None
    assert verdict.errors == ("cloud: drain_rows_per_s = '-1': Input should be greater than 0",)
    assert (remote.revision, rate(remote)) == (0, 8000)
    again = opened().propose(wish(1, drain_rows_per_s=5.0), now=NOW)
    assert again is not None
    assert again.outcome is ConfigOutcome.REFUSED


def test_the_report_names_what_runs_with_origins_and_no_badge(opened: Open) -> None:
    remote = opened()
    assert remote.last_report().settings == {}
    workflow = {"staging": "STAGING", "returns": "RETURNS", "badge_required": False, "badges": []}
    assert remote.propose(wish(1, scanner=[SCANNER], workflow=workflow), now=NOW) is None
    report = remote.report(remote.confirm(now=NOW))
    assert report.origins == {"scanner": "cloud", "workflow": "cloud"}
    assert report.settings["scanner"] == [SCANNER]
    assert report.settings["workflow"] == {
        name: workflow[name] for name in ("staging", "returns", "badge_required")
    }


def test_a_damaged_file_is_put_aside_and_the_base_runs(opened: Open, tmp_path: Path) -> None:
    path = tmp_path / "remote.json"
    path.write_bytes(b"\x00not json")
    assert (opened().revision, opened().not_read) == (0, 0), "it was read once"
    assert path.with_name("remote.json.damaged").exists()


def test_a_file_that_cannot_be_read_keeps_no_agent_from_starting_and_the_wish_comes_anew(
    opened: Open, tmp_path: Path
) -> None:
    (tmp_path / "remote.json").mkdir()
    assert (opened().revision, opened().not_read) == (0, 1)
    (tmp_path / "remote.json").rmdir()
    assert opened().propose(wish(7, drain_rows_per_s=7.0), now=NOW) is None


def test_a_disk_that_takes_nothing_ends_no_wish_and_no_agent(opened: Open, tmp_path: Path) -> None:
    remote = opened()
    rates: list[float] = []
    reports: list[ReportedConfig] = []

    def hear(said: ReportedConfig) -> bool:
        reports.append(said)
        return True

    wishes = Wishes(
        remote,
        Clock(is_synchronised=lambda: True),
        Surroundings(lambda: WELL, lambda: rates.append(rate(remote)), hear),
        within_s=30,
    )
    in_the_way = tmp_path / "remote.json.new"
    in_the_way.mkdir()
    wishes._began_s -= SETTLED_AFTER_S
    wishes.take(b"{}")
    wishes.step()
    assert wishes.counters["config_unreadable"] == 1
    wishes.take(wish(1, drain_rows_per_s=7.0).model_dump_json().encode())
    wishes.step()
    assert (wishes.counters["config_not_stored"], remote.revision, rates) == (1, 0, [])
    in_the_way.rmdir()
    wishes._not_before_s -= STORE_AGAIN_S
    wishes.step()
    assert (remote.is_on_trial, rates) == (True, [7])
    in_the_way.mkdir()
    with pytest.raises(IsADirectoryError):
        remote.confirm(now=NOW)
    assert remote.is_on_trial
    assert opened().revision == 0, "a start rolls back in memory, at least"
    assert remote.roll_back("r1 is lost", now=NOW).outcome is ConfigOutcome.ROLLED_BACK
    assert (remote.is_on_trial, rate(remote)) == (False, 8000)
    assert [report.revision for report in reports] == [0]


WELL = Vitals({"r1": None, "r2": "connection refused"}, is_outbox_writable=True, is_broker_reachable=True)


def test_a_wish_is_kept_once_the_agent_is_healthy_for_long_enough() -> None:
    trial = Trial(WELL, now_s=100, within_s=30)
    lost = Vitals({"r1": "lost", "r2": None}, is_outbox_writable=True, is_broker_reachable=True)
    looks = [(101, lost), (103, WELL), (106, lost), (107, WELL), (111, WELL)]
    assert [trial.judge(vitals, now_s=now_s) for now_s, vitals in looks] == [None] * 5
    assert trial.judge(WELL, now_s=112) == ()


def test_a_wish_is_undone_when_the_time_is_up_and_says_what_is_wrong() -> None:
    trial = Trial(WELL, now_s=100, within_s=30)
    wrong = Vitals(
        {"r1": "refused", "r2": "refused", "r3": "no such host"},
        is_outbox_writable=False,
        is_broker_reachable=False,
    )
    assert trial.judge(wrong, now_s=129) is None
    assert trial.judge(wrong, now_s=130) == (
        "not healthy within 30 s",
        "r1 is not connected: refused",
        "r3 is not connected: no such host",
        "the outbox takes no rows",
    )


def test_a_broker_that_is_away_undoes_no_wish_and_keeps_none() -> None:
    trial = Trial(WELL, now_s=100, within_s=30)
    cut_off = Vitals(WELL.devices, is_outbox_writable=True, is_broker_reachable=False)
    looks = [(101, WELL), (103, cut_off), (110, cut_off), (140, cut_off), (141, WELL), (145, WELL)]
    assert [trial.judge(vitals, now_s=now_s) for now_s, vitals in looks] == [None] * 6
    assert trial.judge(WELL, now_s=146) == ()


def test_what_was_amiss_before_is_not_held_against_a_wish() -> None:
    before = Vitals({"r1": "lost"}, is_outbox_writable=False, is_broker_reachable=False)
    assert worse(before, before) == ()
    assert worse(before, Vitals({}, is_outbox_writable=False, is_broker_reachable=False)) == ()
