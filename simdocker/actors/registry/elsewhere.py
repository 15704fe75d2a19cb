"""Official images that the real Docker Hub has and the catalogue here has not.

Whoever asks for one gets Docker Hub's answer about a repository that does not exist, which people learn
to read as "you mistyped". A note beside the answer tells them that here it means something else.
"""

from __future__ import annotations

OFFICIAL = frozenset(
    """
    adminer almalinux amazonlinux arangodb bash caddy cassandra centos clojure composer consul couchbase couchdb
    debian docker drupal eclipse-mosquitto eclipse-temurin elasticsearch elixir erlang fedora gcc ghost golang gradle
    groovy haproxy haskell influxdb jenkins jetty joomla julia kibana kong logstash mariadb maven memcached
    mongo mongo-express mysql nats neo4j nextcloud openjdk opensuse oraclelinux percona perl photon php rabbitmq
    redmine registry rethinkdb rockylinux ruby rust solr sonarqube swift telegraf tomcat traefik vault
    wordpress zookeeper
    """.split()
)
"""As https://hub.docker.com/search?badges=official lists them, the best known."""


def is_official(repository: str) -> bool:
    """Whether Docker Hub has this repository among its official images."""
    namespace, _, name = repository.rpartition("/")
    return namespace == "library" and name in OFFICIAL
