"""How much of each thing an account may have in a region; AWS raises these on request, so they can be set."""

from dataclasses import dataclass


@dataclass
class Limits:
    """AWS's defaults where aws-facts A2 and A3 have a source; instances as a long-lived account has them."""

    instances: int = 5_000
    elastic_ips_classic: int = 5
    elastic_ips_vpc: int = 5
    groups_classic: int = 500
    groups_vpc: int = 2_500
    rules_classic: int = 100
    rules_vpc: int = 60  # in each direction, IPv4 and IPv6 counted apart
    groups_per_interface: int = 5
    vpcs: int = 5
    internet_gateways: int = 5
    subnets_per_vpc: int = 200
    route_tables_per_vpc: int = 200
    routes_per_table: int = 50
    load_balancers: int = 20
    launch_templates: int = 5_000
    launch_template_versions: int = 10_000  # of one template
    auto_scaling_groups: int = 200
    launch_configurations: int = 200
    alarms: int = 5_000
    scaling_policies_per_group: int = 50
    scheduled_actions_per_group: int = 125
