"""What placeholders have swallowed is found by its words, and the answer says where it stood."""

from __future__ import annotations

from bodies import line, take
from devmesh.embeddings import LocalProvider
from devmesh.finding import find_families
from devmesh.search import Document, Finder, Value
from devmesh.search import values as module

TEXTS = [
    Document(1, "smartd", "Device: <path>, <n> Currently unreadable (pending) sectors"),
    Document(2, "browserd", "web page of the browser could not be rendered"),
    Document(3, "cron", "(<user>) CMD (<*>)"),
]
PACKAGES = Document(9, "dpkg", "status installed <package>:amd64", values=("firefox-esr", "chromium-browser"))


def ids(finder: Finder, question: str) -> list[int]:
    return [hit.family_id for hit in finder.find(question).hits]


def index(mesh) -> None:
    """What the loops do within seconds."""
    mesh.runner.once("assign-families")
    mesh.runner.once("template-samples")


def test_a_value_is_found_before_what_is_near_in_meaning():
    """A browser's name finds the family that said it, although another text speaks of browsers."""
    finder = Finder(LocalProvider())
    finder.put([*TEXTS, PACKAGES])
    best = finder.find("chromium").hits[0]
    assert best.family_id == 9
    assert best.why.ranks["values"] == 1
    assert 2 in ids(finder, "chromium")


def test_values_change_nothing_for_words_that_texts_have():
    """Questions whose words stand in many texts give the same scores with values as without."""
    spoken = [Document(number, "kernel", f"disk {word} failed") for number, word in enumerate("abcdefgh")]
    plain, valued = Finder(LocalProvider()), Finder(LocalProvider())
    plain.put(spoken)
    valued.put([*spoken[:-1], Document(7, "kernel", spoken[-1].text, values=("disk", "by-id/disk-failed"))])
    assert plain.find("disk failed") == valued.find("disk failed")


def test_values_follow_their_family():
    """New values replace the former ones, and go with the family."""
    finder = Finder()
    finder.put([*TEXTS, PACKAGES])
    finder.put([Document(9, "dpkg", PACKAGES.text, values=("inkscape",))])
    assert (ids(finder, "chromium"), ids(finder, "inkscape")) == ([], [9])
    finder.remove([9])
    assert ids(finder, "inkscape") == []


def test_the_values_held_are_bounded_and_the_rest_is_named(monkeypatch):
    """What finds no room is not held, the answer says of how many families; room that is let go is used again."""
    monkeypatch.setattr(module, "MAX_PAIRS", 4)
    monkeypatch.setattr(module, "MAX_WORDS", 3)
    finder = Finder()
    finder.put(
        [Document(1, "a", "x", values=("one", "two", "three", "four")), Document(2, "b", "y", values=("five six",))]
    )
    assert [ids(finder, word) for word in ("three", "four", "five")] == [[1], [], []]
    assert finder.find("three").missing["values"].startswith("of 1 families no values are held: 4 words")
    finder.remove([1])
    finder.put([Document(2, "b", "y", values=("five six",))])
    assert ids(finder, "five") == [2]
    assert not finder.find("five").missing


def test_a_package_is_found_by_its_name(make_mesh):
    """Over the rooms: the name that a placeholder swallowed finds the family, why names placeholder and value."""
    mesh = make_mesh(embedding_provider="local")
    names = ["libc6", "nginx", "chromium", "inkscape", "firefox"]
    take(mesh, b"".join(line(f"status installed {name}:amd64 1.{n}-2", service="dpkg") for n, name in enumerate(names)))
    take(mesh, line("the browser did not start", service="desktop"))
    index(mesh)
    (best, *_others) = mesh.search.templates("chromium upgrade").hits
    assert best.why.values == (Value("chromium", "<package>", "chromium:amd64"),)
    assert mesh.search.templates("firefox").hits[0].family_id == best.family_id
    told = find_families(mesh, "chromium", 1)["results"][0]
    assert told["why"]["values"] == ({"question": "chromium", "placeholder": "<package>", "value": "chromium:amd64"},)


def test_a_value_that_comes_later_is_found_too(mesh):
    """A new value of a template that is known."""
    take(mesh, line("opened /srv/first/report.txt for reading", service="files"))
    index(mesh)
    assert mesh.search.templates("quarterly").hits == []
    take(mesh, line("opened /srv/second/quarterly.ods for reading", service="files"))
    index(mesh)
    assert [one.value for one in mesh.search.templates("quarterly").hits[0].why.values] == ["/srv/second/quarterly.ods"]


def test_values_of_a_template_without_a_family_are_found_once_it_has_one(mesh):
    """Its samples were written first, and the family's text did not change when it joined."""
    for word in ("alpha", "beta", "gamma", "delta", "epsilon"):
        take(mesh, line(f"worker {word} has opened /srv/report.txt for reading", service="files"))
    index(mesh)
    (family,) = mesh.search.templates("worker").hits
    take(mesh, line("worker zeta has opened /srv/quarterly.ods for reading", service="files"))
    mesh.runner.once("template-samples")
    assert mesh.search.templates("quarterly").hits == []
    mesh.runner.once("assign-families")
    assert [hit.family_id for hit in mesh.search.templates("quarterly").hits] == [family.family_id]


def test_values_of_other_shapes_have_no_name(make_mesh):
    """What went to `<overflow>` is of no shape that is known: its values are found, where they stood is not."""
    mesh = make_mesh(max_templates_per_service=1)
    take(mesh, line("first of all", service="files") + line("cp /srv/quarterly.ods /mnt/copy.ods", service="files"))
    index(mesh)
    for word, placeholder in (("quarterly", "<overflow>"), ("copy", "<*>")):
        (best,) = mesh.search.templates(word).hits
        assert [one.placeholder for one in best.why.values] == [placeholder]
