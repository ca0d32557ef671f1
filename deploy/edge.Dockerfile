# A gateway: scanners in, sealed batches out; nothing of the cloud in it. Build from the repository's root:
#   docker build -f deploy/edge.Dockerfile -t dockledger-edge .
#   docker run -d --restart unless-stopped --device /dev/ttyACM0 \
#     -v /etc/dockledger:/etc/dockledger:ro -v dockledger-outbox:/var/lib/edge-agent dockledger-edge
# With RFID readers: --build-arg EXTRAS=edge,llrp (sllurp is GPL-3.0: see NOTICE before you pass the image on).
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN pip install --no-cache-dir build==1.3.0 \
 && python -m build --wheel --outdir /wheels . \
 && sed -e 's/ *--hash=[^ ]*//g' -e 's/ *\\$//' requirements/run.txt > /wheels/constraints.txt

FROM python:3.12-slim-bookworm
ARG EXTRAS=edge
RUN useradd --system --uid 10002 --groups dialout --home-dir /var/lib/edge-agent --create-home edge-agent
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --only-binary :all: -c /wheels/constraints.txt "$(echo /wheels/*.whl)[${EXTRAS}]" \
 && rm -r /wheels
USER edge-agent
WORKDIR /var/lib/edge-agent
VOLUME /var/lib/edge-agent
ENV PYTHONUNBUFFERED=1
CMD ["edge-agent", "run", "--config", "/etc/dockledger/agent.toml"]
