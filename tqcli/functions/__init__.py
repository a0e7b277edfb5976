"""Functions as jobs: what Python programs use.

::

    job        the decorator: a function that runs here when it is called, and elsewhere when it is submitted
    signature  a call that is not made yet: function, arguments, options
    client     a broker, and what is submitted to it; one for the whole process where none is made
    handle     a job that was submitted: its state, its result, what it printed

Everything is written once, as coroutines over a connection that lives on an event loop of its own, in a thread of its
own (`background`). Who calls from a plain program waits for that thread, and who calls from a coroutine awaits it. So
it works in any thread, beside any running loop, and after a fork: the child makes its own.

A job's function is found by name, `module:function`, in the directory that its module is imported from, which is the
job's working directory; see `entrypoint`. Arguments and results have the format of `tqcli.core.values`.

`job` and `signature` are loaded by the jobs themselves, so they import next to nothing.
"""
