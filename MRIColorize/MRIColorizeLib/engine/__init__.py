"""A volume in, its colours out; knows neither files nor Slicer."""
