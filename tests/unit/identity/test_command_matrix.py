"""Every service command for every role: refused before it touches anything, or let past.

Commands are found by their `actor` argument; one that is missing here fails the suite.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import cloud
from cloud.identity.actor import Actor, NotAllowedError, Role
from cloud.identity.domain import Grant, actor_of
from tests.unit.identity.arguments import OTHER, OWN, arguments

STAFF = frozenset(Role) - {Role.ADMIN, Role.DEVICE}
OPERATIONS = frozenset(Role) - {Role.DEVICE}
QUARANTINE = frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER, Role.AUDITOR, Role.ADMIN})
SETTLERS = frozenset({Role.INVENTORY_CONTROLLER, Role.ADMIN})
MOVERS = frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER})
ADMIN = frozenset({Role.ADMIN})
HANDLERS = OPERATIONS - {Role.OPERATOR, Role.AUDITOR}
DRAFTERS = frozenset(Role) - {Role.ADMIN, Role.AUDITOR}
REGISTRAR = frozenset({Role.ADMIN, Role.AUDITOR})

SOURCE_KEEPERS = MOVERS | {Role.PLANNER, Role.ADMIN}
DOCK = MOVERS | {Role.OPERATOR}
BUYERS = frozenset({Role.BUYER})
ORDERERS = frozenset({Role.BUYER, Role.PLANNER})
ADJUSTERS = frozenset({Role.BUYER, Role.PLANNER, Role.INVENTORY_CONTROLLER})

COMMANDS: dict[str, frozenset[Role]] = {
    "alerts.service.acknowledge": HANDLERS,
    "alerts.service.assign": HANDLERS,
    "alerts.service.close_by_hand": HANDLERS,
    "alerts.service.ticket": OPERATIONS,
    "alerts.service.tickets": OPERATIONS,
    "alerts.service.urgent": OPERATIONS,
    "alerts.webhooks.service.deliveries": ADMIN,
    "alerts.webhooks.service.ping": ADMIN,
    "alerts.webhooks.service.redeliver": ADMIN,
    "alerts.webhooks.service.remove": ADMIN,
    "alerts.webhooks.service.rotate": ADMIN,
    "alerts.webhooks.service.set_active": ADMIN,
    "alerts.webhooks.service.subscribe": ADMIN,
    "alerts.webhooks.service.subscription": ADMIN,
    "alerts.webhooks.service.subscriptions": ADMIN,
    "allocation.faces.faces": STAFF,
    "allocation.faces.put_face": MOVERS,
    "allocation.following.follow": frozenset({Role.DEVICE}),
    "allocation.picking.release_picks": MOVERS,
    "allocation.reading.availability": STAFF,
    "allocation.reading.claims": STAFF,
    "allocation.reading.promise": STAFF,
    "allocation.service.allocate": MOVERS,
    "allocation.service.release": MOVERS,
    "allocation.terms.put_life": MOVERS,
    "allocation.terms.put_lot": MOVERS,
    "allocation.upkeep.keep_site": frozenset({Role.DEVICE}),
    "allocation.upkeep.keep_up": frozenset({Role.DEVICE}),
    "allocation.work.call_off": MOVERS,
    "allocation.work.shorts": STAFF,
    "allocation.work.task": STAFF,
    "allocation.work.tasks": STAFF,
    "allocation.work.waves": STAFF,
    "approvals.service.approve_and_apply": STAFF - {Role.AUDITOR},
    "approvals.service.reverse": STAFF - {Role.AUDITOR},
    "counting.accuracy.record_accuracy": STAFF,
    "counting.adjustments.propose": MOVERS,
    "counting.reading.count": STAFF,
    "counting.reading.counts": STAFF,
    "counting.reading.variances": STAFF,
    "counting.reporting.confirm_zero": DOCK,
    "counting.reporting.report_count": DOCK,
    "counting.service.force": frozenset({Role.SUPERVISOR}),
    "counting.service.settle": frozenset({Role.DEVICE}),
    "counting.tolerances.put_tolerance": frozenset({Role.INVENTORY_CONTROLLER}),
    "counting.tolerances.tolerances": STAFF,
    "crossings.reading.answered_cards": STAFF,
    "crossings.reading.choosable_visits": STAFF,
    "crossings.reading.count_open": STAFF,
    "crossings.reading.crossing": STAFF,
    "crossings.reading.crossings": STAFF,
    "crossings.reading.doors": STAFF,
    "crossings.reading.open_cards": STAFF,
    "crossings.service.answer": DOCK,
    "crossings.service.take_back": MOVERS,
    "gateways.service.config": OPERATIONS,
    "gateways.service.configs": OPERATIONS,
    "gateways.service.editable": ADMIN,
    "gateways.service.history": OPERATIONS,
    "gateways.service.set_again": ADMIN,
    "gateways.service.set_config": ADMIN,
    "demand.calendar.calendar": STAFF,
    "demand.calendar.set_calendar": MOVERS,
    "demand.held.discard": MOVERS | {Role.PLANNER},
    "demand.held.discard_source": MOVERS | {Role.PLANNER},
    "demand.held.listed": STAFF,
    "demand.held.try_again": MOVERS | {Role.PLANNER},
    "demand.held.try_source_again": MOVERS | {Role.PLANNER},
    "demand.masks.add_mask": frozenset({Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "demand.masks.in_force": STAFF,
    "demand.masks.masks": STAFF,
    "demand.masks.withdraw_mask": frozenset({Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "demand.service.all_lines": STAFF,
    "demand.service.extent": STAFF,
    "demand.service.import_lines": MOVERS | {Role.PLANNER},
    "demand.service.lines": STAFF,
    "demand.sources.pulling.pull_now": SOURCE_KEEPERS,
    "demand.sources.service.add_source": ADMIN,
    "demand.sources.service.backfill_source": SOURCE_KEEPERS,
    "demand.sources.service.pause_source": SOURCE_KEEPERS,
    "demand.sources.service.pull_soon": SOURCE_KEEPERS,
    "demand.sources.service.resume_source": SOURCE_KEEPERS,
    "demand.sources.service.source": OPERATIONS,
    "demand.sources.service.sources": OPERATIONS,
    "demand.sources.shorts.shorts": STAFF,
    "demand.substitutions.feedback": STAFF,
    "demand.substitutions.record": MOVERS | {Role.PLANNER},
    "demand.substitutions.substitutions": STAFF,
    "demand.supersession.propose": frozenset({Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "demand.supersession.supersessions": STAFF,
    "decisions.limits.limits": OPERATIONS,
    "decisions.limits.put_limit": ADMIN,
    "decisions.limits.remove_limit": ADMIN,
    "decisions.reading.find": STAFF,
    "decisions.reading.listed": STAFF,
    "decisions.reading.steps": STAFF,
    "decisions.reading.waiting": STAFF,
    "decisions.service.approve": STAFF - {Role.AUDITOR},
    "decisions.service.draft": DRAFTERS,
    "decisions.service.reject": STAFF - {Role.AUDITOR},
    "decisions.service.revise": DRAFTERS,
    "decisions.service.submit": DRAFTERS,
    "decisions.service.withdraw": DRAFTERS,
    "documents.appointments.appoint": MOVERS,
    "documents.appointments.arrive": DOCK,
    "documents.appointments.at_doors": STAFF,
    "documents.catalogue.portals": STAFF,
    "documents.catalogue.put_item": MOVERS,
    "documents.catalogue.put_portal": MOVERS,
    "documents.catalogue.stored_portal": MOVERS,
    "documents.closing.close_short": MOVERS,
    "documents.dock_times.dock_times": STAFF,
    "documents.judging.service.judge": MOVERS,
    "documents.judging.service.judgements": STAFF,
    "documents.judging.service.waiting": STAFF,
    "documents.opening.post_opening": MOVERS,
    "documents.order_steps.close": BUYERS,
    "documents.order_steps.mark_sent": BUYERS,
    "documents.order_steps.state_date": BUYERS,
    "documents.orders.order": STAFF,
    "documents.orders.orders": STAFF,
    "documents.orders.register_order": BUYERS,
    "documents.reading.open_lines_page": STAFF,
    "documents.receipts.receive": DOCK,
    "documents.receiving.reading.receipt": STAFF,
    "documents.receiving.reading.receipts": STAFF,
    "documents.receiving.reversing.reverse_line": MOVERS,
    "documents.receiving.rules.put_rule": MOVERS,
    "documents.receiving.rules.rules": STAFF,
    "documents.receiving.service.check": DOCK,
    "documents.receiving.service.receive": DOCK,
    "documents.shipping.reading.shipment": STAFF,
    "documents.shipping.reading.shipments": STAFF,
    "documents.shipping.service.reverse_line": MOVERS,
    "documents.shipping.service.ship": DOCK,
    "documents.transfers.service.cancel": MOVERS | {Role.PLANNER},
    "documents.transfers.service.close_short": MOVERS,
    "documents.transfers.service.depart": DOCK,
    "documents.transfers.service.draft": MOVERS | {Role.PLANNER},
    "documents.transfers.service.transfer": STAFF,
    "documents.transfers.service.transfers": STAFF,
    "documents.units.put_series": MOVERS,
    "documents.service.document": STAFF,
    "documents.service.documents": STAFF,
    "documents.service.import_all": MOVERS,
    "documents.service.register_document": MOVERS,
    "documents.service.register_visit": MOVERS,
    "documents.visits.cancel": MOVERS,
    "documents.visits.close": MOVERS,
    "documents.visits.confirm": MOVERS,
    "documents.visits.story": STAFF,
    "documents.visits.visits": STAFF,
    "events.public_holidays.add_holidays": frozenset({Role.BUYER, Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "events.public_holidays.region_of": frozenset({Role.BUYER, Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "events.public_holidays.set_region": frozenset({Role.BUYER, Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "events.reading.events": STAFF,
    "events.reading.revisions": STAFF,
    "events.service.add": frozenset({Role.BUYER, Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "events.service.add_all": frozenset({Role.BUYER, Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "events.service.correct": frozenset({Role.BUYER, Role.INVENTORY_CONTROLLER, Role.PLANNER}),
    "events.service.withdraw": frozenset({Role.BUYER, Role.INVENTORY_CONTROLLER, Role.PLANNER}),
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
    "forecasting.service.run_all": frozenset({Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER}),
    "identity.service.add_user": ADMIN,
    "identity.service.bar_user": ADMIN,
    "identity.service.change_grants": ADMIN,
    "identity.service.change_password": ADMIN,
    "identity.service.bind_api_key": ADMIN,
    "identity.service.create_api_key": ADMIN,
    "identity.service.list_api_keys": REGISTRAR,
    "identity.service.list_users": REGISTRAR,
    "identity.service.make_login_link": ADMIN,
    "identity.service.revoke_api_key": ADMIN,
    "inquiry.operations.batches": OPERATIONS,
    "inquiry.operations.completeness": OPERATIONS,
    "inquiry.operations.flow": OPERATIONS,
    "inquiry.operations.gaps": OPERATIONS,
    "inquiry.operations.gateways": OPERATIONS,
    "inquiry.operations.held_count": OPERATIONS,
    "inquiry.operations.quarantine": QUARANTINE,
    "inquiry.operations.quarantined": QUARANTINE,
    "inquiry.operations.sites": OPERATIONS,
    "inquiry.past.cell_changes": STAFF,
    "inquiry.past.differences": STAFF,
    "inquiry.past.item_costs": STAFF,
    "inquiry.past.item_counts": STAFF,
    "inquiry.past.item_history": STAFF,
    "inquiry.past.position_at": STAFF,
    "inquiry.stock.balance": STAFF,
    "inquiry.stock.balances": STAFF,
    "inquiry.stock.cell_history": STAFF,
    "inquiry.stock.item": STAFF,
    "inquiry.stock.items": STAFF,
    "inquiry.stock.locations": OPERATIONS,
    "inquiry.stock.movement": STAFF,
    "inquiry.stock.movements": STAFF,
    "inquiry.stock.units": STAFF,
    "ingest.quarantine.service.discard": SETTLERS,
    "ingest.quarantine.service.entries": QUARANTINE,
    "ingest.quarantine.service.entry": QUARANTINE,
    "ingest.quarantine.service.replay": SETTLERS,
    "ingest.registry.service.abandon_epochs": ADMIN,
    "ingest.registry.service.gateways": OPERATIONS,
    "ingest.registry.service.register": ADMIN,
    "ingest.registry.service.set_state": ADMIN,
    "ledger.closing.close_period": frozenset({Role.APPROVER}),
    "ledger.corrections.adjust_to_count": frozenset({Role.INVENTORY_CONTROLLER, Role.APPROVER}),
    "ledger.corrections.approve_adjustment": frozenset({Role.APPROVER}),
    "ledger.corrections.approve_late_facts": frozenset({Role.APPROVER}),
    "ledger.corrections.bind_count": frozenset({Role.INVENTORY_CONTROLLER, Role.APPROVER}),
    "ledger.corrections.lock_cells": frozenset({Role.INVENTORY_CONTROLLER, Role.APPROVER}),
    "ledger.corrections.merge_items": frozenset({Role.INVENTORY_CONTROLLER}),
    "ledger.corrections.post_reversal": MOVERS,
    "ledger.manual.post_movement": MOVERS,
    "ledger.replays.request_replay": SETTLERS,
    "master.costs.costs": STAFF,
    "master.costs.put_costs": frozenset({Role.INVENTORY_CONTROLLER}),
    "master.places.add_location": MOVERS,
    "master.rates.put_rates": frozenset({Role.INVENTORY_CONTROLLER}),
    "master.rates.rates": STAFF,
    "master.suppliers.import_suppliers": BUYERS,
    "master.suppliers.put_supplier": BUYERS,
    "master.suppliers.put_supplier_item": BUYERS,
    "master.suppliers.supplier_items": STAFF - {Role.OPERATOR},
    "master.suppliers.suppliers": STAFF - {Role.OPERATOR},
    "periods.reading.calendar": STAFF - {Role.OPERATOR},
    "periods.reading.close": STAFF - {Role.OPERATOR},
    "periods.reading.closes": STAFF - {Role.OPERATOR},
    "periods.reading.currency": STAFF - {Role.OPERATOR},
    "periods.reading.figure": STAFF - {Role.OPERATOR},
    "periods.reading.value_lines": STAFF - {Role.OPERATOR},
    "periods.reading.points": STAFF - {Role.OPERATOR},
    "periods.reading.prior_facts": STAFF - {Role.OPERATOR},
    "periods.service.ask_to_close": frozenset({Role.INVENTORY_CONTROLLER}),
    "periods.service.figure_at": STAFF - {Role.OPERATOR},
    "periods.service.set_period_calendar": frozenset({Role.INVENTORY_CONTROLLER}),
    "periods.standing.moment": STAFF - {Role.OPERATOR},
    "periods.standing.periods": STAFF - {Role.OPERATOR},
    "periods.standing.story": STAFF - {Role.OPERATOR},
    "replenishment.answers.accept": ORDERERS,
    "replenishment.answers.change": ORDERERS,
    "replenishment.answers.reject": ORDERERS,
    "replenishment.confirming.confirm": BUYERS,
    "replenishment.confirming.set_tolerance": ADMIN,
    "replenishment.confirming.tolerance": STAFF - {Role.OPERATOR} | {Role.ADMIN},
    "replenishment.ordering.close": BUYERS,
    "replenishment.ordering.send": BUYERS,
    "replenishment.policies.parameters": STAFF - {Role.OPERATOR},
    "replenishment.policies.set_policy": frozenset({Role.PLANNER}),
    "replenishment.reading.proposal": STAFF - {Role.OPERATOR},
    "replenishment.reading.proposals": STAFF - {Role.OPERATOR},
    "replenishment.service.prepare": ORDERERS,
    "replenishment.service.run_all": ORDERERS,
    "runs.jobs.jobs": OPERATIONS,
    "runs.jobs.slots": OPERATIONS,
    "runs.service.begin": frozenset({Role.PLANNER, Role.BUYER, Role.INVENTORY_CONTROLLER}),
    "runs.service.run": OPERATIONS,
    "runs.service.runs": OPERATIONS,
}
"""Who may give which command."""

BY_SITE_ONLY = {
    "alerts.service.open_tickets",
    "decisions.service.mark_applied",
    "documents.order_steps.cancel_unsent",
    "forecasting.challenging.settle",
    "forecasting.chosen.service.keep",
    "forecasting.contending.settle_due",
    "forecasting.registry.service.decide",
    "forecasting.registry.service.register",
    "forecasting.registry.service.skip",
    "forecasting.registry.service.tell",
    "forecasting.site_run.write",
    "forecasting.training.keep_training",
    "documents.movements.reverse_rows",
    "documents.orders.add_order",
    "documents.orders.locked",
    "documents.receiving.posting.keep_delivery",
    "documents.receiving.posting.post_delivery",
    "decisions.service.mark_reversed",
    "inquiry.stock.last_movements",
    "ledger.past.as_of",
    "ledger.past.stock_at",
    "ledger.service.post",
}
"""They show or write the actor's sites only; whoever calls them has checked the role."""

PLUMBING = {
    "api.idempotency.post_once",
    "counting.reading.see",
    "crossings.postings.attachment",
    "crossings.postings.leg",
    "crossings.postings.way_back",
    "crossings.reading.see",
    "crossings.service.may_answer",
    "crossings.service.may_take_back",
    "ledger.closing.require_open",
    "master.costs.record",
    "alerts.service.may_handle",
    "approvals.within_limits.settle",
    "web.adjusted.adjustments",
    "web.forms.may",
    "decisions.authority.may_reject",
    "decisions.authority.require_approving",
    "decisions.authority.role_for",
    "decisions.authority.why_not",
    "decisions.checks.is_job",
    "decisions.checks.require_own",
    "decisions.domain.approving_roles",
    "identity.store.act_as",
    "inquiry.store.see",
    "ledger.replays.may_settle",
    "replenishment.confirming.hold_waiting",
    "runs.service.complete",
}

NETWORK_WIDE = {name for name in COMMANDS if name.startswith("identity.")} | {
    "allocation.terms.put_life",
    "allocation.terms.put_lot",
    "documents.catalogue.put_item",
    "master.suppliers.put_supplier",
    "ledger.corrections.merge_items",
    "master.rates.put_rates",
}
"""What they change concerns all sites, so a role at one site does not suffice."""


def commands() -> Iterator[tuple[str, Callable[..., Any]]]:
    for module in pkgutil.walk_packages(cloud.__path__, "cloud."):
        if module.name.endswith("__main__"):
            continue
        for name, found in vars(importlib.import_module(module.name)).items():
            if inspect.isfunction(found) and found.__module__ == module.name and not name.startswith("_"):
                actor = inspect.signature(found).parameters.get("actor")
                if actor is not None and actor.annotation in (Actor, "Actor"):
                    yield f"{module.name}.{name}".removeprefix("cloud."), found


FOUND = dict(commands())


def test_every_command_is_in_the_matrix() -> None:
    assert set(FOUND) == {*COMMANDS, *BY_SITE_ONLY, *PLUMBING}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_lets_past_whom_the_matrix_names_and_nobody_else(name: str) -> None:
    wrong = [
        f"{role} {place}: {'let past' if passed else 'refused'}"
        for role in Role
        for place, grant in (("own", Grant(role, OWN)), ("other", Grant(role, OTHER)), ("all", Grant(role)))
        if (passed := is_let_past(name, actor_of("user:x", [grant]))) != may(name, role, place)
    ]
    assert not wrong
    assert not is_let_past(name, actor_of("user:nobody", []))


def may(name: str, role: Role, place: str) -> bool:
    if role not in COMMANDS[name]:
        return False
    if name in NETWORK_WIDE:
        return place == "all"
    return place != "other" or not names_a_site(name)


def names_a_site(name: str) -> bool:
    return bool(
        {"site", "movement", "wanted", "paper", "papers"} & set(inspect.signature(FOUND[name]).parameters)
    )


def is_let_past(name: str, actor: Actor) -> bool:
    """Call a command without a database: whoever is let past fails on that, the others before."""
    try:
        FOUND[name](None, actor, **arguments(FOUND[name]))
    except NotAllowedError:
        return False
    except (AttributeError, TypeError, ValueError):
        return True
    raise AssertionError(f"{name} did its work without a connection")
