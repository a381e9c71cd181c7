"""Who stands in for whom: counterparts found by their tags, and the names by which callers know things."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.autoscaling.groups import AutoScalingGroup
from sandbox.ec2.addresses import Address
from sandbox.ec2.instances import Instance
from sandbox.ec2.tags import TagSet
from sandbox.elb.load_balancers import LoadBalancer
from sandbox.rds.db_instances import DbInstance
from sandbox.route53.home import everywhere
from sandbox.route53.published import Published, answers, resolve
from sandbox.world import Place

SOURCE_TAG = "landbridge:source"  # the ref of what a thing is the counterpart of
STEP_TAG = "landbridge:step"  # <action>/<ref>


def counterparts(place: Place) -> dict[str, list[str]]:
    """Source ref -> refs of the same kind that say by their tags that they stand in for it."""
    found: dict[str, list[str]] = {}
    for ref, tags in _tagged(place):
        source = tags.get(SOURCE_TAG) or tags.get(STEP_TAG, "").partition("/")[2]
        if source and source != ref and source.partition(":")[0] == ref.partition(":")[0]:
            found.setdefault(source, []).append(ref)
    return found


def _tagged(place: Place) -> Iterator[tuple[str, Mapping[str, str]]]:
    for resource_id, kept in place.table(TagSet).items():
        if resource_id.startswith("i-"):
            yield f"instance:{resource_id}", kept.tags
    for balancer in place.table(LoadBalancer).values():
        yield f"load_balancer:{balancer.name}", balancer.tags
    for db in place.table(DbInstance).values():
        yield f"rds_instance:{db.identifier}", db.tags
    for group in place.table(AutoScalingGroup).values():
        yield f"auto_scaling_group:{group.name}", {key: tag.value for key, tag in group.tags.items()}


@dataclass
class Directory:
    """The names and fixed addresses by which callers know things, gathered as time goes by.

    A name that once led to a thing is how its callers go on asking for it, wherever it leads later.
    """

    names: dict[str, set[str]] = field(default_factory=dict)
    fronted: set[str] = field(default_factory=set)  # instances and groups that were ever behind a load balancer

    def learn(self, place: Place) -> None:
        """Note every name that leads to something, every Elastic IP on an instance, every member."""
        holders = addresses_held(place)
        for name in everywhere(place).table(Published):
            for value in resolve(place, name).current:
                if value in holders:
                    self.names.setdefault(holders[value], set()).add(name)
        for address in place.table(Address).values():
            if address.public_ip in holders:
                self.names.setdefault(holders[address.public_ip], set()).add(address.public_ip)
        for balancer in place.table(LoadBalancer).values():
            self.fronted.update(f"instance:{member}" for member in balancer.members)
        for group in place.table(AutoScalingGroup).values():
            if any(f"instance:{member}" in self.fronted for member in group.members):
                self.fronted.add(f"auto_scaling_group:{group.name}")


def addresses_held(place: Place) -> dict[str, str]:
    """DNS name or public address -> ref of what answers there at this moment."""
    held = {one.dns_name.lower(): f"load_balancer:{one.name}" for one in place.table(LoadBalancer).values()}
    for db in place.table(DbInstance).values():
        if db.endpoint:
            held[db.endpoint.lower()] = f"rds_instance:{db.identifier}"
    for instance in place.table(Instance).values():
        if instance.public_ip:
            held[instance.public_ip] = f"instance:{instance.id}"
    return held


def where_callers_go(place: Place, name: str) -> set[str]:
    """DNS names and addresses that callers of `name` use now, those from their caches included."""
    return answers(place, name) if name.endswith(".") else {name}
