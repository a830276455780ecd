"""gradproof: placeholder while the rooms are built."""
