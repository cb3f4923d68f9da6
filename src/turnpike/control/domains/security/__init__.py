"""Which networks may reach the gateway at all: rules that every relay applies before it reads a body."""
