"""The web page: one file a part."""
