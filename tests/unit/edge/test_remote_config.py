from datetime import UTC, datetime
from pathlib import Path

from contracts.gateway import ConfigOutcome, DesiredConfig
from edge_agent.config.remote import RemoteConfig

BASE = {"site": "leeds", "gateway": "gw-1", "broker_url": "mqtt://a:b@localhost"}


def wish(revision: int, **settings: object) -> DesiredConfig:
    return DesiredConfig.model_validate(
        {"revision": revision, "issued_at": datetime.now(UTC), "settings": settings}
    )


def test_a_wish_is_on_trial_until_it_is_confirmed(tmp_path: Path) -> None:
    remote = RemoteConfig(tmp_path / "remote.json", BASE)
    assert remote.propose(wish(1, drain_rows_per_s=7.0)) is None
    assert remote.is_on_trial
    assert remote.effective().drain_rows_per_s == 7
    assert remote.confirm().outcome is ConfigOutcome.APPLIED
    again = RemoteConfig(tmp_path / "remote.json", BASE)
    assert (again.revision, again.effective().drain_rows_per_s) == (1, 7)


def test_a_wish_that_did_not_survive_its_trial_is_rolled_back_at_the_next_start(tmp_path: Path) -> None:
    RemoteConfig(tmp_path / "remote.json", BASE).propose(wish(1, drain_rows_per_s=7.0))
    again = RemoteConfig(tmp_path / "remote.json", BASE)
    assert again.unreported is not None
    assert again.unreported.outcome is ConfigOutcome.ROLLED_BACK
    assert again.effective().drain_rows_per_s == 5000


def test_an_older_or_repeated_revision_is_refused(tmp_path: Path) -> None:
    remote = RemoteConfig(tmp_path / "remote.json", BASE)
    remote.propose(wish(5, drain_rows_per_s=7.0))
    remote.confirm()
    for revision in (5, 4):
        assert remote.propose(wish(revision, drain_rows_per_s=9.0)) is None
        assert not remote.is_on_trial
    assert remote.effective().drain_rows_per_s == 7


def test_the_cloud_cannot_touch_identity_or_outbox(tmp_path: Path) -> None:
    remote = RemoteConfig(tmp_path / "remote.json", BASE)
    for revision, name in enumerate(("outbox", "gateway", "site", "broker_url", "outbox_quota_mb"), 1):
        verdict = remote.propose(wish(revision, **{name: "x"}))
        assert verdict is not None
        assert verdict.outcome is ConfigOutcome.REJECTED
        assert f"'{name}' cannot be set from the cloud" in verdict.errors[0]


def test_an_invalid_wish_is_rejected_with_the_reason(tmp_path: Path) -> None:
    remote = RemoteConfig(tmp_path / "remote.json", BASE)
    verdict = remote.propose(wish(1, drain_rows_per_s=-1))
    assert verdict is not None
    assert "drain_rows_per_s" in verdict.errors[0]
    assert remote.effective().drain_rows_per_s == 5000


def test_a_damaged_file_is_put_aside_and_the_base_runs(tmp_path: Path) -> None:
    path = tmp_path / "remote.json"
    path.write_bytes(b"\x00not json")
    assert RemoteConfig(path, BASE).revision == 0
    assert path.with_name("remote.json.damaged").exists()
