"""Downloads: their queue, lookups at the hub, sources and repositories."""
