"""The rates of the knowledge packages over everybody, live: who counts in which, who does not reach it, and why.

In: the packages' Measures and the record, resident by resident (``keep``, a second behind the outbox). Out: rates of
a scope by place, sex and age, with a trend (``figures``); residents behind each number and open gaps (``people``).
"""
