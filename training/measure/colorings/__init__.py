"""Cases coloured by the engine, by baselines and by other systems, and scored."""
