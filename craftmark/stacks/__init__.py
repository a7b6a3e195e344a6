"""What real stacks and firewalls would answer to a packet."""
