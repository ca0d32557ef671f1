"""Who may use which command about gateways, their certificates, and labels."""

from cloud.identity.actor import Role

OPERATIONS = frozenset(Role) - {Role.DEVICE}
MOVERS = frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER})
DOCK = MOVERS | {Role.OPERATOR}
ADMIN = frozenset({Role.ADMIN})

GATEWAY_COMMANDS: dict[str, frozenset[Role]] = {
    "gateways.broker.service.follow": frozenset({Role.DEVICE}),
    "gateways.broker.service.list_state": OPERATIONS,
    "gateways.broker.service.revoked": ADMIN,
    "gateways.certificates.service.certificates": OPERATIONS,
    "gateways.certificates.service.follow": frozenset({Role.DEVICE}),
    "gateways.certificates.service.in_use": OPERATIONS,
    "gateways.certificates.service.revoke": ADMIN,
    "gateways.certificates.service.revoke_forgotten": ADMIN,
    "gateways.certificates.service.sign": ADMIN,
    "gateways.credentials.service.keep_secret": ADMIN,
    "gateways.credentials.service.make_secret": ADMIN,
    "gateways.enrolment.service.enrol": frozenset({Role.DEVICE}),
    "gateways.enrolment.service.invite": ADMIN,
    "gateways.enrolment.service.invites": OPERATIONS,
    "gateways.enrolment.service.revoke": ADMIN,
    "gateways.service.config": OPERATIONS,
    "gateways.service.configs": OPERATIONS,
    "gateways.service.editable": ADMIN,
    "gateways.service.history": OPERATIONS,
    "gateways.service.set_again": ADMIN,
    "gateways.service.set_config": ADMIN,
    "labels.printing.items": OPERATIONS,
    "labels.printing.preview": OPERATIONS,
    "labels.printing.print_label": DOCK | ADMIN,
    "labels.printing.prints": OPERATIONS,
    "labels.references.blocks": OPERATIONS,
    "labels.references.follow": frozenset({Role.DEVICE}),
    "labels.references.follow_stock": frozenset({Role.DEVICE}),
    "labels.references.follow_lots": frozenset({Role.DEVICE}),
    "labels.references.reserve": MOVERS | ADMIN,
    "labels.service.set_again": MOVERS | ADMIN,
    "labels.service.set_template": MOVERS | ADMIN,
    "labels.service.template": OPERATIONS,
    "labels.service.templates": OPERATIONS,
    "labels.service.versions": OPERATIONS,
}
