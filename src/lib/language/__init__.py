"""Language: character corpus and token shards, and small language models for them."""
