# The image of every service in compose.yaml that is ours: web, worker, beat, migrate.
FROM python:3.11-slim AS build
WORKDIR /app
COPY requirements.lock .
RUN python -m venv /venv \
    && /venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LOG_FORMAT=json \
    VAR_DIR=/var/lib/copydesk \
    STATIC_ROOT=/app/collected \
    INBOX_DIR=/var/lib/copydesk/inbox \
    HUGO_TREE=/var/lib/copydesk/hugo
WORKDIR /app
COPY --from=build /venv /venv
COPY . .
# Named volumes take over the owner of the folders they are mounted on.
RUN useradd --system --uid 10001 --no-create-home copydesk \
    && mkdir -p "$INBOX_DIR" "$HUGO_TREE" \
    && chown -R copydesk "$VAR_DIR" \
    && export SECRET_KEY=only-while-building VAR_DIR=/tmp/build \
    && python manage.py compile_translations \
    && python manage.py collectstatic --no-input \
    && rm -rf /tmp/build
USER copydesk
EXPOSE 8000
CMD ["granian", "--interface", "wsgi", "--no-ws", "--workers", "2", "--blocking-threads", "4", \
     "--respawn-failed-workers", "--host", "0.0.0.0", "--port", "8000", "digest.wsgi:application"]
