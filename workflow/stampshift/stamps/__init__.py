"""Stamps: the common representation of every survey, from a raw triplet to parts and labels. No torch."""
