"""Examples of templates: what was said, and not the same line twice."""

from __future__ import annotations

from bodies import line, rows, take


def test_one_message_is_one_example(mesh):
    """Of a template that was seen once there is one example, and its values count once."""
    take(mesh, line("disk sda is 91 percent full", service="df"))
    mesh.runner.once("template-samples")
    assert rows(mesh, "SELECT message FROM template_samples") == [("disk sda is 91 percent full",)]
    assert {n for (n,) in rows(mesh, "SELECT n FROM template_values")} == {1}
