"""What a tag is decides what it may move; people's and strangers' tags are forgotten."""

import pytest
from pydantic import ValidationError

from edge_agent.decode.epc import decode_epc
from edge_agent.decode.tag_role import TagRole, TagRoles, TagRules, is_private, tag_role
from tests.unit.decode import epc_encoder as to

ITEM = to.sgtin_96("0614141", "812345", 6789)
UNIT = to.sscc_96("0614141", "1234567890")
TOTE = "3376451FD40C0E400000162E"
TOTE_PLUS = "F13095211411234548566CB0AFC4"
TRUCK = "3476451FD40000000000162E"
BIN = "3276451FD46072000000162E"
BADGE = "2D76451FD4499602D2000000"
DOCUMENT = "2C76451FD46072000000162E"


@pytest.mark.parametrize(
    ("digits", "role"),
    [
        (ITEM, TagRole.TRADE_ITEM),
        ("F73795211411234538566CB0AFC4", TagRole.TRADE_ITEM),
        ("FB342CDE795211411234538566CB0AFC4", TagRole.TRADE_ITEM),
        (UNIT, TagRole.LOGISTIC_UNIT),
        (TOTE, TagRole.RETURNABLE_ASSET),
        (TRUCK, TagRole.VEHICLE),
        (BIN, TagRole.PLACE),
        (BADGE, TagRole.PERSON),
        (DOCUMENT, TagRole.OTHER),
        ("3500E86F8000A9E000000586", TagRole.OTHER),
        ("0" * 24, TagRole.UNENCODED),
        ("E28011702000020A1B2C3D4E", TagRole.UNENCODED),
        ("307E257BF7194E4000001A85", TagRole.UNENCODED),
    ],
)
def test_the_scheme_says_what_a_tag_is(digits: str, role: TagRole) -> None:
    assert tag_role(decode_epc(digits), TagRules()) is role


def test_assets_of_other_companies_are_foreign_and_their_goods_are_not() -> None:
    rules = TagRules(own_prefixes=("4012345",))
    roles = {digits: tag_role(decode_epc(digits), rules) for digits in (TOTE, TOTE_PLUS, TRUCK, BIN)}
    assert set(roles.values()) == {TagRole.FOREIGN}
    assert tag_role(decode_epc(ITEM), rules) is TagRole.TRADE_ITEM, "suppliers tag what they send"
    assert tag_role(decode_epc(UNIT), rules) is TagRole.LOGISTIC_UNIT
    ours = TagRules(own_prefixes=("4012345", "9521141"))
    assert tag_role(decode_epc(TOTE), ours) is TagRole.RETURNABLE_ASSET
    assert tag_role(decode_epc(TOTE_PLUS), ours) is TagRole.RETURNABLE_ASSET


def test_patterns_go_before_everything_and_match_bits_or_uris() -> None:
    rules = TagRules(
        person_patterns=(r"AB12[0-9A-F]{20}", r"urn:epc:id:gid:952056\..*"),
        foreign_patterns=(r"urn:epc:tag:sgtin-96:[0-9]\.9506.*",),
    )
    roles = TagRoles(rules)
    assert roles.of("AB12" + "0" * 20)[1] is TagRole.PERSON, "even if the standard does not know it"
    assert roles.of("3500E86F8000A9E000000586")[1] is TagRole.PERSON
    epc, role = roles.of("3066C4409047E140075BCD15")
    assert (epc.gtin, role) == ("09506000134352", TagRole.FOREIGN)
    assert roles.of(ITEM)[1] is TagRole.TRADE_ITEM


def test_people_and_strangers_are_forgotten_where_they_were_read() -> None:
    assert {role for role in TagRole if is_private(role)} == {TagRole.PERSON, TagRole.FOREIGN}


def test_a_tag_known_to_be_double_is_never_goods() -> None:
    assert tag_role(decode_epc(ITEM), TagRules(), duplicates={ITEM}) is TagRole.DUPLICATE
    assert tag_role(decode_epc(UNIT), TagRules(), duplicates={ITEM}) is TagRole.LOGISTIC_UNIT


@pytest.mark.parametrize(
    "wrong",
    [
        {"own_prefixes": ["061"]},
        {"own_prefixes": ["0614141x"]},
        {"person_patterns": ["("]},
        {"foreign_patterns": [".*"]},
        {"foreign_pattern": ["x"]},
    ],
)
def test_rules_that_cannot_be_meant_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match=next(iter(wrong))):
        TagRules.model_validate(wrong)
