"""Diagnoses an installation and suggests fixes; in each module, inspecting and judging are separate functions."""
