"""A world in which the engine is run step by step: a log of numbers, a receiver that answers anything, a clock."""
