"""The built-in proxy: Toxiproxy 2.12.0's HTTP API and toxics on asyncio, where the real one is not to be had.

Run it with ``python -m harness.faults.builtin -host 127.0.0.1 -port 8474``. It uses the standard library only and
imports nothing heavy, because a trial starts one process per link. Where it differs from the real one is
listed, with the test that shows it, in ``docs/proxy.md``.

A request goes ``web`` → ``api`` → ``collection`` → ``proxy``; bytes go ``connection`` → ``link`` → ``stages`` →
``link`` → ``connection``. What a toxic *is* lives in ``toxics``, what it *does* to one direction of one connection in
``stages``.
"""
