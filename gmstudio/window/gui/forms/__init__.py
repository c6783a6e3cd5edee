"""Forms made from a config's schema."""
