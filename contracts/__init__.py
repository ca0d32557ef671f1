"""The published language between edge, cloud and simulators; imports nothing of ours."""
