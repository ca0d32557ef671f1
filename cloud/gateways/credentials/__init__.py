"""With what a gateway shows who it is, over HTTPS and where a broker takes passwords."""
