"""What is sound and still suspicious: rules over graphs, the papers behind them, and what switches them off."""
