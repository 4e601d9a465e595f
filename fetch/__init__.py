"""Pinned downloads: places in order, verification, a content-addressed cache, safe extraction."""
