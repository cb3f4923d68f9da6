"""People, departments and roles. Sign-in comes later; until then a person is who an API key belongs to."""
