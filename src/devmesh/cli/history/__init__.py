"""Reading history for `devmesh import`: any file, compressed or not, to events numbered as the agent numbers them.

In: paths, `-`, a format or auto. Out: `Item`s with the stream, the numbers and the bytes of a line of NDJSON. Promises:
a file gives the same stream and the same numbers whoever reads it, under whatever name, grown, rotated or compressed;
memory is bounded; a line that cannot be read costs no neighbour.
"""
