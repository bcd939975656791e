"""The making of the model: prepare the data, train, export, evaluate."""
