"""Domain-free tools: ids, clock, money, pagination, crypto, SSE framing, address policy. No word of the domain here."""
