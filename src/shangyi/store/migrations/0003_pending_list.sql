-- Tokens first go to a list of at most 128 kB and from there sorted into the tree: half of what PostgreSQL spends on
-- a bulk load, and most of its write-ahead log, was for putting them in one by one (docs/decisions/0004-record-layout.md).
alter index search_tokens set (fastupdate = on, gin_pending_list_limit = 128);
