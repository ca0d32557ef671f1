"""What people and programs ask: lists of rows, limited to the actor's sites."""
