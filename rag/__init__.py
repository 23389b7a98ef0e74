"""Retrieval: passages with exact offsets, a vector and a lexical index, fusion, reading windows."""
