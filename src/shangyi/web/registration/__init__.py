"""Registering a resident: the form, likely duplicates, the resources that are written."""
