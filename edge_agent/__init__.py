"""The edge gateway agent: reads, decides, buffers, publishes."""
