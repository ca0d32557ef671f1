"""Labels printed at the gateway: printers, templates and serial references, also while the cloud is away."""
