"""Measures what the README quotes: `python -m bench` runs every module, `python -m bench NAME` one."""
