"""The cloud: ingest, ledger, planning, API and pages."""
