# One image; web, worker and beat are commands (see docs/operate.md).
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS build
WORKDIR /berth
COPY requirements.lock ./
RUN python3 -m venv .venv && .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM ${PYTHON_IMAGE}
RUN useradd --system --create-home --home-dir /var/lib/berth --shell /usr/sbin/nologin berth
WORKDIR /berth
COPY --from=build /berth/.venv .venv
COPY app app
COPY workers workers
COPY deploy_runner deploy_runner
COPY migrations migrations
COPY celeryconfig.py gunicorn.conf.py wsgi.py ./
ENV PATH=/berth/.venv/bin:$PATH PYTHONUNBUFFERED=1 BERTH_HOME=/var/lib/berth
USER berth
EXPOSE 8080
CMD ["gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"]
