"""Our executions against the venue's own stream of them, the drop copy.

``executions`` is what is compared, ``ours`` reads it from a journal, ``drop_copy`` asks the venue for it, and
``compare`` lists every difference. The two are read by different code all the way: ours came through the data
plane's decoder, the venue's comes over another connection and is read by the protocol's tables in Python.
"""
