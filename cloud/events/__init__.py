"""What moves demand beside its own past: promotions, holidays, disruptions, weather, prices."""
