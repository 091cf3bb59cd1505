"""The expression language of mappings: text in, a typed-out tree of it, and which functions there are."""
