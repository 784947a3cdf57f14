# The hub in a container: docker build -t opensession-hub .
FROM python:3.13-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY core core
COPY parsers parsers
COPY daemon daemon
COPY client client
COPY server server
COPY systemd systemd
COPY launchd launchd
RUN python -m venv /opt/opensession \
 && /opt/opensession/bin/pip install --no-cache-dir --disable-pip-version-check .

FROM python:3.13-slim
RUN useradd --system --uid 10001 --no-create-home --home-dir /nonexistent opensession \
 && install -d -o opensession -g opensession -m 0700 /data
COPY --from=build /opt/opensession /opt/opensession
# Inside of a container every address is the container's own: who may reach it is said by the ports
# that are published.
ENV HOST=0.0.0.0 \
    PORT=3000 \
    OPENSESSION_DATA_DIR=/data \
    PYTHONUNBUFFERED=1
USER opensession
VOLUME /data
EXPOSE 3000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/opt/opensession/bin/python", "-c", \
  "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/api/ready', timeout=4)"]
ENTRYPOINT ["/opt/opensession/bin/opensession-server"]
CMD ["run"]
