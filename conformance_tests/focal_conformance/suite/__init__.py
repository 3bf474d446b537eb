"""The conformance suite for pytest: ``pytest --pyargs focal_conformance.suite --focal-port adapter:torch``."""
