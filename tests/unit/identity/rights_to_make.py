"""Who may use the commands of recipes and of what is made by them: written a second time, on purpose."""

from cloud.identity.actor import Role

STAFF = frozenset(Role) - {Role.ADMIN, Role.DEVICE}
MOVERS = frozenset({Role.SUPERVISOR, Role.INVENTORY_CONTROLLER})
DOCK = MOVERS | {Role.OPERATOR}

MAKING_COMMANDS: dict[str, frozenset[Role]] = {
    "lots.serials.serial_genealogy": STAFF,
    "documents.assignments.follow_open": frozenset({Role.DEVICE}),
    "documents.receiving.scanned.scanned": STAFF,
    "documents.receiving.scanned.scanned_page": STAFF,
    "recipes.making.make": DOCK,
    "recipes.making.plan": DOCK,
    "recipes.making.sheet": STAFF,
    "recipes.making.take_back": MOVERS,
    "recipes.making.transformations": STAFF,
    "recipes.service.put_recipes": MOVERS,
    "recipes.service.recipe": STAFF,
    "recipes.service.recipe_at": STAFF,
    "recipes.service.recipes": STAFF,
}
