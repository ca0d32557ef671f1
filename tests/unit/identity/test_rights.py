"""Grants become rights, and no right leaks from one site to another."""

import pytest

from cloud.identity.actor import NotAllowedError, Role
from cloud.identity.domain import Grant, IdentityError, actor_of, checked_name, checked_password


def grants(*texts: str) -> list[Grant]:
    return [Grant.parse(text) for text in texts]


def test_a_supervisor_of_one_site_stays_an_operator_at_the_next() -> None:
    ada = actor_of("user:ada", grants("supervisor@leeds", "operator@madrid"))
    ada.require(Role.SUPERVISOR, site="leeds")
    ada.require(Role.OPERATOR, site="madrid")
    with pytest.raises(NotAllowedError, match="needs supervisor at site 'madrid'"):
        ada.require(Role.SUPERVISOR, site="madrid")


def test_a_role_at_all_sites_reaches_sites_not_yet_made() -> None:
    actor_of("user:ada", grants("auditor")).require(Role.AUDITOR, site="opened-tomorrow")


def test_a_site_out_of_reach_is_named() -> None:
    with pytest.raises(NotAllowedError, match="no right at site 'paris'"):
        actor_of("user:ada", grants("operator@leeds")).require(Role.OPERATOR, site="paris")


def test_admin_does_not_stand_in_for_others() -> None:
    with pytest.raises(NotAllowedError, match="holds roles: admin; this needs operator"):
        actor_of("user:root", grants("admin")).require(Role.OPERATOR)


def test_a_question_reaches_only_the_sites_where_the_role_is_held() -> None:
    ada = actor_of("user:ada", grants("operator@leeds", "device@madrid", "admin"))
    narrowed = ada.narrowed(Role.OPERATOR)
    assert (narrowed.sites, narrowed.all_sites) == (frozenset({"leeds"}), False)
    assert ada.narrowed(Role.ADMIN).all_sites


def test_an_admin_of_one_site_is_no_admin_of_the_network() -> None:
    with pytest.raises(NotAllowedError, match="at all sites"):
        actor_of("user:ada", grants("admin@leeds")).require_everywhere(Role.ADMIN)


def test_nobody_without_grants_may_anything() -> None:
    with pytest.raises(NotAllowedError, match="holds roles: none"):
        actor_of("user:new", []).require(*Role)


@pytest.mark.parametrize("text", ["boss", "Admin", "operator@", "operator@a b", "@leeds", ""])
def test_a_grant_that_is_none_is_refused_with_what_was_expected(text: str) -> None:
    with pytest.raises(IdentityError, match="expected"):
        Grant.parse(text)


@pytest.mark.parametrize("name", ["", "Ada", "a b", "-a", "a" * 65, "a@b", "ada\n"])
def test_a_name_that_will_not_do_is_refused(name: str) -> None:
    with pytest.raises(IdentityError, match="name"):
        checked_name(name)


@pytest.mark.parametrize("password", ["short", "x" * 257, "my-ada-password"])
def test_a_password_that_will_not_do_is_refused_and_not_repeated(password: str) -> None:
    with pytest.raises(IdentityError) as refusal:
        checked_password(password, name="ada")
    assert password not in str(refusal.value)
