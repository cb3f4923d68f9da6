"""What the gateway is set to: by the environment, and what an administrator changed of it while it runs."""
