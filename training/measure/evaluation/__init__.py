"""One model beside baselines and other systems: its numbers, tables, pictures and report."""
