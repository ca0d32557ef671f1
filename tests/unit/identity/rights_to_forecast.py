"""Who may use which command of forecasting."""

from cloud.identity.actor import Role

STAFF = frozenset(Role) - {Role.ADMIN, Role.DEVICE}
BUYERS = frozenset({Role.BUYER})
ADJUSTERS = frozenset({Role.BUYER, Role.PLANNER, Role.INVENTORY_CONTROLLER})

FORECAST_COMMANDS: dict[str, frozenset[Role]] = {
    "forecasting.chosen.reading.series": STAFF,
    "forecasting.chosen.service.choose": ADJUSTERS - BUYERS,
    "forecasting.effects.reading.site_effects": STAFF,
    "forecasting.granularity.reading.choices": STAFF,
    "forecasting.granularity.reading.clock": STAFF,
    "forecasting.reading.forecast": STAFF,
    "forecasting.reading.forecasts": STAFF,
    "forecasting.reading.site_runs": STAFF,
    "forecasting.admission.admit": STAFF,
    "forecasting.ablating.ablate_site": ADJUSTERS - BUYERS,
    "forecasting.challenging.challenge": ADJUSTERS - BUYERS,
    "forecasting.overrides.reading.override": STAFF,
    "forecasting.overrides.reading.overrides": STAFF,
    "forecasting.overrides.reading.picture": STAFF,
    "forecasting.overrides.service.add": ADJUSTERS,
    "forecasting.overrides.service.withdraw": ADJUSTERS,
    "forecasting.overrides.value_added.blocks": STAFF,
    "forecasting.overrides.value_added.worths": STAFF,
    "forecasting.registry.reading.events": STAFF,
    "forecasting.registry.reading.setting": STAFF,
    "forecasting.registry.reading.version": STAFF,
    "forecasting.registry.reading.versions": STAFF,
    "forecasting.registry.service.withdraw": ADJUSTERS - BUYERS,
    "forecasting.registry.settings.put_setting": ADJUSTERS - BUYERS,
    "forecasting.execution.read_execution": STAFF,
    "forecasting.reviewing.reading.flagged": STAFF,
    "forecasting.reviewing.reading.flagged_item": STAFF,
    "forecasting.reviewing.reading.reviews": STAFF,
    "forecasting.reviewing.reading.setting": STAFF,
    "forecasting.reviewing.service.put_setting": ADJUSTERS - BUYERS,
    "forecasting.track_record.reading.accuracy": STAFF,
}
