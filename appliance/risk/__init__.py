"""Risk as operators have it: the kill switch, limits and who may change them, and reconciliation."""
