"""Which images there are to launch from: Amazon's public ones in every region, and the account's own."""

import hashlib
from collections.abc import Mapping
from functools import cache, partial
from typing import Any

from sandbox.clock import START
from sandbox.ec2.describing import paginate, refuse_ids_with_pages, select
from sandbox.ec2.images import IMAGE_FILTERS, Image, ImageDevice, image_view
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place

LINUX_HVM = "amzn2-ami-hvm-2.0.20210427.0-x86_64-gp2"
LINUX_PV = "amzn-ami-pv-2018.03.0.20210408.0-x86_64-ebs"
LINUX_INSTANCE_STORE = "amzn-ami-hvm-2018.03.0.20210408.0-x86_64-s3"
WINDOWS = "Windows_Server-2019-English-Full-Base-2021.05.12"
AMAZON = "137112412989"


def _id(region: str, prefix: str, name: str) -> str:
    return f"{prefix}-0{hashlib.sha256(f'{region}/{name}'.encode()).hexdigest()[:16]}"


def _public(region: str, name: str, description: str, **facts: Any) -> Image:
    return Image(
        id=_id(region, "ami", name),
        name=name,
        description=description,
        owner_id=AMAZON,
        owner_alias="amazon",
        public=True,
        created_at=START,
        visible_at=START,
        state="available",
        location=f"amazon/{name}",
        **facts,
    )


@cache
def public_images(region: str) -> Mapping[str, Image]:
    """Amazon's images of a region by id; the ids are the same in every simulation."""

    def root(device_name: str, size: int, name: str) -> list[ImageDevice]:
        return [ImageDevice(device_name, size, _id(region, "snap", name))]

    images = [
        _public(
            region,
            LINUX_HVM,
            "Amazon Linux 2 AMI, HVM, EBS",
            root_device_name="/dev/xvda",
            devices=root("/dev/xvda", 8, LINUX_HVM),
            ena_support=True,
        ),
        _public(
            region,
            LINUX_PV,
            "Amazon Linux AMI, paravirtual, EBS",
            virtualization="paravirtual",
            devices=root("/dev/sda1", 8, LINUX_PV),
            kernel_id="aki-919dcaf8",
        ),
        _public(
            region,
            LINUX_INSTANCE_STORE,
            "Amazon Linux AMI, HVM, instance store",
            root_device_type="instance-store",
        ),
        _public(
            region,
            WINDOWS,
            "Microsoft Windows Server 2019",
            platform="windows",
            devices=root("/dev/sda1", 30, WINDOWS),
            ena_support=True,
        ),
    ]
    return {image.id: image for image in images}


def public_image_id(region: str, name: str) -> str:
    """The id of one of Amazon's images, by the names above."""
    return _id(region, "ami", name)


def visible_image(place: Place, image_id: str) -> Image:
    """Raises InvalidAMIID.Malformed or InvalidAMIID.NotFound."""
    if not image_id.startswith("ami-"):
        raise AwsError("InvalidAMIID.Malformed", f'Invalid id: "{image_id}" (expecting "ami-...")')
    image = place.table(Image).get(image_id) or public_images(place.region).get(image_id)
    if image is None or image.visible_at > place.clock.now():
        raise AwsError("InvalidAMIID.NotFound", f"The image id '[{image_id}]' does not exist")
    return image


def usable_image(place: Place, image_id: str) -> Image:
    """An image to launch or copy from. Raises InvalidAMIID.Unavailable while it is still being made."""
    image = visible_image(place, image_id)
    if image.state != "available":
        raise AwsError("InvalidAMIID.Unavailable", f"The image ID '{image_id}' is not available")
    return image


def _has_owner(place: Place, image: Image, owners: list[str]) -> bool:
    own = image.owner_id == place.account_id
    return not owners or image.owner_id in owners or image.owner_alias in owners or (own and "self" in owners)


@operation("ec2", "DescribeImages")
def describe_images(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    refuse_ids_with_pages(request, "ImageIds")
    images = [*public_images(place.region).values(), *place.seen(Image).values()]
    owners = request.get("Owners") or []
    views = ((image.id, partial(image_view, place, image)) for image in images if _has_owner(place, image, owners))
    found = select(place, request, views, IMAGE_FILTERS, ids_param="ImageIds", not_found_code="InvalidAMIID.NotFound")
    return paginate(found, request, "Images", smallest=1)
