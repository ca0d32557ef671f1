"""Lines with a list of SSCCs over HTTP and on the page: each unit a line of its own, faults told together."""

import httpx
from serving import OWN, TEA
from test_all_faults import Post, post, told
from test_authorisation_matrix import session_of

from cloud.db import ConnectionPool
from cloud.identity.actor import Role
from cloud.identity.credentials import csrf_token
from cloud.identity.domain import Grant
from cloud.identity.gate import SESSION_COOKIE
from tests.integration.documents.dock import PALLET, SECOND

__all__ = ["post"]  # a fixture

LINE = {
    "line": "1",
    "identifier": {"scheme": "sku", "value": TEA},
    "quantity": "4",
    "units": [PALLET, SECOND],
}
NOTICE = {"site": OWN, "type": "asn", "id": "ASN-U", "lines": [LINE]}


def content(answer: httpx.Response) -> list[tuple[str, float, str | None]]:
    return [(each["line"], float(each["quantity"]), each["unit"]) for each in answer.json()["content"]]


def test_a_list_of_units_is_kept_unit_by_unit_and_its_faults_are_told_with_the_others(post: Post) -> None:
    wrong = [LINE | {"quantity": "3"}, LINE | {"line": "2", "units": [PALLET, "1"]}, LINE | {"line": "3"}]
    wrong[2] |= {"identifier": {"scheme": "sku", "value": "NIL"}}
    answer = post("documents", NOTICE | {"lines": wrong})
    assert answer.status_code == 422
    assert [place for place, _ in told(answer)] == [
        "lines.0.quantity",
        "lines.1.units.1",
        "lines.2.identifier",
    ]
    for _ in "ab":
        answer = post("documents", NOTICE)
        assert (answer.status_code, content(answer)) == (201, [("1~1", 2, PALLET), ("1~2", 2, SECOND)])
    other = post("documents", NOTICE | {"lines": [LINE | {"units": [SECOND, PALLET]}]})
    assert other.status_code == 409


def test_a_form_takes_several_units_in_one_field(
    post: Post, client: httpx.Client, pool: ConnectionPool
) -> None:
    assert post is not None
    session = session_of(pool, Grant(Role.SUPERVISOR, OWN))
    cookie = {"Cookie": f"{SESSION_COOKIE}={session}"}
    typed = {"type": "asn", "id": "ASN-F", "item": TEA, "lot": "", "csrf": csrf_token(session)}
    path, units = f"/documents/{OWN}/new", f"{PALLET}; {SECOND}"
    refused = client.post(path, data=typed | {"quantity": "5", "unit": units}, headers=cookie)
    assert (refused.status_code, f'value="{units}"' in refused.text) == (422, True)
    assert "expected a quantity of which each holds an equal part" in refused.text
    done = client.post(
        path, data=typed | {"quantity": "6", "unit": units}, headers=cookie, follow_redirects=False
    )
    assert done.status_code == 303, done.text
    kept = client.get(f"/v1/documents/{OWN}/asn/ASN-F", headers=cookie)
    assert content(kept) == [("1~1", 3, PALLET), ("1~2", 3, SECOND)]
    for between in (",", ", ", " "):
        typed |= {"quantity": "6", "unit": f"{PALLET}{between}{SECOND}"}
        again = client.post(path, data=typed, headers=cookie, follow_redirects=False)
        assert again.status_code == 303, f"the same, parted by {between!r}: {again.text}"
