"""What a model's colours are worth: measures, trivial baselines, tables and pictures."""
