"""Aggregation-aware reinforcement learning: training sets out of our tasks, and the reward for every trainer."""
