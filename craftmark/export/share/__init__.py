"""The evidence bundle: a scan's packets with own addresses replaced, so that what they tell of the scan stays."""
