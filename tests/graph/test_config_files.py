"""Configuration files: what each form says, with its line; no secret leaves one; hostile ones are refused."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bodies import line, take
from devmesh.errors import InvalidInput, NotFound, TooLarge
from devmesh.graph import FORMATS, MOST_FILE_BYTES, Refused, read_file

ENV = """\
# paperless, from its own example
export DATABASE_URL="postgresql+asyncpg://paperless:s3cr%40et@db01.lan:5432/paperless?sslmode=require"
REDIS_URL=redis://:s3cret@[fd00::5]:6379/0
MONGO_URI='mongodb://root:s3cret@mongo1:27017,mongo2:27017/x'
PAPERLESS_DBHOST=ignored
DB_HOST=db02.lan   # the old one
DB_PORT=3306
SMTP_HOST=mail.lan
PGHOST=/run/postgresql
KAFKA_BROKERS=k1:9092,k2:9092

PAPERLESS_URL_PREFIX=x
PAPERLESS_PUBLIC_URL=https://paper.lan
HOST=0.0.0.0
PORT=8000
LATER_URL=http://${OTHER}:80
ODD_URL=http://s3cret:12/3@x.lan/
QUERY_URL=http://s3cret:12?3@x.lan/
SECRET_KEY=s3cret.lan:80
API_HOST=s3cret with spaces
"""
NGINX = """\
user www-data;
http {
    log_format main '$remote_addr "{;}" $status';
    upstream shop {
        least_conn;
        server 10.0.0.21:8080 weight=5;
        server 10.0.0.22:8080 backup;
        server unix:/run/shop.sock;
        server old.lan down;
        server [fd00::9];
    }
    server {
        listen 443 ssl;
        location / { proxy_pass http://shop/api; }
        location /grafana/ {
            proxy_pass https://grafana.lan/;
            proxy_set_header Host $host;
        }
        location /any { proxy_pass http://$backend:80; }
        location ~ \\.php$ { fastcgi_pass unix:/run/php/php8.2-fpm.sock; }
        location /sock { proxy_pass http://unix:/run/hooks.sock:/in/; }
    }
}
stream { server { listen 5432; proxy_pass db01:5432; } }
"""
CADDY = """\
{
    email anna@example.org
}
(common) {
    header X "a { b"
}
shop.example.org {
    reverse_proxy /api/* 10.0.0.21:8080 http://10.0.0.22:8080
    reverse_proxy @live h2c://live:9000 {
        to :9001 unix//run/live.sock   # here
        lb_policy first
    }
    php_fastcgi unix//run/php/php-fpm.sock
    reverse_proxy {$BACKEND}
}
"""
COMPOSE = """\
name: shop
services:
  web:
    image: shop
    depends_on: [db, cache]
    environment:
      DATABASE_URL: postgres://shop:s3cret@db:5432/shop
      CACHE_HOST: cache
      NAS_URL: http://nas.lan:9000
  worker:
    image: shop
    depends_on:
      db: {condition: service_healthy}
    environment: ["BROKER_URL=amqp://u:s3cret@rabbit.lan//", DEBUG]
  db: {image: postgres, container_name: shop-pg}
  cache: {image: redis}
"""
UNIT = """\
[Unit]
Description=Paperless
Requires=postgresql.service redis.socket \\
    redis.service
BindsTo=paperless.service broker@1.service
After=network.target mariadb.service
Wants=cups.service

[Service]
Environment="DATABASE_URL=mysql://u:s3cret@db01/x" 'DEBUG=1' SMTP_HOST=mail.lan
Environment=LATER_HOST=%i
ExecStart=/usr/bin/paperless --db mysql://u:s3cret@other/x
"""
FILES = {
    "env": ("/opt/paperless/.env", ENV, [
        ("me", "postgresql+asyncpg://db01.lan:5432", 2), ("me", "redis://[fd00::5]:6379", 3),
        ("me", "mongodb://mongo1:27017", 4), ("me", "mongodb://mongo2:27017", 4), ("me", "db02.lan:3306", 6),
        ("me", "mail.lan", 8), ("me", "unix:/run/postgresql", 9), ("me", "k1:9092", 10), ("me", "k2:9092", 10),
    ]),
    "nginx": ("/etc/nginx/sites-enabled/shop", NGINX, [
        ("me", "10.0.0.21:8080", 6), ("me", "10.0.0.22:8080", 7), ("me", "unix:/run/shop.sock", 8),
        ("me", "[fd00::9]:80", 10), ("me", "grafana.lan:443", 16), ("me", "unix:/run/php/php8.2-fpm.sock", 20),
        ("me", "unix:/run/hooks.sock", 21), ("me", "db01:5432", 24),
    ]),
    "caddy": ("/etc/caddy/Caddyfile", CADDY, [
        ("me", "10.0.0.21:8080", 8), ("me", "http://10.0.0.22:8080", 8), ("me", "live:9000", 9),
        ("me", "localhost:9001", 10), ("me", "unix:/run/live.sock", 10), ("me", "unix:/run/php/php-fpm.sock", 13),
    ]),
    "compose": ("/opt/somewhere/compose.yaml", COMPOSE, [
        ("shop-web-1", "shop-cache-1", 5), ("shop-web-1", "shop-pg", 5), ("shop-web-1", "http://nas.lan:9000", 9),
        ("shop-worker-1", "shop-pg", 13), ("shop-worker-1", "amqp://rabbit.lan", 14),
    ]),
    "unit": ("/etc/systemd/system/paperless.service", UNIT, [
        ("me", "postgresql.service", 3), ("me", "redis.service", 3), ("me", "broker@1.service", 5),
        ("me", "mail.lan", 10), ("me", "mysql://db01", 10),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("form", FILES)
def test_a_real_file_says_who_wants_what_and_where(form):
    """Each target with its line; whatever else stands there, above all a password, is not in it."""
    source, text, expected = FILES[form]
    read = read_file(text, source, "me")
    assert read.format == form
    assert [(one.service, one.target, one.line) for one in read.found] == sorted(
        expected, key=lambda one: (one[2], one)
    )
    assert "s3cret" not in repr(read)


def test_files_say_whose_they_are_as_far_as_they_can():
    """Nginx and Caddy are themselves, a unit is its file, a drop-in its folder's; variables need to be told."""
    assert {one.service for one in read_file(NGINX, "/etc/nginx/nginx.conf").found} == {"nginx"}
    assert {one.service for one in read_file(CADDY, "Caddyfile").found} == {"caddy"}
    drop_in = "/etc/systemd/system/paperless.service.d/needs.conf"
    assert {one.service for one in read_file(UNIT, drop_in).found} == {"paperless.service"}
    with pytest.raises(InvalidInput, match="does not say whose it is"):
        read_file(ENV, "/opt/x/.env")


def test_a_compose_file_without_a_name_is_called_by_its_folder():
    """As docker compose does it: in lower case, without what a name cannot have."""
    read = read_file("services:\n  a: {depends_on: [b]}\n  b: {}\n", "/opt/My Shop.v2/docker-compose.yml")
    assert [(one.service, one.target) for one in read.found] == [("myshopv2-a-1", "myshopv2-b-1")]


WRONG = {
    "a sentence": ("x.env", "A=1\nnot a variable\n", 2),
    "no end": ("nginx.conf", "http {\n  server {\n  }\n", 1),
    "one end too many": ("nginx.conf", "http { }\n}\n", 2),
    "no semicolon": ("nginx.conf", "http {\n  proxy_pass http://a }\n", 2),
    "an open quote": ("nginx.conf", "a b;\nc 'd;\n", 2),
    "nested": ("nginx.conf", "a {\n" * 50, 17),
    "a block": ("Caddyfile", "a\nb {\n", 2),
    "an end": ("Caddyfile", "}\n", 1),
    "a quote": ("Caddyfile", 'a "b\n', 1),
    "a list": ("compose.yaml", "[]\n", 1),
    "an anchor": ("compose.yaml", "services:\n  a: &x {}\n  b: *x\n", 2),
    "laughs": ("compose.yaml", "a: &a [x]\n" + "".join(f"b{n}: &b{n} [*a, *a]\n" for n in range(40)), 1),
    "deep": ("compose.yaml", "services: " + "[" * 500 + "]" * 500, 1),
    "a missing service": ("compose.yaml", "services:\n  a:\n    depends_on:\n      - nobody\n", 4),
    "markup for a name": ("compose.yaml", "services:\n  '<b>': {}\n", 2),
    "no YAML": ("compose.yaml", "services:\n  a: [\n", 3),
    "no setting": ("a.service", "[Unit]\nRequires\n", 2),
    "no section": ("a.service", "Requires=b.service\n", 1),
    "binary": ("a.service", "[Unit]\n\0\n", 2),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_read_is_refused_with_its_line(name):
    """Nothing of such a file is told."""
    source, text, line = WRONG[name]
    with pytest.raises(Refused) as refused:
        read_file(text, source, "me")
    assert refused.value.faults[0].line == line


def test_large_files_and_many_targets_are_refused():
    """A megabyte, a thousand targets."""
    with pytest.raises(TooLarge):
        read_file("#" * (MOST_FILE_BYTES + 1), "a.env", "me")
    with pytest.raises(TooLarge):
        read_file("".join(f"A{n}_HOST=h{n}\n" for n in range(1001)), "a.env", "me")


def test_a_name_that_tells_no_form_needs_one():
    """The hint lists them; a form that there is not is refused."""
    with pytest.raises(InvalidInput) as told:
        read_file("x", "notes.txt")
    assert "compose" in told.value.hint
    with pytest.raises(InvalidInput):
        read_file("x", "notes.txt", form="toml")
    assert read_file(ENV, "notes.txt", "me", "env").format == "env"


@pytest.mark.parametrize("form", FORMATS)
def test_nothing_makes_a_parser_fall_or_tell_a_secret(form):
    """Parts of real files in any order: what is read, or an error of ours; never the password."""
    pieces = [piece for _source, text, _found in FILES.values() for piece in text.splitlines(keepends=True)]
    marks = ["{", "}", ";", '"', "\\\n", "\n", "://", "@", "[", "]", "s3cret:1@", "=", "unix:", "\u2028", "é"]

    @settings(max_examples=150, deadline=None, database=None, derandomize=True)
    @given(st.lists(st.sampled_from([*pieces, *marks]), max_size=15))
    def read(some):
        try:
            told = repr(read_file("".join(some), "x", "me", form))
        except InvalidInput as error:
            told = repr(error.faults) if isinstance(error, Refused) else ""
        assert "s3cret:" not in told

    read()


@pytest.mark.parametrize("sign", ["a", '"', "{", ";", "\\", "[", "@", ":", "A_URL=http://", "\n", "$", "a=b\\\n", "a "])
def test_a_large_file_of_one_sign_takes_no_hours(sign):
    """Of which a careless expression would: 64 KiB in each form, within the time of a test."""
    text = (sign * MOST_FILE_BYTES)[:65_536]
    for form in FORMATS:
        with contextlib.suppress(InvalidInput, TooLarge):
            assert len(read_file(text, "x", "me", form).found) < 2


def test_what_a_file_says_becomes_a_proposal_and_nothing_more(mesh):
    """As a plan nothing is taken; then it waits for a decision, however often it is read. A node must be known."""
    take(mesh, line("up", service="paperless"), "web")
    take(mesh, line("up", service="postgresql"), "web")
    text = "[Unit]\nRequires=postgresql.service\n"
    files, learning = mesh.graph.files, mesh.graph.learning
    (one,) = files.read(text, "paperless.service", "web", apply=False).found
    assert (one.service, one.target, one.line, one.whom) == ("paperless", "postgresql.service", 2, "postgresql")
    assert not learning.proposals(everything=True).rows
    for _time in range(2):
        assert files.read(text, "paperless.service", "web").learned.taken <= 1
    (proposal,) = learning.proposals().rows  # what stands written need not be seen again and again
    assert (proposal.start, proposal.end, proposal.sources) == ("paperless", "postgresql", ("config",))
    assert mesh.graph.list().rows == []
    with pytest.raises(NotFound, match="no node"):
        files.read(text, "paperless.service", "wbe")
