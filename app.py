"""The web page: assembles `ui`, launches."""
