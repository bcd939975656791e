"""What colours are worth. Arrows: experiments -> evaluation -> colorings -> cases -> metrics."""
