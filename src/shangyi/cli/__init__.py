"""The command line: ``shangyi <command>``, each command in a file of its own name.

In: arguments, the settings of the environment, files. Out: text for people or, with ``--json``, one JSON object on
stdout; progress and notes on stderr; an exit code that means something (``codes``). A command acts as the owner of
``SHANGYI_HOME`` through an ``access.Session``, so that what it reads and writes is audited like any other access.
The table of commands stands in ``main``; a command's module is imported only when it is called.
"""
