"""Operations of one AWS service; every module here is found and loaded by sandbox.service."""
