"""Settings: who wins, where a value came from, and what a wrong one is told."""

import os
from pathlib import Path

import pytest

from cloud.cli import main
from cloud.settings import RUNNING_FILE, Settings, SettingsError, load, masked


@pytest.fixture(autouse=True)
def empty_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Stand in an empty directory with none of our variables set."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("DOCKLEDGER_"):
            monkeypatch.delenv(name)


def test_flags_beat_environment_beats_file_beats_running_services_beats_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    Path("dockledger.toml").write_text(
        'http_host = "0.0.0.0"\ningest_workers = 4\ndata_dir = "here"\n', "utf-8"
    )
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / RUNNING_FILE).write_text(
        'http_port = 7\ningest_workers = 9\nnetwork = "n"\n', "utf-8"
    )
    monkeypatch.setenv("DOCKLEDGER_NETWORK", "acme")
    monkeypatch.setenv("DOCKLEDGER_HTTP_HOST", "::1")
    loaded = load({"http_host": "127.0.0.2", "broker_url": None})
    assert loaded.settings.http_host == "127.0.0.2"
    assert loaded.settings.network == "acme"
    assert loaded.settings.ingest_workers == 4
    assert loaded.settings.http_port == 7
    assert loaded.origins["http_host"] == "command line"
    assert loaded.origins["network"] == "environment DOCKLEDGER_NETWORK"
    assert loaded.origins["ingest_workers"] == "file dockledger.toml"
    assert loaded.origins["http_port"] == "embedded services, here/running.toml"
    assert loaded.origins["broker_url"] == "default"


def test_a_stack_that_starts_does_not_believe_what_an_earlier_one_left() -> None:
    Path(".dockledger").mkdir()
    (Path(".dockledger") / RUNNING_FILE).write_text("http_port = 7\n", "utf-8")
    assert load(with_running=False).settings.http_port == 8420


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("DOCKLEDGER_HTTP_PORT", "many", "environment DOCKLEDGER_HTTP_PORT: http_port = 'many'"),
        ("DOCKLEDGER_HTTP_PORT", "70000", "less than or equal to 65535"),
        ("DOCKLEDGER_INGEST_WORKERS", "0", "greater than or equal to 1"),
        ("DOCKLEDGER_NETWORK", "two words", "expected 1-64 of A-Z a-z 0-9 _ -"),
        ("DOCKLEDGER_BROKER_URL", "http://x:1", "expected mqtt://user:password@host:port"),
        ("DOCKLEDGER_APP_DSN", "mysql://a:b@c/d", "expected postgresql://user:password@host:port/database"),
        ("DOCKLEDGER_HTP_PORT", "1", "did you mean http_port?"),
        ("DOCKLEDGER_CONFIG", "nowhere.toml", "settings file 'nowhere.toml' does not exist"),
    ],
)
def test_a_wrong_variable_is_told_value_expectation_and_place(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, message: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as refusal:
        load()
    assert message in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("http_port = \n", "settings file 'dockledger.toml' cannot be read"),
        ("htp_port = 1\n", "file dockledger.toml: 'htp_port' is not a setting: did you mean http_port?"),
        ("http_port = [1]\n", "file dockledger.toml: http_port"),
    ],
)
def test_a_wrong_file_is_told_value_expectation_and_place(text: str, message: str) -> None:
    Path("dockledger.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError) as refusal:
        load()
    assert message in str(refusal.value)


def test_no_message_shows_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", "mysql://app:hunter2@db/x")
    with pytest.raises(SettingsError) as refusal:
        load()
    assert "hunter2" not in str(refusal.value)


def test_a_missing_connection_says_where_to_set_it() -> None:
    with pytest.raises(
        SettingsError, match=r"ingest_dsn is not set: expected postgresql://.*DOCKLEDGER_INGEST_DSN"
    ):
        Settings().needed("ingest_dsn")


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("broker_url", "mqtt://dockledger:s3cret@h:1883", "mqtt://dockledger:***@h:1883"),
        ("app_dsn", "postgresql://app@db/x", "postgresql://app@db/x"),
        ("app_dsn", "postgresql://db/x?password=s3cret", "*** (set)"),
        ("app_dsn", None, "not set"),
        ("http_port", 8420, "8420"),
    ],
)
def test_secrets_are_masked(name: str, value: object, shown: str) -> None:
    assert masked(name, value) == shown


def test_a_password_does_not_show_in_a_traceback() -> None:
    assert "s3cret" not in repr(Settings(app_dsn="postgresql://app:s3cret@db/x"))


def test_check_prints_every_setting_with_its_origin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKLEDGER_APP_DSN", "postgresql://app:s3cret@db/x")
    assert main(["check"]) == 0
    printed = capsys.readouterr().out
    assert "postgresql://app:***@db/x  (environment DOCKLEDGER_APP_DSN)" in printed
    assert "s3cret" not in printed
    assert [line.split()[0] for line in printed.splitlines()] == list(Settings.model_fields)


def test_a_command_with_wrong_settings_ends_with_usage_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DOCKLEDGER_HTTP_PORT", "many")
    assert main(["check"]) == 2
    assert "http_port = 'many'" in capsys.readouterr().err
