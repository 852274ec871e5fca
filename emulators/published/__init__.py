"""What others build upon, as documents: OpenAPI, AsyncAPI, a schema a contract and a topic."""
