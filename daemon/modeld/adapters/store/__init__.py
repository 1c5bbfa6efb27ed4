"""What is remembered: models, jobs and benchmark runs in SQLite, and the JSON mirror of the last runs."""

from modeld.adapters.store.committer import Committer
from modeld.adapters.store.database import MIGRATIONS, Database, StoreError
from modeld.adapters.store.mirror import Mirror

__all__ = ["MIGRATIONS", "Committer", "Database", "Mirror", "StoreError"]
