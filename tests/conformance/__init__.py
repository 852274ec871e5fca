"""What Google documents of its services, held against our stand-ins by Google's own clients."""
