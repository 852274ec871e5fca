"""Who may use the console of the stack on this machine."""
