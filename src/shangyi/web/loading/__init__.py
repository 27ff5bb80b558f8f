"""Loading files that were dropped in the console: to disk, then in a process of its own, watched by pages.

``home/uploads/<id>/`` holds a load: ``state.json``, the files while they are needed, ``refused.ndjson``, ``cancel`` when
somebody asked for it, ``lock`` held by the process that works on it. So a reload of the page, another server process and
a restart all see the same, and a load whose process died is taken up again; the ledger of ``store.load`` keeps it from
adding anything twice.
"""
