"""RDS's refusals that more than one operation makes."""

from sandbox.errors import AwsError


def not_found(code: str, what: str, name: str) -> AwsError:
    return AwsError(code, f"{what} {name} not found.", 404)


def already_exists(code: str, what: str, name: str) -> AwsError:
    return AwsError(code, f"{what} {name} already exists.")


def invalid_value(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)


def invalid_combination(message: str) -> AwsError:
    return AwsError("InvalidParameterCombination", message)


def wrong_state(message: str) -> AwsError:
    return AwsError("InvalidDBInstanceState", message)


def wrong_network(message: str) -> AwsError:
    return AwsError("InvalidVPCNetworkStateFault", message)
