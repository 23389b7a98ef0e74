"""Turns what people have into a corpus folder: SQuAD, JSON Lines, CSV, Hugging Face datasets."""
