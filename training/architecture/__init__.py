"""The audit of the network: its layers counted from the code, beside the published one's."""
