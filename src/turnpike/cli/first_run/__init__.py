"""What `turnpike serve` does for a newcomer once everything serves: offers what it found, simulates where there is
nothing, and shows the way in. Registers nothing silently, and knows control only through its REST API.
"""
