# The scheduler as an image: docker build --tag isochrone:0.1.0 .
# Dev mode is not in it (python3 main.py without a command); in a cluster there is no use for it.

# The Python the tests run on; what is installed is pinned in requirements.txt.
FROM python:3.11-slim AS build
RUN python3 -m venv /venv
COPY requirements.txt /build/requirements.txt
# Everything comes as wheels: no compiler is needed, and none is wanted.
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary=:all: \
    --requirement /build/requirements.txt

FROM python:3.11-slim
# python3 is the environment's; the root file system is mounted read-only, so nothing is written.
ENV PATH=/venv/bin:$PATH \
    HOME=/tmp \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
COPY --from=build /venv /venv
WORKDIR /app
COPY LICENSE main.py ./
COPY telemetry/ telemetry/
COPY scheduler/ scheduler/
COPY commands/ commands/
# Compiled now, since it cannot be later: a replica then starts in half the time.
RUN python3 -m compileall -q /app
# A number, so that runAsNonRoot can be checked without a user of that name.
USER 65532:65532
EXPOSE 10251
ENTRYPOINT ["python3", "main.py"]
CMD ["run"]
