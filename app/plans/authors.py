"""Who made or changed a plan, and whether an approver is one of them: four eyes belong to two people."""

import unicodedata
from typing import Any

from app.db import JsonList, JsonObject
from app.manners.principals import Principal
from app.plans.models import Plan

ISSUED = "oidc:"  # how the ids of an issuer's subjects begin


def signed(authors: JsonList, author: Principal) -> JsonList:
    """The authors and one more, each once."""
    mine: JsonObject = {"id": author.id, "name": author.name}
    return [*(known for known in authors if known != mine), mine]


def is_author(plan: Plan, approver: str, name: str) -> bool:
    """Whether the approver, a principal's id and name, is one of the plan's authors as far as ids and names tell.

    One person may hold several tokens, and be known to the issuer besides: what bears the same name is taken for the
    same person. Two subjects of the issuer are two people, whatever they are called.
    """
    authors: Any = plan.authors
    if approver in {plan.author, *(author["id"] for author in authors)}:
        return True
    issued = approver.startswith(ISSUED)
    others = [author for author in authors if not (issued and author["id"].startswith(ISSUED))]
    mine = _called(approver, name)
    return any(mine & _called(author["id"], author["name"]) for author in others)


def _called(principal: str, name: str) -> set[str]:
    """What somebody goes by; an issuer's subject may itself be a name."""
    names = {name, principal.removeprefix(ISSUED)} if principal.startswith(ISSUED) else {name}
    return {folded for known in names if (folded := fold(known))}


def fold(name: str) -> str:
    """Names that a person reads as the same come out equal: case, width, spaces and signs do not count."""
    plain = unicodedata.normalize("NFKC", name).casefold()
    return "".join(letter for letter in plain if letter.isalnum()) or plain.strip()
