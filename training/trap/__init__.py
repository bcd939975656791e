"""What a structure loss does to tissues: the model that ships, trained on with and without it."""
