"""Measurements that are run by hand: their numbers are told with the command that gave them."""
