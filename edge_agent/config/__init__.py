"""What an agent is told: its file, its environment, and wishes from the cloud."""
