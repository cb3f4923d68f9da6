"""Program 1, the data plane: carries a request from a caller to a provider and the answer back.

    protocol -> routes -> admit -> plan -> attempt -> stream -> settle

Callbacks on asyncio.Protocol on both sides; no database, no framework, and no coroutine on the common path.
"""
