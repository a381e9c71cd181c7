"""What the environment says, read in one place and once per process."""

from functools import cache
from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Every setting has the environment name LANDBRIDGE_<FIELD>; boto3 reads AWS_* by itself."""

    model_config = SettingsConfigDict(env_prefix="LANDBRIDGE_", frozen=True, extra="ignore")

    database_url: SecretStr = Field(
        default=SecretStr("postgresql://localhost/landbridge"),
        description="Postgres: postgresql://user:password@host/database",
    )
    redis_url: SecretStr | None = Field(
        default=None, description="Redis for the doorbell; without it the doorbell is Postgres's NOTIFY"
    )
    database_pool_size: int = Field(default=10, ge=1, description="connections kept by one process")

    time_scale: float = Field(
        default=1.0,
        gt=0,
        description="seconds of AWS's time in one of ours; other than 1 only where a sandbox stands for AWS",
    )
    lease_seconds: float = Field(default=15.0, gt=0, description="how long a silent worker keeps its job")
    heartbeat_seconds: float = Field(default=5.0, gt=0, description="how often a worker renews its lease")

    oidc_issuer: str | None = Field(default=None, description="also accept this issuer's JWTs")
    oidc_audience: str | None = Field(default=None, description="the audience those JWTs must name")
    oidc_role_claim: str = Field(default="landbridge_role", description="the claim that holds the role")
    allow_self_approval: bool = Field(default=False, description="authors may approve their own plans")

    approval_hours: float = Field(default=168.0, gt=0, description="how long an approval is good to begin a job")

    max_body_bytes: int = Field(default=1_000_000, ge=1_000, description="a larger request body is 413")
    max_plan_resources: int = Field(default=100_000, ge=1, description="a plan of more resources is refused")
    max_wait_seconds: float = Field(default=30.0, ge=0, description="the longest ?wait= and Prefer: wait")
    rate_per_second: float = Field(default=1_000.0, gt=0, description="requests a principal may make, sustained")
    rate_burst: int = Field(default=5_000, ge=1, description="requests a principal may make at once")
    idempotency_hours: int = Field(default=24, ge=1, description="how long a POST's first answer is replayed")

    log_level: str = Field(default="INFO", description="DEBUG, INFO, WARNING or ERROR")

    @model_validator(mode="after")
    def issuer_has_an_audience(self) -> Self:
        """Without an audience, a token made for another service would open this one."""
        if self.oidc_issuer is not None and not self.oidc_audience:
            raise ValueError("LANDBRIDGE_OIDC_ISSUER needs LANDBRIDGE_OIDC_AUDIENCE")
        return self


@cache
def get_settings() -> Settings:
    """The process's settings; composition roots call this, everything else is given what it needs."""
    return Settings()
