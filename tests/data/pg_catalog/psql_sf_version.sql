-- psql 15: \sf version
SELECT 'version'::pg_catalog.regproc::pg_catalog.oid;

SELECT pg_catalog.pg_get_functiondef(89);
