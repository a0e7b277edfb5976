"""The commands, one module each, named like the user's verb; imported only when that command runs."""
