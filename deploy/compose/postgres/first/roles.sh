#!/bin/sh
# On the first start: the roles and the database that are not the platform's own.
set -eu
psql --set ON_ERROR_STOP=1 --username postgres \
    --set backup="$(cat /run/secrets/backup_password)" \
    --set keycloak="$(cat /run/secrets/keycloak_database_password)" <<'SQL'
CREATE ROLE backup LOGIN REPLICATION PASSWORD :'backup';
CREATE ROLE keycloak LOGIN PASSWORD :'keycloak';
CREATE DATABASE keycloak OWNER keycloak;
REVOKE ALL ON DATABASE keycloak FROM PUBLIC;
SQL
