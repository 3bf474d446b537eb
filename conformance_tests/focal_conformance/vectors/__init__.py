"""The golden vectors: JSON files, correctly rounded, the contract that every port is held to."""
