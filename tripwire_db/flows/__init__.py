"""The flows, one file each, named after the flow."""
