"""Examples of templates: what was said, and not the same line twice."""

from __future__ import annotations

from bodies import line, rows, take


def test_one_message_is_one_example(mesh):
    """Of a template that was seen once there is one example, and its values count once."""
    take(mesh, line("disk sda is 91 percent full", service="df"))
    mesh.runner.once("template-samples")
    assert rows(mesh, "SELECT message FROM template_samples") == [("disk sda is 91 percent full",)]
    assert {n for (n,) in rows(mesh, "SELECT n FROM template_values")} == {1}


def test_one_batch_gives_as_many_examples_as_are_kept(mesh):
    """A file that is imported in one go shows five examples of a pattern, from all over it, and their values."""
    said = [f"disk sda is {n} percent full" for n in range(1, 101)]
    take(mesh, b"".join(line(text, service="df") for text in said))
    mesh.runner.once("template-samples")
    kept = [text for (text,) in rows(mesh, "SELECT message FROM template_samples")]
    assert len(set(kept)) == 5
    assert set(kept) <= set(said)
    assert {int(value) // 20 for (value,) in rows(mesh, "SELECT value FROM template_values")} == {0, 1, 2, 3, 4}


def test_long_messages_wait_as_short_ones(mesh):
    """What waits to be written down is no longer than what is written: 2,000 templates of 32 KiB would be 300 MB."""
    take(mesh, line("disk " + "full " * 6_000, service="df"))
    pending = mesh.templates._observer.take(10)
    assert [len(one.message) for some in pending.values() for one in some] == [4_000]
