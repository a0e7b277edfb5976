"""What commands show: one module for each noun, from values to lines and tables."""
