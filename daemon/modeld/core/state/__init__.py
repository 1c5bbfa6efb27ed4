"""What the manager knows: models, jobs and their state tables, and the outbox of effects."""
