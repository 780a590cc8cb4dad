"""The place of guidance plugins; it offers nothing yet."""

__all__: list[str] = []
