"""Reads and checks a corpus folder: `corpus.toml`, `documents/`, `qa.jsonl`."""
