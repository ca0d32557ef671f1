"""The embedded services and the supervisor: everything on one machine, without root."""
