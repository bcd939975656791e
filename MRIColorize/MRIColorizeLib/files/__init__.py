"""Images, pictures and renderings from and to files."""
