"""The command line: parse, open a room's door, render. One file a room; `devmesh.cli.app:main` runs it.

Promises: text from logs never reaches the terminal with a control character in it, is never read as markup; an error of
the house ends as one line, its hint and its exit code; `--json` gives what HTTP gives; heavy imports wait until a
command needs them.
"""
