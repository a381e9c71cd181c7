"""Facts of the database engines: ports, versions, licences, and which classes a VPC does not have."""

from dataclasses import dataclass

from sandbox.rds.refusals import invalid_combination, invalid_value


@dataclass(frozen=True)
class Engine:
    """`versions` are oldest first; the last of a major version is what that major version means."""

    name: str
    port: int
    license_model: str
    versions: tuple[str, ...]
    default_version: str
    replicas: bool
    user: str


_MICROSOFT = ("12.00.6329.1.v1", "13.00.5850.14.v1", "14.00.3381.3.v1", "15.00.4073.23.v1")


def _sql_server(edition: str) -> Engine:
    return Engine(f"sqlserver-{edition}", 1433, "license-included", _MICROSOFT, _MICROSOFT[-1], False, "admin")


ENGINES = {
    engine.name: engine
    for engine in (
        Engine("mysql", 3306, "general-public-license", ("5.5.61", "5.6.51", "5.7.33", "8.0.23"), "5.7.33",
               True, "admin"),
        Engine("mariadb", 3306, "general-public-license", ("10.2.37", "10.3.28", "10.4.18"), "10.4.18",
               True, "admin"),
        Engine("postgres", 5432, "postgresql-license", ("9.6.22", "10.17", "11.12", "12.7"), "12.7",
               True, "postgres"),
        Engine("oracle-se2", 1521, "license-included", ("12.1.0.2.v24", "19.0.0.0.ru-2021-04.rur-2021-04.r1"),
               "19.0.0.0.ru-2021-04.rur-2021-04.r1", False, "admin"),
        Engine("oracle-ee", 1521, "bring-your-own-license",
               ("12.1.0.2.v24", "19.0.0.0.ru-2021-04.rur-2021-04.r1"),
               "19.0.0.0.ru-2021-04.rur-2021-04.r1", True, "admin"),
        _sql_server("ex"),
        _sql_server("web"),
        _sql_server("se"),
        _sql_server("ee"),
    )
}  # fmt: skip

# Not to be had in a VPC: a DB instance of these becomes a db.m3 or db.r3 before it moves (aws-facts A5).
OLD_CLASSES = ("db.t1.", "db.m1.", "db.m2.")


def engine_named(name: str) -> Engine:
    """Raises InvalidParameterValue for an engine that RDS does not have."""
    engine = ENGINES.get(name.lower())
    if engine is None:
        raise invalid_value(f"Invalid DB engine: {name}")
    return engine


def version_of(engine: Engine, asked: str | None) -> str:
    """The full version; `asked` may be a major version alone. Raises InvalidParameterCombination."""
    if not asked:
        return engine.default_version
    for version in reversed(engine.versions):
        if version == asked or version.startswith(asked + "."):
            return version
    if asked.count(".") and major_of(engine.name, asked) in {
        major_of(engine.name, version) for version in engine.versions
    }:
        return asked  # another minor version of a line we know
    raise invalid_combination(f"Cannot find version {asked} for {engine.name}")


def major_of(engine: str, version: str) -> str:
    """5.6 of 5.6.51, 12 of 12.7 in Postgres (two numbers before 10), 19 in Oracle from 18 on."""
    numbers = version.split(".")
    if engine == "postgres" and int(numbers[0]) >= 10:
        return numbers[0]
    if engine.startswith("oracle") and int(numbers[0]) >= 18:
        return numbers[0]
    return ".".join(numbers[:2])


def family_of(engine: str, version: str) -> str:
    """The parameter group family: mysql5.6, postgres12, oracle-se2-19, sqlserver-ex-15.0."""
    major = major_of(engine, version)
    if engine.startswith("sqlserver"):
        return f"{engine}-{major.removesuffix('0')}"
    return f"{engine}-{major}" if engine.startswith("oracle") else f"{engine}{major}"


def default_parameter_group(engine: str, version: str) -> str:
    return f"default.{family_of(engine, version)}"


def default_option_group(engine: str, version: str) -> str:
    return f"default:{engine}-{major_of(engine, version).replace('.', '-')}"


def refuse_old_class(instance_class: str) -> None:
    """Raises InvalidParameterCombination for a class that is not to be had in a VPC (aws-facts A5)."""
    if instance_class.startswith(OLD_CLASSES):
        raise invalid_combination(
            f"DB instance class {instance_class} is not available in a VPC. "
            "Change the DB instance to a db.m3 or db.r3 class first."
        )
