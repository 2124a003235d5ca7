#!/usr/bin/env bash
# The JDBC driver of Arrow Flight SQL from Maven Central: run.sh JAR TYPES.SQL HOST:PORT
jar=$1
shift
[[ -e $jar ]] || {
    echo "the driver (org.apache.arrow:flight-sql-jdbc-driver) could not be installed"
    exit 77
}
# The driver writes what it chooses to standard error.
java --add-opens=java.base/java.nio=ALL-UNNAMED -cp "$jar" "$(dirname "$0")/Client.java" "$@" 2>&1 | grep -v "SLF4J\|^INFO: \| org.apache.arrow.driver.jdbc.shaded"
exit "${PIPESTATUS[0]}"
