// The JDBC driver of Arrow Flight SQL, as Tableau and DBeaver use it: what DatabaseMetaData tells, values of every type,
// prepared statements with `?`, cancel, errors.
//
//   java --add-opens=java.base/java.nio=ALL-UNNAMED -cp flight-sql-jdbc-driver.jar Client.java types.sql HOST:PORT
//
// Prints `ok` and the number of checks.

import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.Date;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TimeZone;
import java.util.TreeSet;

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
            for (; result.next(); count++) for (int i = 1; i <= width; i++) result.getObject(i);
        }
        return count;
    }

    private static long number(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet result = statement.executeQuery(sql)) {
            result.next();
            return result.getLong(1);
        }
    }

    private static void metadata(DatabaseMetaData told) throws SQLException {
        check("product", told.getDatabaseProductName(), "ttapi");
        check("catalogs", rows(told.getCatalogs(), "TABLE_CAT"), List.of("tt"));
        check("schemas", new TreeSet<>(rows(told.getSchemas(), "TABLE_SCHEM")).containsAll(List.of("live", "public", "system")), true);
        check("kinds", new TreeSet<>(rows(told.getTableTypes(), "TABLE_TYPE")).containsAll(List.of("TABLE", "VIEW")), true);
        check("a table", rows(told.getTables(null, "public", "eod", null), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE"), List.of("public|eod|TABLE"));
        check("views", rows(told.getTables("tt", "public", "%", new String[] {"VIEW"}), "TABLE_NAME").contains("movers"), true);
        List<String> columns = rows(told.getColumns("tt", "public", "eod", "%"), "COLUMN_NAME", "DATA_TYPE", "NULLABLE");
        check("columns", columns.size(), 10);
        check("the first column", columns.get(0).startsWith("symbol|" + Types.VARCHAR), true);
        check("a key", rows(told.getPrimaryKeys("tt", "public", "eod"), "COLUMN_NAME"), List.of("symbol", "date"));
        check("a key of events", rows(told.getPrimaryKeys("tt", "public", "quotes"), "COLUMN_NAME"), List.of("symbol"));
        drain(told.getImportedKeys("tt", "public", "eod"));
        drain(told.getExportedKeys("tt", "public", "eod"));
        drain(told.getTypeInfo());
        check("functions", told.getStringFunctions().length() > 0 && told.getNumericFunctions().length() > 0, true);
        check("quotes", told.getIdentifierQuoteString(), "\"");
        told.getSQLKeywords();
        told.supportsTransactions();
        told.getMaxConnections();
    }

    private static void types(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement(); ResultSet row = statement.executeQuery(sql)) {
            check("a row", row.next(), true);
            check("boolean", row.getBoolean("boolean"), true);
            check("int2", row.getShort("int2"), (short) -32768);
            check("int4", row.getInt("int4"), Integer.MIN_VALUE);
            check("int8", row.getLong("int8"), Long.MAX_VALUE);
            check("float4", row.getFloat("float4"), 1.5f);
            check("float8", row.getDouble("float8"), 0.1);
            check("NaN", Double.isNaN(row.getDouble("not_a_number")), true);
            check("infinite", row.getDouble("infinite"), Double.NEGATIVE_INFINITY);
            check("decimal", row.getBigDecimal("decimal"), new BigDecimal("12345.6789"));
            check("words", row.getString("words"), "é \"x\" 'y'");
            check("no words", row.getString("no_words"), "");
            check("bytes", row.getBytes("bytes"), new byte[] {0, -1, 16});
            check("day", row.getDate("day").toString(), "2024-02-29");
            check("instant", row.getTimestamp("instant").toInstant(), Instant.parse("2024-02-29T13:14:15.123456Z"));
            check("local", row.getTimestamp("local").toLocalDateTime().toString(), "2023-12-31T23:59:59.999999");
            check("integers", ((Object[]) row.getArray("integers").getArray())[1], 2);
            check("a row of NULLs", row.next(), true);
            ResultSetMetaData columns = row.getMetaData();
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                row.getString(i);
                check(columns.getColumnName(i) + " " + columns.getColumnTypeName(i), row.wasNull(), true);
            }
            check("no third row", row.next(), false);
        }
    }

    private static void prepared(Connection connection) throws SQLException {
        String sql = "SELECT date, close FROM eod WHERE symbol = ? AND date >= ? AND close > ? ORDER BY date LIMIT ?";
        try (PreparedStatement statement = connection.prepareStatement(sql)) {
            check("parameters", statement.getParameterMetaData().getParameterCount(), 4);
            check("columns before rows", statement.getMetaData().getColumnName(2), "close");
            for (String symbol : List.of("AAPL", "SPY")) {
                statement.setString(1, symbol);
                statement.setDate(2, Date.valueOf("2026-01-02"));
                statement.setDouble(3, 1.5);
                statement.setLong(4, 3);
                List<String> given = rows(statement.executeQuery(), "date", "close");
                String plain = "SELECT date, close FROM eod WHERE symbol = '" + symbol + "' AND date >= '2026-01-02' ORDER BY date LIMIT 3";
                try (Statement other = connection.createStatement()) {
                    check("rows of " + symbol, given, rows(other.executeQuery(plain), "date", "close"));
                }
                check("so many", given.size(), 3);
            }
        }
        try (PreparedStatement statement = connection.prepareStatement("SELECT ?::text || 'x' AS a, '{\"k\": 1}'::jsonb ?? ? AS b, ?::text IS NULL AS c, CASE WHEN ? THEN 1 ELSE 0 END AS d")) {
            statement.setString(1, "?");
            statement.setString(2, "k");
            statement.setString(3, null);
            statement.setBoolean(4, true);
            check("marks and operators", rows(statement.executeQuery(), "a", "b", "c", "d"), List.of("?x|true|true|1"));
        }
        // The driver sends the milliseconds of setTimestamp as whatever unit the parameter has.
        try (PreparedStatement statement = connection.prepareStatement("SELECT max(fetched_at) <= ?::text::timestamptz AS past FROM eod")) {
            statement.setString(1, "2099-01-01T00:00:00Z");
            check("an instant", rows(statement.executeQuery(), "past"), List.of("true"));
        }
    }

    private static void failures(Connection connection) throws SQLException {
        for (String[] wrong : new String[][] {
            {"SELEC 1", "syntax error"},
            {"SELECT * FROM nosuch", "\"nosuch\" does not exist"},
            {"SELECT nosuch FROM eod", "\"nosuch\" does not exist"},
            {"SELECT 1 / (count(*) - count(*)) FROM eod", "division by zero"},
            {"DROP TABLE eod", "read-only"},
            {"CREATE TEMP TABLE t (a int)", "temporary tables are not supported"},
        }) {
            try (Statement statement = connection.createStatement()) {
                drain(statement.executeQuery(wrong[0]));
                throw new AssertionError(wrong[0] + " succeeds");
            } catch (SQLException error) {
                check(wrong[0] + ": " + error.getMessage(), error.getMessage().contains(wrong[1]), true);
            }
        }
        check("after failures", number(connection, "SELECT 1"), 1L);
    }

    private static void cancel(Connection connection) throws Exception {
        try (Statement statement = connection.createStatement()) {
            Thread other = new Thread(() -> {
                try {
                    Thread.sleep(500);
                    statement.cancel();
                } catch (Exception error) {
                    throw new IllegalStateException(error);
                }
            });
            long began = System.nanoTime();
            other.start();
            try {
                drain(statement.executeQuery("SELECT count(*) FROM generate_series(1, 10000000) a, generate_series(1, 100000) b"));
                throw new AssertionError("a cancelled statement ends");
            } catch (SQLException error) {
                check("a cancel is obeyed", (System.nanoTime() - began) / 1_000_000_000 < 20, true);
            }
            other.join();
        }
        long deadline = System.nanoTime() + 20_000_000_000L;
        while (number(connection, "SELECT count(*) FROM system.queries WHERE sql LIKE '%10000000%' AND sql NOT LIKE '%system.queries%'") > 0) {
            check("nothing runs on after a cancel", System.nanoTime() < deadline, true);
            Thread.sleep(100);
        }
    }

    public static void main(String[] arguments) throws Exception {
        TimeZone.setDefault(TimeZone.getTimeZone("UTC"));
        String sql = Files.readString(Path.of(arguments[0]));
        String url = "jdbc:arrow-flight-sql://" + arguments[1] + "/?useEncryption=false";
        try (Connection connection = DriverManager.getConnection(url)) {
            check("alive", connection.isValid(5), true);
            check("rows", (long) drain(connection.createStatement().executeQuery("SELECT symbol, date, close FROM eod")), number(connection, "SELECT count(*) FROM eod"));
            metadata(connection.getMetaData());
            types(connection, sql);
            prepared(connection);
            failures(connection);
            cancel(connection);
        }
        System.out.println("ok checks=" + checks);
        System.exit(0);
    }
}
