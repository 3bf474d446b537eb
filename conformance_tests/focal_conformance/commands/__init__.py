"""The commands, one file each; each has ``run(parsed) -> exit code``."""
