"""Laws on the house itself: who imports whom, sizes, README, demo."""
