# Slicer makes a package here; the stand-in makes none.
