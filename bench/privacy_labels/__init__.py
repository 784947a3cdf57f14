"""A labelled set for the privacy stripper: secrets planted in transcripts, and their look-alikes.

Nothing here knows a pattern of `core/privacy`: the shapes are written down from the vendors' own
documentation and from what other public scanners say of them, so that the measure is independent.
All values are made at run time from a seed; none was ever valid.
"""
