"""Scores answers against references, and says how sure the scores are."""
