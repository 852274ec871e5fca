"""Labels, their documents and manifests on the command line."""
