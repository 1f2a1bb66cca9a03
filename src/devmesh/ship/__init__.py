"""The agent on a node: reads journals and text logs, ships them exactly once. Standard library and PyYAML only."""
