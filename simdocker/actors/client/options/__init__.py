"""The options of `docker run` and `docker create`, one noun a module, and the request body they make."""
