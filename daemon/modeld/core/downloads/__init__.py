"""Downloads: their queue and order, what a source means, and what a repository holds."""
