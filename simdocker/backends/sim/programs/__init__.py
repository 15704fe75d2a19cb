"""Models of the programs in official images: what they print, where they listen, how they end.

Each module is named after the program it registers and is loaded when that program is first run.
"""
