"""What others build upon, as documents: OpenAPI, AsyncAPI, and a JSON Schema for each contract."""
