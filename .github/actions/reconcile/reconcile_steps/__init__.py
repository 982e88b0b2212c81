"""What the steps of the action do; standard library only."""
