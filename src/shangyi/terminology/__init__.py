"""Terminology: units of measure (UCUM). Code systems, value sets and concept maps will join it."""
