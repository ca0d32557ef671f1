"""Who acts and what they may do: actors, logins, API keys, sites."""
