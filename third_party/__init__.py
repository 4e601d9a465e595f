"""Pins and build scripts of the libraries that every app is linked with."""
