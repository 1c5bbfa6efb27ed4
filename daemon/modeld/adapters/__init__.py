"""One module per outside thing; takes an effect, returns a fact; none knows another."""
