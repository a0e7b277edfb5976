"""What users do: submit, query, wait, follow, cancel, retry, and steer queues and agents.

Every verb is an `async def` over a `Broker`, so commands run it on a plain link without an event loop, and Python
programs on asyncio. Nothing here prints, and nothing asks where the broker is: that is `cli`'s and `settings`'.

Whatever waits listens first and looks then: it subscribes to the records or logs that it is about, reads what is
stored, and takes it from there. Messages on a subscription may be missed, so what is stored is read again every few
seconds.
"""
