"""Inventories that tests share."""

ISSUED = """\
services:
  mariadb:
    hosts: [mariadb-vm]
    type: database
  devmesh-api:
    hosts: [dev-services]
    depends_on: [mariadb, ollama]
    type: api
  ollama:
    hosts: [gpu-node]
    type: inference
  devmesh-shipper:
    hosts: [all]
    type: agent
edges:
  - from: devmesh-api
    to: mariadb
    type: DEPENDS_ON
  - from: devmesh-api
    to: ollama
    type: CALLS
"""
# web needs api, api needs db and cache; db provides for reports; cache runs twice; backup only mirrors.
SHOP = """\
services:
  db: {hosts: [db1], type: database, aliases: [mysqld.service, mariadb]}
  cache: {hosts: [web1, web2], type: cache}
  api: {hosts: [web1, web2], depends_on: [db, cache], type: api}
  web: {hosts: [edge], depends_on: [api]}
  reports: {hosts: [web2]}
  backup: {hosts: [db1]}
  shipper: {hosts: [all], type: agent}
edges:
  - {from: db, to: reports, type: PROVIDES_DB_FOR}
  - {from: backup, to: db, type: MIRRORS}
types:
  MIRRORS: none
"""
