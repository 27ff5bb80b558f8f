"""The components that pages are composed of: each one typed model here and one template of the same name."""
