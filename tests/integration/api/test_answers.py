"""What the API answers, over a real database."""

from serving import OWN


def get(client, people, path, who="inventory_controller@madrid", **headers):
    return client.get(path, headers={**people.headers(who), **headers})


def test_balances_are_of_ones_own_sites(client, people) -> None:
    answer = get(client, people, "/v1/balances").json()
    stock = {(row["item"], row["location"]): row["quantity"] for row in answer["items"]}
    assert stock == {
        ("MUG-BLUE", "A-02-1"): "-30.000000",
        ("TEA-500", "A-01-1"): "188.000000",
        ("TEA-500", "STAGING"): "280.000000",
    }
    assert answer["position"] == 5
    assert [site["site"] for site in answer["sites"]] == [OWN]
