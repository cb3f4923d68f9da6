"""The catalog: providers, their models, credentials, and people's own settings at a provider."""
