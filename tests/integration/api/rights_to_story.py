"""Who may see all that is known of one serial or unit."""

from serving import TEA

from cloud.identity.actor import Role
from tests.integration.crossings.doors import EPC, PALLET

STAFF = set(Role) - {Role.ADMIN, Role.DEVICE}
MOVERS = {Role.SUPERVISOR, Role.INVENTORY_CONTROLLER}
STORY_ROUTES: dict[str, set[Role] | None] = {
    "GET /v1/serials/{serial:path}": STAFF,
    "GET /v1/units/{unit:path}": STAFF,
    "GET /v1/serial-story": STAFF,
    "GET /v1/unit-story": STAFF,
    "GET /v1/stock-by/{by}": STAFF,
    "GET /stock/by-{by}": STAFF,
    "GET /stock/by-{by}.{form:form}": STAFF,
    "GET /v1/packaging": STAFF,
    "POST /v1/packaging": MOVERS,
    "POST /v1/item-merges": {Role.INVENTORY_CONTROLLER},
    "POST /item-merges": {Role.INVENTORY_CONTROLLER},
    "POST /item-lives": MOVERS,
    "GET /packaging/{item:path}": STAFF,
    "POST /packaging/{item:path}": MOVERS,
    "GET /units": STAFF,
    "GET /units.{form:form}": STAFF,
    "GET /units/{unit:path}": STAFF,
    "GET /serials.{form:form}": STAFF,
    "GET /serials/{serial:path}": STAFF,
}
STORY_OF_ONE_SITE = {"GET /v1/units/{unit:path}": {404}, "GET /units/{unit:path}": {404}}
"""What those of another site are answered."""
STORY_FORMS = {"POST /packaging/{item:path}", "POST /item-merges", "POST /item-lives"}
STORY_FORM = {"whole": "yes", "item": TEA, "into": TEA, "days": "30"}
STORY_OF_THE_NETWORK = STORY_FORMS | {"POST /v1/packaging", "POST /v1/item-merges"}
STORY_ASKED = {
    "GET /v1/packaging": {"item": TEA},
    "GET /v1/serial-story": {"of": EPC},
    "GET /v1/unit-story": {"of": PALLET},
    "GET /serials.{form:form}": {"of": EPC},
    "GET /units.{form:form}": {"of": PALLET},
}
PACKED = {
    "POST /v1/packaging": {"item": TEA, "is_integer_only": True},
    "POST /v1/item-merges": {"item": TEA, "into": TEA},
}
THINGS = {"{serial:path}": EPC, "{unit:path}": PALLET, "{by}": "owner"}
"""What stands in the routes' paths."""
