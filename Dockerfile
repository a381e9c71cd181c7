# One image for the API, the workers and the migrations; what differs is the command.
FROM python:3.12-slim AS build
WORKDIR /src
RUN python -m venv /opt/landbridge
COPY requirements/runtime.txt requirements/runtime.txt
RUN /opt/landbridge/bin/pip install --no-cache-dir --require-hashes -r requirements/runtime.txt
# Of the build's own tools nothing reaches the last stage: setuptools lives in this environment alone.
COPY requirements/dev.txt requirements/dev.txt
RUN python -m venv /opt/build \
    && sed -n '/^setuptools==/,/# via/p' requirements/dev.txt | grep -v '# via' > /tmp/setuptools.txt \
    && /opt/build/bin/pip install --no-cache-dir --require-hashes -r /tmp/setuptools.txt
COPY pyproject.toml README.md LICENSE ./
COPY app app
COPY workers workers
COPY migrations migrations
COPY landbridge landbridge
RUN /opt/build/bin/pip wheel --no-build-isolation --no-deps --wheel-dir /tmp/wheel . \
    && /opt/landbridge/bin/pip install --no-cache-dir --no-deps /tmp/wheel/*.whl

FROM python:3.12-slim
RUN useradd --system --uid 10001 --home-dir /srv/landbridge --create-home landbridge
COPY --from=build /opt/landbridge /opt/landbridge
WORKDIR /srv/landbridge
COPY alembic.ini ./
COPY openapi openapi
ENV PATH=/opt/landbridge/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER landbridge
EXPOSE 8000
STOPSIGNAL SIGTERM
ENTRYPOINT ["landbridge"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
