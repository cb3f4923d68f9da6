"""One folder a noun: routes, schemas, service, repository. A domain reaches another only through its service."""
