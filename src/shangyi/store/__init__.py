"""The transactional record of a population on PostgreSQL: versions, history, search, outbox."""
