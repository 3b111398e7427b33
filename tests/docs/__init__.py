"""What the documentation says is done."""
