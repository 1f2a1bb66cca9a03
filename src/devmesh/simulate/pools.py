"""Names that lines pick from: people, devices, pages, models. Repeated ones are common ones."""

from __future__ import annotations

_BROWSERS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0",
    "curl/7.88.1",
)
POOLS: dict[str, tuple[str, ...]] = {
    "user": (
        "anna", "anna", "ben", "ben", "carla", "deploy",
    ),
    "lan": tuple(f"192.168.10.{n}" for n in (101, 101, 101, 102, 102, 104, 105, 107, 110, 113, 120, 131)),
    "domain": (
        "api.code.example", "images.example", "packages.example", "www.youtube.com", "i.ytimg.com",
        "api.weather.com", "ntp.ubuntu.com", "time.apple.com", "www.wikipedia.org", "cdn.jsdelivr.net",
        "mail.home.example", "fonts.gstatic.com",
    ),
    "path": (
        "/", "/", "/api/health", "/api/health", "/api/documents", "/api/documents/search", "/api/chat",
        "/static/app.js", "/static/app.css", "/favicon.ico", "/login", "/api/tags",
    ),
    "agent": _BROWSERS,
    "stranger": (
        "root", "root", "root", "admin", "admin", "test", "ubuntu", "oracle", "git", "postgres", "pi",
        "user", "guest", "ftpuser", "minecraft", "hadoop", "www", "jenkins",
    ),
    "model": (
        "llama3.1:8b", "llama3.1:8b", "qwen2.5:14b", "nomic-embed-text",
    ),
    "table": (
        "documents", "chunks", "jobs", "sessions",
    ),
}  # fmt: skip
