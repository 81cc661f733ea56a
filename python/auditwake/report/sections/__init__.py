"""The sections of the page, each a module: its queries, and what is said of them."""
