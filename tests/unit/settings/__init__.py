"""Tests of the settings: no broker, a home of their own."""
