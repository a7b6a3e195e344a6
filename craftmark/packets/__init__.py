"""What a packet is, in columns."""
