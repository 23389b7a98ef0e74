"""Supervised fine-tuning: training rows, recipe, training, adapters."""
