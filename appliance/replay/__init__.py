"""Feed files through the books: replay, trace, queues."""
