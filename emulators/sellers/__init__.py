"""What simulators of label vendors have in common: state, faults, webhooks, prices, parcels."""
