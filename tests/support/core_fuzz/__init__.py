"""A fuzzer of the pure core: random requests and adapters that answer late, in any order, badly or never.

``random_requests`` invents what clients ask, ``adapters`` pretends to be everything outside, and ``simulation`` plays
both against a manager and checks what a client relies on.
"""
