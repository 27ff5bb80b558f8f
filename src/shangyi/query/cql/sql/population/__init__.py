"""A program over a population: its definitions as one SQL statement (docs/decisions/0012).

In: a program, names of definitions, constants (parameters, instant, value sets), the tables of a lake. Out: a
``Statement``: text, parameters, and what each of its columns is.
"""

from shangyi.query.cql.sql.population.program import Setting
from shangyi.query.cql.sql.population.statement import Definition, Statement, compile_program

__all__ = ["Definition", "Setting", "Statement", "compile_program"]
