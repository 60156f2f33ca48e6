"""Code that runs inside the isolated processes. It uses only the standard library and must not import the rest of pad_ray."""
