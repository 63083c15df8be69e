from __future__ import annotations

from ipaddress import IPv4Network

from preflight.rehearsal.network import nat_rules

RELAY = "169.254.170.2:51680"
DNS = "169.254.170.2:51681"


def test_a_task_has_rules_for_names_aliases_and_its_vpc() -> None:
    blocks = [IPv4Network("10.0.0.0/16"), IPv4Network("10.1.0.0/16")]

    rules = nat_rules.of_task(
        "10.0.1.4", blocks, resolvers=["10.0.0.2"], dns_server=DNS, relayed=["127.255.0.0/16"], relay=RELAY
    )

    assert rules["nat"] == [
        ":REACHABLE - [0:0]",
        "--append OUTPUT --destination 10.0.1.4 --jump RETURN",
        f"--append OUTPUT --destination 10.0.0.2 --protocol udp --dport 53 --jump DNAT --to-destination {DNS}",
        f"--append OUTPUT --destination 127.255.0.0/16 --protocol tcp --jump DNAT --to-destination {RELAY}",
        "--append OUTPUT --protocol tcp --jump REACHABLE",
    ]
    assert rules["filter"] == [
        "--append OUTPUT --match conntrack --ctstate ESTABLISHED,RELATED --jump ACCEPT",
        "--append OUTPUT --destination 10.0.1.4 --jump ACCEPT",
        "--append OUTPUT --destination 10.0.0.0/16 --protocol tcp --jump REJECT --reject-with tcp-reset",
        "--append OUTPUT --destination 10.1.0.0/16 --protocol tcp --jump REJECT --reject-with tcp-reset",
        "--append OUTPUT --destination 10.0.0.0/16 --jump REJECT",
        "--append OUTPUT --destination 10.1.0.0/16 --jump REJECT",
    ]


def test_reachable_ports_replace_the_chain_in_their_order() -> None:
    rules = nat_rules.of_reachable_ports({("10.0.1.5", 80), ("10.0.1.4", 8080)}, relay=RELAY)

    assert rules == {
        "nat": [
            ":REACHABLE - [0:0]",
            f"--append REACHABLE --destination 10.0.1.4 --protocol tcp --dport 8080 --jump DNAT --to-destination {RELAY}",
            f"--append REACHABLE --destination 10.0.1.5 --protocol tcp --dport 80 --jump DNAT --to-destination {RELAY}",
        ]
    }
