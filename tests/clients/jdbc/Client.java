// The JDBC driver of PostgreSQL: what DatabaseMetaData tells, values of every type in text and in binary, prepared
// statements, fetch size inside a transaction, cancel, errors.
//
//   java -cp /usr/share/java/postgresql.jar Client.java types.sql
//
// The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE. Prints `ok` and the number of checks.

import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Array;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.ParameterMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Properties;
import java.util.Set;
import java.util.TimeZone;

public final class Client {
    private static int checks = 0;

    private static void check(String what, Object got, Object wanted) {
        checks++;
        if (!Objects.deepEquals(got, wanted)) {
            throw new AssertionError(what + ": wanted " + show(wanted) + ", got " + show(got));
        }
    }

    private static String show(Object value) {
        if (value instanceof Object[] array) return Arrays.deepToString(array);
        if (value instanceof byte[] bytes) return Arrays.toString(bytes);
        return value + (value == null ? "" : " (" + value.getClass().getSimpleName() + ")");
    }

    private static Connection connect(String... settings) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        for (int i = 0; i + 1 < settings.length; i += 2) properties.setProperty(settings[i], settings[i + 1]);
        String address = System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        return DriverManager.getConnection("jdbc:postgresql://" + address, properties);
    }

    /** The rows of a result as texts, of the columns named. */
    private static List<String> rows(ResultSet result, String... columns) throws SQLException {
        List<String> rows = new ArrayList<>();
        try (result) {
            while (result.next()) {
                List<String> row = new ArrayList<>();
                for (String column : columns) row.add(result.getString(column));
                rows.add(String.join("|", row.stream().map(String::valueOf).toList()));
            }
        }
        return rows;
    }

    /** Reads every column and every row: a result that cannot be read fails here. */
    private static int drain(ResultSet result) throws SQLException {
        int count = 0;
        try (result) {
            int width = result.getMetaData().getColumnCount();
            while (result.next()) {
                for (int column = 1; column <= width; column++) result.getObject(column);
                count++;
            }
        }
        return count;
    }

    private static void metadata(Connection connection) throws SQLException {
        DatabaseMetaData data = connection.getMetaData();
        check("product", data.getDatabaseProductName(), "PostgreSQL");
        check("version", data.getDatabaseMajorVersion(), 16);
        check("user", data.getUserName(), System.getenv("PGUSER"));
        check("catalogs", rows(data.getCatalogs(), "TABLE_CAT"), List.of(System.getenv("PGDATABASE")));
        List<String> schemas = rows(data.getSchemas(), "TABLE_SCHEM");
        check("schemas", schemas, List.of("information_schema", "live", "pg_catalog", "public", "system"));
        check("schemas by pattern", rows(data.getSchemas(null, "l%"), "TABLE_SCHEM"), List.of("live"));
        check("kinds of tables", rows(data.getTableTypes(), "TABLE_TYPE").containsAll(List.of("TABLE", "VIEW")), true);

        String[] kinds = {"TABLE", "VIEW"};
        List<String> tables = rows(data.getTables(null, "public", "%", kinds), "TABLE_NAME", "TABLE_TYPE");
        for (String table : List.of("eod|TABLE", "symbols|TABLE", "quotes|TABLE", "movers|VIEW")) {
            check(table + " is listed", tables.contains(table), true);
        }
        check("comment", rows(data.getTables(null, "public", "eod", kinds), "REMARKS").get(0).contains("the daily bar"), true);
        check("live tables", rows(data.getTables(null, "live", "%", null), "TABLE_NAME"), List.of("greeks", "quotes", "summaries", "time_and_sales", "trades"));
        check("no such table", rows(data.getTables(null, "public", "nosuch", null), "TABLE_NAME"), List.of());

        String[] described = {"COLUMN_NAME", "DATA_TYPE", "TYPE_NAME", "NULLABLE", "ORDINAL_POSITION", "IS_AUTOINCREMENT"};
        List<String> columns = rows(data.getColumns(null, "public", "eod", "%"), described);
        check("columns of eod", columns.size(), 10);
        check("symbol", columns.get(0), "symbol|" + Types.VARCHAR + "|text|0|1|NO");
        check("date", columns.get(1), "date|" + Types.DATE + "|date|0|2|NO");
        check("close", columns.contains("close|" + Types.DOUBLE + "|float8|1|6|NO"), true);
        check("volume", columns.contains("volume|" + Types.BIGINT + "|int8|1|7|NO"), true);
        check("fetched_at", columns.get(9), "fetched_at|" + Types.TIMESTAMP + "|timestamptz|0|10|NO");
        check("lists", rows(data.getColumns(null, "public", "symbols", "lists"), "DATA_TYPE", "TYPE_NAME"), List.of(Types.ARRAY + "|_text"));
        check("columns of a view", rows(data.getColumns(null, "public", "movers", "rank"), "TYPE_NAME"), List.of("int8"));

        String[] key = {"COLUMN_NAME", "KEY_SEQ", "PK_NAME"};
        check("key of eod", rows(data.getPrimaryKeys(null, "public", "eod"), key), List.of("symbol|1|eod_pkey", "date|2|eod_pkey"));
        check("key of symbols", rows(data.getPrimaryKeys(null, "public", "symbols"), key), List.of("symbol|1|symbols_pkey"));
        check("key of a view", rows(data.getPrimaryKeys(null, "public", "movers"), key), List.of());
        check("key of a history", rows(data.getPrimaryKeys(null, "public", "quotes_history"), key), List.of());
        List<String> indexes = rows(data.getIndexInfo(null, "public", "eod", false, false), "INDEX_NAME", "NON_UNIQUE", "ORDINAL_POSITION", "COLUMN_NAME");
        check("indexes of eod", indexes, List.of("eod_pkey|f|1|symbol", "eod_pkey|f|2|date"));
        check("imported keys", drain(data.getImportedKeys(null, "public", "eod")), 0);
        check("exported keys", drain(data.getExportedKeys(null, "public", "symbols")), 0);
        check("cross references", drain(data.getCrossReference(null, "public", "symbols", null, "public", "eod")), 0);
        check("best row", rows(data.getBestRowIdentifier(null, "public", "eod", DatabaseMetaData.bestRowSession, false), "COLUMN_NAME"), List.of("symbol", "date"));
        check("version columns", drain(data.getVersionColumns(null, "public", "eod")) >= 0, true);
        check("privileges", rows(data.getTablePrivileges(null, "public", "eod"), "PRIVILEGE").contains("SELECT") || drain(data.getTablePrivileges(null, "public", "eod")) == 0, true);
        drain(data.getColumnPrivileges(null, "public", "eod", "%"));

        Set<String> types = new HashSet<>(rows(data.getTypeInfo(), "TYPE_NAME"));
        check("types", types.containsAll(List.of("bool", "int2", "int4", "int8", "float4", "float8", "numeric", "text", "bytea", "date", "time", "timestamp", "timestamptz", "interval", "json", "_text")), true);
        check("functions", rows(data.getFunctions(null, null, "array_upper"), "FUNCTION_SCHEM", "FUNCTION_NAME"), List.of("pg_catalog|array_upper"));
        check("parameters of a function", drain(data.getFunctionColumns(null, null, "array_upper", "%")) >= 1, true);
        check("procedures", drain(data.getProcedures(null, null, "nosuch%")), 0);
        drain(data.getProcedureColumns(null, null, "nosuch%", "%"));
        check("row types", rows(data.getUDTs(null, "public", "eod", null), "TYPE_NAME"), List.of("eod"));
        drain(data.getClientInfoProperties());
        check("keywords", data.getSQLKeywords().contains("ilike"), true);
        check("longest name", data.getMaxColumnNameLength(), 63);
        check("columns of an index", data.getMaxColumnsInIndex(), 32);
        check("isolation", data.getDefaultTransactionIsolation() > 0, true);
        check("everything listed", drain(data.getTables(null, null, "%", null)) > 100, true);
        check("every column listed", drain(data.getColumns(null, null, "%", "%")) > 1000, true);
    }

    private static void types(Connection connection, String statement, boolean binary) throws SQLException {
        String mode = binary ? ", in binary" : ", in text";
        try (PreparedStatement prepared = connection.prepareStatement(statement)) {
            if (binary) {
                // The driver changes to binary once it has prepared the statement by name.
                for (int run = 0; run < 6; run++) drain(prepared.executeQuery());
            }
            try (ResultSet row = prepared.executeQuery()) {
                ResultSetMetaData described = row.getMetaData();
                List<String> names = new ArrayList<>();
                for (int column = 1; column <= described.getColumnCount(); column++) names.add(described.getColumnTypeName(column));
                check("types" + mode, names, List.of("bool", "int2", "int4", "int8", "float4", "float8", "float8", "float8", "numeric", "numeric", "text", "text", "bytea", "date", "time", "timestamp", "timestamptz", "interval", "_int4", "_text", "_date"));
                check("a row" + mode, row.next(), true);
                check("boolean" + mode, row.getObject("boolean"), true);
                check("int2" + mode, row.getShort("int2"), Short.MIN_VALUE);
                check("int4" + mode, row.getObject("int4"), Integer.MIN_VALUE);
                check("int8" + mode, row.getObject("int8"), Long.MAX_VALUE);
                check("float4" + mode, row.getObject("float4"), 1.5f);
                check("float8" + mode, row.getObject("float8"), 0.1);
                check("NaN" + mode, row.getDouble("not_a_number"), Double.NaN);
                check("infinity" + mode, row.getObject("infinite"), Double.NEGATIVE_INFINITY);
                check("decimal" + mode, row.getObject("decimal"), new BigDecimal("12345.6789"));
                check("wide decimal" + mode, row.getBigDecimal("wide_decimal"), new BigDecimal("-12345678901234567890123456789012345678901234567890.1234567890"));
                check("text" + mode, row.getObject("words"), "é \"x\" 'y'");
                check("empty text" + mode, row.getObject("no_words"), "");
                check("bytes" + mode, row.getBytes("bytes"), new byte[] {0, (byte) 0xff, 0x10});
                check("date" + mode, row.getObject("day", LocalDate.class), LocalDate.of(2024, 2, 29));
                check("time" + mode, row.getObject("clock", LocalTime.class), LocalTime.of(13, 14, 15, 123_456_000));
                check("timestamp" + mode, row.getObject("local", LocalDateTime.class), LocalDateTime.of(2023, 12, 31, 23, 59, 59, 999_999_000));
                Instant instant = row.getObject("instant", OffsetDateTime.class).toInstant();
                check("instant" + mode, instant, Instant.parse("2024-02-29T13:14:15.123456Z"));
                check("instant as Timestamp" + mode, row.getTimestamp("instant").toInstant(), instant);
                check("interval" + mode, row.getObject("span").toString(), "0 years 1 mons 2 days 3 hours 4 mins 5.678 secs");
                check("integers" + mode, row.getArray("integers").getArray(), new Integer[] {1, 2, null});
                check("texts" + mode, row.getArray("texts").getArray(), new String[] {"a", "b\"c", null, ""});
                check("dates" + mode, row.getArray("days").getArray(), new Date[] {Date.valueOf("2024-02-29"), null});
                check("a second row" + mode, row.next(), true);
                for (int column = 1; column <= described.getColumnCount(); column++) {
                    check("NULL of " + described.getColumnName(column) + mode, row.getObject(column), null);
                    check("wasNull of " + described.getColumnName(column) + mode, row.wasNull(), true);
                }
                check("no third row" + mode, row.next(), false);
            }
        }
    }

    private static void parameters(Connection connection) throws SQLException {
        String sql = "SELECT ?::boolean, ?::smallint, ?::int, ?::bigint, ?::real, ?::float8, ?::numeric(20, 4), ?::text, ?::bytea,"
            + " ?::date, ?::timestamp, ?::timestamptz, ?::text[]";
        try (PreparedStatement prepared = connection.prepareStatement(sql)) {
            Array texts = connection.createArrayOf("text", new String[] {"a", null, "b,\"c"});
            OffsetDateTime instant = OffsetDateTime.of(2024, 7, 1, 12, 0, 0, 0, ZoneOffset.ofHours(2));
            // Six runs: unnamed, then prepared by name, with values in binary.
            for (int run = 0; run < 6; run++) {
                prepared.setBoolean(1, true);
                prepared.setShort(2, (short) 7);
                prepared.setInt(3, -8);
                prepared.setLong(4, 1L << 60);
                prepared.setFloat(5, 2.5f);
                prepared.setDouble(6, 0.1);
                prepared.setBigDecimal(7, new BigDecimal("12345.6789"));
                prepared.setString(8, "it's é");
                prepared.setBytes(9, new byte[] {1, 0, -1});
                prepared.setObject(10, LocalDate.of(2024, 2, 29));
                prepared.setObject(11, LocalDateTime.of(2024, 2, 29, 1, 2, 3));
                prepared.setObject(12, instant);
                prepared.setArray(13, texts);
                try (ResultSet row = prepared.executeQuery()) {
                    check("a row", row.next(), true);
                    check("boolean", row.getBoolean(1), true);
                    check("smallint", row.getShort(2), (short) 7);
                    check("int", row.getInt(3), -8);
                    check("bigint", row.getLong(4), 1L << 60);
                    check("real", row.getFloat(5), 2.5f);
                    check("double", row.getDouble(6), 0.1);
                    check("numeric", row.getBigDecimal(7), new BigDecimal("12345.6789"));
                    check("text", row.getString(8), "it's é");
                    check("bytea", row.getBytes(9), new byte[] {1, 0, -1});
                    check("date", row.getObject(10, LocalDate.class), LocalDate.of(2024, 2, 29));
                    check("timestamp", row.getObject(11, LocalDateTime.class), LocalDateTime.of(2024, 2, 29, 1, 2, 3));
                    check("timestamptz", row.getObject(12, OffsetDateTime.class).toInstant(), instant.toInstant());
                    check("text[]", row.getArray(13).getArray(), new String[] {"a", null, "b,\"c"});
                }
                for (int column = 1; column <= 13; column++) prepared.setNull(column, Types.NULL);
                try (ResultSet row = prepared.executeQuery()) {
                    row.next();
                    for (int column = 1; column <= 13; column++) check("NULL " + column, row.getObject(column), null);
                }
            }
        }
        try (PreparedStatement prepared = connection.prepareStatement("SELECT close FROM eod WHERE symbol = ? AND date >= ? ORDER BY date LIMIT ?")) {
            ParameterMetaData described = prepared.getParameterMetaData();
            check("parameters", described.getParameterCount(), 3);
            check("type of a parameter", described.getParameterTypeName(1), "text");
            check("type of a limit", described.getParameterTypeName(3), "int8");
            ResultSetMetaData columns = prepared.getMetaData();
            check("type of a column", columns.getColumnType(1), Types.DOUBLE);
            prepared.setString(1, "AAPL");
            prepared.setDate(2, Date.valueOf("2026-01-02"));
            prepared.setInt(3, 5);
            check("bars", drain(prepared.executeQuery()), 5);
        }
        try (PreparedStatement prepared = connection.prepareStatement("SELECT symbol FROM symbols WHERE symbol = ANY(?) ORDER BY symbol")) {
            prepared.setArray(1, connection.createArrayOf("text", new String[] {"MSFT", "AAPL", "nosuch"}));
            check("a list", rows(prepared.executeQuery(), "symbol"), List.of("AAPL", "MSFT"));
        }
    }

    private static void streams(Connection connection) throws Exception {
        long total;
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery("SELECT count(*) FROM eod")) {
            row.next();
            total = row.getLong(1);
        }
        connection.setAutoCommit(false);
        try (Statement statement = connection.createStatement()) {
            statement.setFetchSize(1000);
            long read = 0;
            try (ResultSet row = statement.executeQuery("SELECT symbol, date FROM eod")) {
                while (row.next()) read++;
            }
            check("rows by a fetch size", read, total);
            statement.setFetchSize(1);
            int quotes = 0;
            try (ResultSet row = statement.executeQuery("SELECT symbol, bid FROM live.quotes WHERE symbol = 'SPY'")) {
                while (quotes < 3 && row.next()) quotes++;
            }
            check("rows of an endless result", quotes, 3);
            statement.setMaxRows(7);
            check("most rows", drain(statement.executeQuery("SELECT symbol FROM symbols")), 7);
        }
        connection.commit();
        connection.setAutoCommit(true);
        try (Statement statement = connection.createStatement()) {
            Thread canceller = new Thread(() -> {
                try {
                    Thread.sleep(300);
                    statement.cancel();
                } catch (Exception error) {
                    throw new RuntimeException(error);
                }
            });
            canceller.start();
            check("a cancelled statement", state(statement, "SELECT pg_sleep(30)"), "57014");
            canceller.join();
            statement.setQueryTimeout(1);
            check("a statement out of time", state(statement, "SELECT * FROM live.quotes WHERE symbol = 'nosuch'"), "57014");
            statement.setQueryTimeout(0);
            check("the connection after it", drain(statement.executeQuery("SELECT 1")), 1);
        }
    }

    private static String state(Statement statement, String sql) {
        try {
            statement.executeQuery(sql).close();
            return "no error";
        } catch (SQLException error) {
            return error.getSQLState();
        }
    }

    private static void errors(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            check("syntax", state(statement, "SELEC 1"), "42601");
            check("table", state(statement, "SELECT * FROM nosuch"), "42P01");
            check("column", state(statement, "SELECT nosuch FROM eod"), "42703");
            check("function", state(statement, "SELECT nosuch(1)"), "42883");
            check("text of a number", state(statement, "SELECT 'abc'::int"), "22P02");
            check("range", state(statement, "SELECT 9223372036854775807 + 1"), "22003");
            check("zero", state(statement, "SELECT 1 / 0"), "22012");
            check("write", state(statement, "DELETE FROM eod"), "25006");
            connection.setAutoCommit(false);
            check("an error in a transaction", state(statement, "SELECT nosuch"), "42703");
            check("after it", state(statement, "SELECT 1"), "25P02");
            connection.rollback();
            check("after a rollback", drain(statement.executeQuery("SELECT 1")), 1);
            var point = connection.setSavepoint("before");
            check("an error after a savepoint", state(statement, "SELECT nosuch"), "42703");
            connection.rollback(point);
            check("back at the savepoint", drain(statement.executeQuery("SELECT 1")), 1);
            connection.commit();
            connection.setAutoCommit(true);
        }
        connection.setReadOnly(true);
        connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
        check("isolation", connection.getTransactionIsolation(), Connection.TRANSACTION_REPEATABLE_READ);
        check("schema", connection.getSchema(), "public");
        connection.setSchema("live");
        check("another schema", connection.getSchema(), "live");
        check("its table", drain(connection.getMetaData().getColumns(null, connection.getSchema(), "quotes", "missed")), 1);
        connection.setClientInfo("ApplicationName", "jdbc test");
        check("valid", connection.isValid(5), true);
    }

    public static void main(String[] arguments) throws Exception {
        String statement = Files.readString(Path.of(arguments[0]));
        // The driver tells the server the zone of this machine; the test has one of its own.
        TimeZone.setDefault(TimeZone.getTimeZone("America/New_York"));
        try (Connection connection = connect("prepareThreshold", "1")) {
            metadata(connection);
            types(connection, statement, true);
            parameters(connection);
            streams(connection);
            errors(connection);
        }
        try (Connection connection = connect("preferQueryMode", "simple")) {
            types(connection, statement, false);
        }
        System.out.println("ok checks=" + checks);
    }
}
