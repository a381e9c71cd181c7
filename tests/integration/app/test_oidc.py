"""JWTs of an issuer, checked against the keys it publishes; the issuer is a real server on loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from app.db import Database
from app.errors import Unauthorized, Unavailable
from app.manners.principals import Principal, Role
from app.tokens.authentication import BearerAuthenticator
from app.tokens.oidc import OidcIssuer

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
ROLE_CLAIM = "landbridge_role"


@pytest.fixture(scope="module")
def issuer_url() -> Iterator[str]:
    """An issuer that publishes KEY."""
    documents: dict[str, Any] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(documents[self.path]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    documents["/.well-known/openid-configuration"] = {"issuer": url, "jwks_uri": f"{url}/keys"}
    documents["/keys"] = {"keys": [public | {"kid": "k1", "use": "sig", "alg": "RS256"}]}
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def issuer(issuer_url: str) -> OidcIssuer:
    return OidcIssuer(issuer_url, "landbridge", ROLE_CLAIM)


@pytest.fixture
def signed(issuer_url: str) -> Callable[..., str]:
    def sign(key: rsa.RSAPrivateKey = KEY, **change: Any) -> str:
        claims = {
            "iss": issuer_url,
            "aud": "landbridge",
            "sub": "u1",
            "name": "Ada",
            ROLE_CLAIM: "planner",
            "exp": datetime.now(UTC) + timedelta(minutes=5),
        } | change
        kept = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(kept, key, algorithm="RS256", headers={"kid": "k1"})

    return sign


async def test_a_good_token_tells_who_and_in_which_role(issuer: OidcIssuer, signed: Callable[..., str]) -> None:
    assert await issuer.principal(signed()) == Principal(id="oidc:u1", name="Ada", role=Role.PLANNER)


@pytest.mark.parametrize(
    "change",
    [
        {"key": OTHER_KEY},
        {"aud": "somebody-else"},
        {"iss": "http://other.test"},
        {"exp": datetime(2020, 1, 1, tzinfo=UTC)},
        {"exp": None},
        {"sub": None},
        {ROLE_CLAIM: None},
        {ROLE_CLAIM: "emperor"},
        {ROLE_CLAIM: ["admin"]},
    ],
    ids=["key", "aud", "iss", "expired", "no-exp", "no-sub", "no-role", "wrong-role", "roles"],
)
async def test_a_token_that_is_not_right_in_every_part_is_no_good(
    issuer: OidcIssuer, signed: Callable[..., str], change: dict[str, Any]
) -> None:
    assert await issuer.principal(signed(**change)) is None


async def test_a_token_may_not_choose_how_it_is_checked(issuer: OidcIssuer, issuer_url: str) -> None:
    claims = {"iss": issuer_url, "aud": "landbridge", "sub": "u1", ROLE_CLAIM: "admin", "exp": 9999999999}
    unsigned = jwt.encode(claims, "", algorithm="none", headers={"kid": "k1"})
    assert await issuer.principal(unsigned) is None


async def test_while_the_issuer_is_down_the_answer_is_to_come_back(signed: Callable[..., str]) -> None:
    with pytest.raises(Unavailable):
        await OidcIssuer("http://127.0.0.1:1", "landbridge", ROLE_CLAIM).principal(signed())


async def test_what_is_no_jwt_is_refused_without_asking_the_issuer(database_url: str) -> None:
    issuer = OidcIssuer("http://127.0.0.1:1", "landbridge", ROLE_CLAIM)
    authenticator = BearerAuthenticator(Database(database_url), issuer)
    with pytest.raises(Unauthorized):
        await authenticator.authenticate("not-a-jwt")
