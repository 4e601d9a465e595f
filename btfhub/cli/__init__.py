"""The commands of `python -m btfhub`, one module each: arguments(parser), run(options, …)."""
