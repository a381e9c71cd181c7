"""Key pairs: of both platforms, by name."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.ec2.describing import Field, View, select
from sandbox.ec2.tags import drop_tags, requested_tags, set_tags, tag_list
from sandbox.errors import AwsError
from sandbox.service import operation
from sandbox.world import Place


@dataclass
class KeyPair:
    id: str
    name: str
    kind: str
    fingerprint: str
    public_key: str
    created_at: datetime
    visible_at: datetime


def find_key_pair(place: Place, name: str) -> KeyPair:
    """Raises InvalidKeyPair.NotFound."""
    pair = place.seen(KeyPair).get(name)
    if pair is None:
        raise AwsError("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")
    return pair


def _make(place: Place, request: Mapping[str, Any], kind: str, public_key: str, digits: int) -> KeyPair:
    name = request["KeyName"]
    if not (name.isascii() and 0 < len(name) <= 255):
        raise AwsError("InvalidParameterValue", "Invalid key pair name: up to 255 ASCII characters.")
    if name in place.table(KeyPair):
        raise AwsError("InvalidKeyPair.Duplicate", f"The keypair '{name}' already exists.")
    tags = requested_tags(request, "key-pair")
    raw = f"{place.world.random.getrandbits(4 * digits):0{digits}x}"
    fingerprint = ":".join(raw[index : index + 2] for index in range(0, digits, 2))
    now = place.clock.now()
    pair = KeyPair(place.new_id("key"), name, kind, fingerprint, public_key, now, place.visible_from_now())
    place.table(KeyPair)[name] = pair
    set_tags(place, pair.id, tags)
    return pair


@operation("ec2", "CreateKeyPair")
def create_key_pair(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """The private key is noise: nothing in the sandbox can be logged in to."""
    pair = _make(place, request, request.get("KeyType", "rsa"), _noise(place, 192), digits=40)
    material = f"-----BEGIN RSA PRIVATE KEY-----\n{_noise(place, 768)}\n-----END RSA PRIVATE KEY-----"
    return {**_made(place, pair), "KeyMaterial": material}


@operation("ec2", "ImportKeyPair")
def import_key_pair(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    material = request["PublicKeyMaterial"]
    text = material.decode(errors="replace") if isinstance(material, bytes) else str(material)
    if not text.startswith(("ssh-rsa ", "ssh-ed25519 ", "---- BEGIN SSH2", "AAAA", "MII")):
        raise AwsError("InvalidKey.Format", "Key is not in valid OpenSSH public key format")
    kind = "ed25519" if "ed25519" in text else "rsa"
    return _made(place, _make(place, request, kind, text, digits=32))


def _noise(place: Place, size: int) -> str:
    return base64.b64encode(place.world.random.randbytes(size)).decode()


def _made(place: Place, pair: KeyPair) -> dict[str, Any]:
    tags = tag_list(place, pair.id)
    made: dict[str, Any] = {
        "KeyPairId": pair.id, "KeyName": pair.name, "KeyFingerprint": pair.fingerprint,
    }  # fmt: skip
    return made | ({"Tags": tags} if tags else {})


@operation("ec2", "DeleteKeyPair")
def delete_key_pair(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    """Deleting what is not there is no error."""
    for name, pair in list(place.seen(KeyPair).items()):
        if name == request.get("KeyName") or pair.id == request.get("KeyPairId"):
            del place.table(KeyPair)[name]
            drop_tags(place, pair.id)
            return {"Return": True, "KeyPairId": pair.id}
    return {"Return": True}


_FIELDS: Mapping[str, Field] = {
    "key-name": lambda view: [view["KeyName"]],
    "key-pair-id": lambda view: [view["KeyPairId"]],
    "fingerprint": lambda view: [view["KeyFingerprint"]],
}


@operation("ec2", "DescribeKeyPairs")
def describe_key_pairs(place: Place, request: Mapping[str, Any]) -> dict[str, Any]:
    for name in request.get("KeyNames") or ():
        find_key_pair(place, name)
    names = set(request.get("KeyNames") or place.seen(KeyPair))
    shown = bool(request.get("IncludePublicKey"))
    views = [(pair.id, _view(place, pair, shown)) for pair in place.seen(KeyPair).values() if pair.name in names]
    chosen = select(place, request, views, _FIELDS, ids_param="KeyPairIds", not_found_code="InvalidKeyPair.NotFound")
    return {"KeyPairs": chosen}


def _view(place: Place, pair: KeyPair, with_public_key: bool) -> View:
    return {
        "KeyPairId": pair.id,
        "KeyName": pair.name,
        "KeyType": pair.kind,
        "KeyFingerprint": pair.fingerprint,
        "CreateTime": pair.created_at,
        "PublicKey": pair.public_key if with_public_key else None,
        "Tags": tag_list(place, pair.id),
    }
