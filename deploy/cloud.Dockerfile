# The cloud's processes: ingest, API and pages, migrations. Build from the repository's root.
FROM python:3.12-slim-bookworm AS build
WORKDIR /build
COPY . .
RUN pip install --no-cache-dir build==1.3.0 \
 && python -m build --wheel --outdir /wheels . \
 && sed -e 's/ *--hash=[^ ]*//g' -e 's/ *\\$//' requirements/run.txt > /wheels/constraints.txt

FROM python:3.12-slim-bookworm
RUN useradd --system --uid 10001 --home-dir /var/lib/dockledger --create-home dockledger
COPY --from=build /wheels /wheels
RUN pip install --no-cache-dir --only-binary :all: -c /wheels/constraints.txt "$(echo /wheels/*.whl)[cloud,forecast,parquet]" \
 && rm -r /wheels
USER dockledger
WORKDIR /var/lib/dockledger
ENV PYTHONUNBUFFERED=1
EXPOSE 8420
CMD ["dockledger", "api"]
