"""Short-lived tokens for clouds: got from Google and Entra ID, renewed before they expire, and handed to relays in the
place of the long-lived secret, which never leaves control."""
