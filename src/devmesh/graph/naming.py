"""What names tell: of which type a service is, and whose an address in a message is."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType

# The first that is found in a name; words that programs are called by, of no fleet's own.
TYPES = (
    (
        "database",
        ("mariadb", "mysql", "postgres", "mongo", "influx", "clickhouse", "cockroach", "couchdb", "cassandra"),
    ),
    ("cache", ("redis", "valkey", "memcached")),
    ("queue", ("rabbit", "kafka", "mosquitto", "nats", "activemq")),
    ("proxy", ("nginx", "traefik", "haproxy", "caddy", "apache", "httpd", "envoy", "squid")),
    ("dns", ("unbound", "named", "bind9", "dnsmasq", "coredns", "pihole", "resolved", "adguard")),
    ("storage", ("nfs", "smbd", "samba", "minio", "ceph", "zfs", "gluster", "iscsi")),
    ("inference", ("ollama", "vllm", "llama", "triton", "localai")),
    ("monitoring", ("prometheus", "grafana", "exporter", "alertmanager", "telegraf", "zabbix", "netdata", "smartd")),
    ("backup", ("borg", "restic", "backup", "duplicati")),
    ("container runtime", ("docker", "containerd", "podman", "crio")),
    ("mail", ("postfix", "dovecot", "exim", "opensmtpd", "rspamd")),
    ("agent", ("shipper", "agent", "fluent", "promtail", "vector")),
    ("api", ("api",)),
    ("worker", ("worker", "celery")),
)
# What the name of a service that listens there holds.
PORTS: Mapping[int, tuple[str, ...]] = {
    22: ("ssh",), 53: ("dns", "named", "unbound", "resolve", "pihole"), 445: ("smb", "samba"), 2049: ("nfs",),
    3000: ("grafana",), 3306: ("mariadb", "mysql"), 5432: ("postgres",), 5672: ("rabbit",), 6379: ("redis", "valkey"),
    9090: ("prometheus",), 9092: ("kafka",), 9100: ("node_exporter", "node-exporter"), 11211: ("memcached",),
    11434: ("ollama",), 27017: ("mongo",),
}  # fmt: skip
# Somebody who could not reach somebody else says so in one of these ways.
ACCUSING = re.compile(
    r"refused|timed? ?out|unreachable|no route|failed to (?:connect|reach)|can(?:no|')t connect|could not connect"
    r"|connection (?:reset|lost|closed|failed|error)|not responding|bad gateway|host is down|broken pipe",
    re.IGNORECASE,
)
_TARGET = re.compile(r"(?<![\w.-])([A-Za-z0-9][\w.-]{0,127})(?:['\"]?(?::|,? port[ =:]{1,2})(\d{1,5}))?")
SYSTEM = re.compile(
    r"kernel|init|systemd.*|dbus.*|sudo|su|login|cron|anacron|getty.*|polkit.*|user@.*|session-.*|run-.*|audit.*|rsyslog.*"
    r"|syslog.*|udev.*|logrotate.*|apt.*|dpkg.*|man-db.*|e2scrub.*|fstrim.*|motd.*|unknown|<overflow>"
    r"|.*\.(?:scope|slice|mount|timer|socket|target|path|swap|device|automount)",
    re.IGNORECASE,
)


def type_of(name: str) -> str:
    """The type that a service's name tells; empty where it tells none."""
    low = name.lower()
    return next((kind for kind, words in TYPES if any(word in low for word in words)), "")


def accused(
    message: str, places: Mapping[str, Collection[str]], addresses: Mapping[str, str] = MappingProxyType({})
) -> Iterator[str]:
    """The services that a message names by name, or by host and port. `places`: where each runs; `addresses`: whose
    they are.
    """
    low = {name.lower(): name for name in places}
    for target, port in _TARGET.findall(message):
        if target.lower() in low:
            yield low[target.lower()]
        elif port and int(port) in PORTS:
            host = addresses.get(target, target)
            there = [name for name, hosts in places.items() if host in hosts]
            yield from (name for name in there if any(word in name.lower() for word in PORTS[int(port)]))
