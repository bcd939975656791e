"""Generated volumes, damaged files and hostile models; each may end its process."""
