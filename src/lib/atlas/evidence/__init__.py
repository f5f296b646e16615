"""What a run proves: its plan, the state of its files, the audit, comparisons, crates and archives."""
