"""The commands of `./dev fetch`, one module each: add_arguments(parser), run(options, settings)."""
