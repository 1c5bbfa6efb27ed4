"""A fuzzer of the pure core: random requests, and adapters that answer late, out of order, wrongly or never.

``random_requests`` creates client requests, ``adapters`` simulates everything outside the core, and ``simulation`` runs
both against a manager and checks what clients rely on.
"""
