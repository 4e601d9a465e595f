"""The commands of `./dev vm`, one module each: add_arguments(parser), run(options, settings)."""
