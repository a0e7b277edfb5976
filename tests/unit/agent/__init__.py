"""Tests of what an agent does by itself."""
