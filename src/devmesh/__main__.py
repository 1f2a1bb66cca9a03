"""`python -m devmesh`."""

from devmesh.cli.app import main

if __name__ == "__main__":
    main()
