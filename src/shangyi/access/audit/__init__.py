"""The record of every access: events, their spool, their way into PostgreSQL, and AuditEvent as FHIR shows it."""
