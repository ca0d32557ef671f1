"""REST with OpenAPI and problem+json over the services."""
