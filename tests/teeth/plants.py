"""All that is planted."""

from tests.teeth.call_plants import CALL_PLANTS
from tests.teeth.executor_plants import EXECUTOR_PLANTS
from tests.teeth.job_plants import JOB_PLANTS
from tests.teeth.plan_plants import PLAN_PLANTS
from tests.teeth.plant import Plant

PLANTS: tuple[Plant, ...] = (*EXECUTOR_PLANTS, *CALL_PLANTS, *JOB_PLANTS, *PLAN_PLANTS)
