"""Requests and answers held against botocore's models."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from sandbox import wire
from sandbox.errors import AwsError

# How each service calls a request that lacks something, and one that has a wrong value.
_CODES = {
    "ec2": ("MissingParameter", "InvalidParameterValue"),
    "rds": ("MissingParameter", "InvalidParameterValue"),
    "route53": ("InvalidInput", "InvalidInput"),
}
_OTHERS = ("ValidationError", "ValidationError")
# Enums that AWS's own model leaves incomplete: an attached internet gateway is "available".
_OPEN = frozenset({"AccountAttributeName", "AttachmentStatus"})
_PLAIN: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "character": (str,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "boolean": (bool,),
    "timestamp": (datetime,),
    "blob": (bytes, str),
}


def check_request(asked: wire.Asked) -> None:
    """Raises AwsError, with the code the service uses, for a request its model does not allow."""
    shape = wire.operation_model(asked.service, asked.operation).input_shape
    if shape is None:
        return
    missing, invalid = _CODES.get(asked.service, _OTHERS)
    report = ParamValidator().validate(asked.params, shape)
    if report.has_errors():
        text = report.generate_report()
        raise AwsError(missing if "Missing required parameter" in text else invalid, text)
    for problem in _mismatches(shape, asked.params, ""):
        raise AwsError(invalid, problem)


def check_answer(asked: wire.Asked, answer: Mapping[str, Any]) -> None:
    """Raises AssertionError for an answer AWS could not give: that is a mistake of the sandbox itself."""
    shape = wire.operation_model(asked.service, asked.operation).output_shape
    if shape is None:
        if answer:
            raise AssertionError(f"{asked.name} answers nothing, but the handler returned {sorted(answer)}")
        return
    if problems := list(_mismatches(shape, answer, "")):
        raise AssertionError(f"{asked.name} answered what its model does not have: {'; '.join(problems[:5])}")


def _mismatches(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Sentences on what does not fit. Members that are None count as absent; enums ignore case,
    because EC2 itself answers "windows" where its model says "Windows"."""
    if isinstance(shape, StructureShape):
        yield from _structure(shape, value, path)
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{path} is {type(value).__name__}, not a list"
            return
        for index, item in enumerate(value):
            yield from _mismatches(shape.member, item, f"{path}[{index}]")
    elif isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _mismatches(shape.value, item, f"{path}[{key}]")
    else:
        yield from _scalar(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, Mapping):
        yield f"{path} is {type(value).__name__}, not a structure"
        return
    members = shape.members
    for key, item in value.items():
        if key not in members:
            yield f"{path}.{key} is unknown to {shape.name}"
        elif item is not None:
            yield from _mismatches(members[key], item, f"{path}.{key}")
    for key in shape.required_members:
        if value.get(key) is None:
            yield f"{path}.{key} is missing"


def _scalar(shape: Shape, value: Any, path: str) -> Iterator[str]:
    wanted = _PLAIN.get(shape.type_name)
    if wanted and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
        yield f"{path} is {value!r}, not a {shape.type_name}"
    elif isinstance(shape, StringShape) and shape.name not in _OPEN and not _in_enum(value, shape.enum):
        yield f"{path} is {value!r}, not one of {', '.join(shape.enum[:12])}"


def _in_enum(value: str, words: list[str]) -> bool:
    return not words or value in words or value.lower() in {word.lower() for word in words}
