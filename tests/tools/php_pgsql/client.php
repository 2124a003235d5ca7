<?php
// PHP: PDO pgsql with emulated and real prepares, COPY, cursors and errors; the pg_* functions with their readers of tables.
//
// The server's address comes from PGHOST, PGPORT, PGUSER and PGDATABASE. Says every failure, and then `ok` and the number
// of checks.
declare(strict_types=1);
error_reporting(E_ALL & ~E_DEPRECATED);

$checks = 0;
$failures = 0;
set_error_handler(function (int $level, string $message): bool {
    throw new ErrorException($message, 0, $level);
}, E_ALL & ~E_DEPRECATED);

function shown(mixed $value): string
{
    return str_replace("\n", ' ', var_export($value, true));
}

// Equal, and of the same type.
function check(string $what, mixed $got, mixed $wanted): void
{
    global $checks, $failures;
    $checks++;
    if ($got !== $wanted) {
        $failures++;
        fwrite(STDERR, "$what: wanted " . shown($wanted) . ', got ' . shown($got) . "\n");
    }
}

// An exception is a failure of its own, and the next part runs.
function part(string $name, callable $code): void
{
    global $failures;
    try {
        $code();
    } catch (Throwable $error) {
        $failures++;
        $said = str_replace("\n", ' ', $error->getMessage());
        fwrite(STDERR, "$name: stopped at line {$error->getLine()} by $said\n");
    }
}

function fails(string $what, string $state, callable $code): void
{
    try {
        $code();
        check($what, 'no error', $state);
    } catch (PDOException $error) {
        check($what, $error->errorInfo[0] ?? $error->getCode(), $state);
    }
}

function pdo(array $options = []): PDO
{
    $dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'));
    return new PDO($dsn, getenv('PGUSER'), '', $options + [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
}

$types = <<<'SQL'
    SELECT true AS b, 1::smallint AS s, 2::int AS i, 9223372036854775807::bigint AS l, 1.5::real AS r, 0.1::float8 AS d,
        12.50::numeric(10, 2) AS n, 'é ''x''' AS t, date '2026-11-20' AS day, timestamp '2026-11-20 09:30:00.25' AS local,
        timestamptz '2026-11-20 09:30:00-05' AS instant, interval '1 day 2 hours' AS span, ARRAY['a', NULL, 'b"c'] AS texts,
        NULL::float8 AS nothing
    SQL;

foreach (['real' => [], 'emulated' => [PDO::ATTR_EMULATE_PREPARES => true], 'unprepared' => [PDO::PGSQL_ATTR_DISABLE_PREPARES => true]] as $mode => $options) {
    part("PDO, $mode", function () use ($mode, $options, $types) {
        $pdo = pdo($options);
        $row = $pdo->query($types)->fetch(PDO::FETCH_ASSOC);
        check("values, $mode", $row, [
            'b' => true, 's' => 1, 'i' => 2, 'l' => PHP_INT_MAX, 'r' => '1.5', 'd' => '0.1', 'n' => '12.50', 't' => "é 'x'", 'day' => '2026-11-20',
            'local' => '2026-11-20 09:30:00.25', 'instant' => '2026-11-20 14:30:00+00', 'span' => '1 day 02:00:00', 'texts' => '{a,NULL,"b\"c"}', 'nothing' => null,
        ]);
        $bars = $pdo->prepare('SELECT count(*) FROM eod WHERE symbol = :symbol AND date >= :day AND close > :least');
        $wanted = $pdo->query("SELECT count(*) FROM eod WHERE symbol = 'AAPL' AND date >= '2026-01-02' AND close > 1")->fetchColumn();
        check("there are bars, $mode", $wanted > 100, true);
        for ($i = 0; $i < 3; $i++) {
            $bars->execute(['symbol' => 'AAPL', 'day' => '2026-01-02', 'least' => 1.0]);
            check("bars, $mode", $bars->fetchColumn(), $wanted);
        }
        $sth = $pdo->prepare('SELECT symbol FROM symbols ORDER BY symbol LIMIT ? OFFSET ?');
        $sth->bindValue(1, 3, PDO::PARAM_INT);
        $sth->bindValue(2, 1, PDO::PARAM_INT);
        $sth->execute();
        check("limit, $mode", count($sth->fetchAll(PDO::FETCH_COLUMN)), 3);
        $sth = $pdo->prepare('SELECT ?::text, ?::int, ?::boolean, ?::text');
        $sth->bindValue(1, null);
        $sth->bindValue(2, null, PDO::PARAM_NULL);
        $sth->bindValue(3, false, PDO::PARAM_BOOL);
        $sth->bindValue(4, "'; drop table eod; --");
        $sth->execute();
        check("NULLs, a boolean and a quote, $mode", $sth->fetch(PDO::FETCH_NUM), [null, null, false, "'; drop table eod; --"]);
        $sth = $pdo->prepare('SELECT symbol FROM symbols WHERE symbol = ANY(?) ORDER BY symbol');
        $sth->execute(['{AAPL,MSFT,nosuch}']);
        check("a list, $mode", $sth->fetchAll(PDO::FETCH_COLUMN), ['AAPL', 'MSFT']);
        $sth = $pdo->prepare("SELECT '{\"a\": 1}'::jsonb ?? ?");
        $sth->execute(['a']);
        check("a question mark, $mode", $sth->fetchColumn(), true);
        $sth = $pdo->prepare('SELECT ?::bytea AS bytes');
        $file = fopen('php://memory', 'r+');
        fwrite($file, "\x00\xff\x10");
        rewind($file);
        $sth->bindParam(1, $file, PDO::PARAM_LOB);
        $sth->execute();
        check("bytes, $mode", stream_get_contents($sth->fetchColumn()), "\x00\xff\x10");
        fails("a bad parameter, $mode", '22P02', function () use ($pdo) {
            $pdo->prepare('SELECT ?::int')->execute(['abc']);
        });
        $total = $pdo->query('SELECT count(*) FROM eod')->fetchColumn();
        $sth = $pdo->query('SELECT symbol, date, close FROM eod ORDER BY symbol, date');
        check("rowCount, $mode", $sth->rowCount(), $total);
        $seen = 0;
        $last = '';
        foreach ($sth as $one) {
            $seen++;
            if (strcmp("$one[0] $one[1]", $last) < 0) {
                throw new Exception("$one[0] $one[1] after $last");
            }
            $last = "$one[0] $one[1]";
        }
        check("rows in order, $mode", $seen, $total);
    });
}

part('PDO, attributes', function () {
    $pdo = pdo();
    check('server version', substr($pdo->getAttribute(PDO::ATTR_SERVER_VERSION), 0, 3), '16.');
    check('driver', $pdo->getAttribute(PDO::ATTR_DRIVER_NAME), 'pgsql');
    check('server info', str_contains($pdo->getAttribute(PDO::ATTR_SERVER_INFO), 'Client Encoding: UTF8'), true);
    check('quote', $pdo->query('SELECT ' . $pdo->quote("it's \\ é"))->fetchColumn(), "it's \\ é");
    check('pgsqlGetPid', $pdo->pgsqlGetPid(), $pdo->query('SELECT pg_backend_pid()')->fetchColumn());
    check('no notification', $pdo->pgsqlGetNotify(PDO::FETCH_ASSOC, 10), false);
    // Tables and types by their oids, which come with the rows.
    $sth = $pdo->query("SELECT e.symbol, e.close, s.lists, 12.5::numeric(10, 2) AS n, e.fetched_at, interval '1 day' AS span FROM eod e JOIN symbols s USING (symbol) LIMIT 1");
    $meta = array_map(fn ($i) => $sth->getColumnMeta($i), range(0, 5));
    check('names', array_column($meta, 'name'), ['symbol', 'close', 'lists', 'n', 'fetched_at', 'span']);
    check('native types', array_column($meta, 'native_type'), ['text', 'float8', '_text', 'numeric', 'timestamptz', 'interval']);
    check('oids', array_column($meta, 'pgsql:oid'), [25, 701, 1009, 1700, 1184, 1186]);
    check('tables', array_column($meta, 'table'), ['eod', 'eod', 'symbols', 'eod']);
    check('precision of numeric(10, 2)', $meta[3]['precision'], (10 << 16 | 2) + 4);
});

part('PDO, fetch modes', function () {
    $pdo = pdo([PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_OBJ, PDO::ATTR_STRINGIFY_FETCHES => false]);
    check('object', $pdo->query('SELECT 1 AS one')->fetch()->one, 1);
    $pairs = $pdo->query("SELECT symbol, active FROM symbols WHERE symbol IN ('AAPL', 'SPY') ORDER BY 1")->fetchAll(PDO::FETCH_KEY_PAIR);
    check('pairs', $pairs, ['AAPL' => true, 'SPY' => true]);
    $groups = $pdo->query("SELECT type, symbol FROM symbols ORDER BY symbol")->fetchAll(PDO::FETCH_GROUP | PDO::FETCH_COLUMN);
    check('groups', $groups['equity'][0], 'A');
});

part('PDO, scroll', function () {
    $pdo = pdo();
    $pdo->beginTransaction();
    $sth = $pdo->prepare('SELECT symbol FROM symbols ORDER BY symbol', [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
    $sth->execute();
    $next = fn (int $way, int $offset = 0) => $sth->fetch(PDO::FETCH_COLUMN, $way, $offset);
    $first = $next(PDO::FETCH_ORI_NEXT);
    $second = $next(PDO::FETCH_ORI_NEXT);
    check('the first', $first, 'A');
    check('back', $next(PDO::FETCH_ORI_PRIOR), $first);
    check('the second', $next(PDO::FETCH_ORI_ABS, 2), $second);
    check('relative', $next(PDO::FETCH_ORI_REL, -1), $first);
    $last = $next(PDO::FETCH_ORI_LAST);
    check('the last', $last > $second, true);
    check('the first again', $next(PDO::FETCH_ORI_FIRST), $first);
    $sth = null;
    $pdo->commit();
});

part('PDO, cursor', function () {
    $pdo = pdo();
    $pdo->beginTransaction();
    $pdo->exec('DECLARE bars NO SCROLL CURSOR FOR SELECT symbol, date FROM eod');
    $seen = 0;
    do {
        $page = count($pdo->query('FETCH 50000 FROM bars')->fetchAll(PDO::FETCH_NUM));
        $seen += $page;
    } while ($page > 0);
    check('rows of a cursor', $seen, $pdo->query('SELECT count(*) FROM eod')->fetchColumn());
    $pdo->exec('CLOSE bars');
    $pdo->commit();
});

part('PDO, transactions', function () {
    $pdo = pdo();
    $pdo->beginTransaction();
    check('inTransaction', $pdo->inTransaction(), true);
    fails('an unknown column', '42703', fn () => $pdo->query('SELECT nosuch'));
    fails('after an error', '25P02', fn () => $pdo->query('SELECT 1'));
    $pdo->rollBack();
    check('after a rollback', [$pdo->inTransaction(), $pdo->query('SELECT 1')->fetchColumn()], [false, 1]);
    foreach ([
        'SELEC 1' => '42601', 'SELECT * FROM nosuch' => '42P01', 'SELECT nosuch(1)' => '42883', "SELECT 'abc'::int" => '22P02', 'SELECT 1/0' => '22012',
        "INSERT INTO eod (symbol, date, fetched_at) VALUES ('X', '2026-01-01', now())" => '25006',
    ] as $sql => $state) {
        fails($sql, $state, fn () => $pdo->exec($sql));
    }
    $pdo->exec("SET statement_timeout = '200ms'");
    fails('a timeout', '57014', fn () => $pdo->query('SELECT count(*) FROM generate_series(1, 100000000000)'));
    fails('lastInsertId without a sequence', '55000', fn () => $pdo->lastInsertId());
});

part('PDO, temporary tables', function () {
    $pdo = pdo();
    check('create', $pdo->exec('CREATE TEMP TABLE taken (symbol text PRIMARY KEY, day date, price numeric(10, 2), active boolean)'), 0);
    $put = $pdo->prepare('INSERT INTO taken (symbol, day, price, active) VALUES (:symbol, :day, :price, :active)');
    $put->bindValue('symbol', 'AAPL');
    $put->bindValue('day', '2026-01-02');
    $put->bindValue('price', '1.50');
    $put->bindValue('active', true, PDO::PARAM_BOOL);
    $put->execute();
    check('rowCount of an insert', $put->rowCount(), 1);
    check('pgsqlCopyFromArray', $pdo->pgsqlCopyFromArray('taken', ["MSFT\t2026-01-03\t2.25\tt", "SPY\t\\N\t\\N\tf\n"]), true);
    check('with a delimiter, NULL and columns', $pdo->pgsqlCopyFromArray('taken', ['X;-'], ';', '-', 'symbol, price'), true);
    check('rows', $pdo->query('SELECT * FROM taken ORDER BY symbol')->fetchAll(PDO::FETCH_NUM), [
        ['AAPL', '2026-01-02', '1.50', true], ['MSFT', '2026-01-03', '2.25', true], ['SPY', null, null, false], ['X', null, null, null],
    ]);
    fails('a bad row', '22007', fn () => $pdo->pgsqlCopyFromArray('taken', ["Z\tno date\t\\N\t\\N"]));
    fails('a key twice', '23505', fn () => $put->execute());
    check('a table of a row', $pdo->query('SELECT symbol FROM taken LIMIT 1')->getColumnMeta(0)['table'] ?? null, 'taken');
    // It says `COPY ... TO STDIN`.
    check('pgsqlCopyToArray', $pdo->pgsqlCopyToArray('(SELECT * FROM taken ORDER BY symbol)'), ["AAPL\t2026-01-02\t1.50\tt\n", "MSFT\t2026-01-03\t2.25\tt\n", "SPY\t\\N\t\\N\tf\n", "X\t\\N\t\\N\t\\N\n"]);
    check('pgsqlCopyToArray of columns', $pdo->pgsqlCopyToArray('taken', ';', 'none', 'symbol, price')[2], "SPY;none\n");
    $file = tempnam(sys_get_temp_dir(), 'php');
    check('pgsqlCopyToFile', $pdo->pgsqlCopyToFile('eod', $file, ',', '', 'symbol, date, close'), true);
    $lines = file($file);
    check('lines of the file', count($lines), $pdo->query('SELECT count(*) FROM eod')->fetchColumn());
    check('a line', preg_match('/^[A-Z.]+,\d{4}-\d\d-\d\d,[\d.]+$/', trim($lines[0])), 1);
    file_put_contents($file, "Y\t2026-01-05\t3\tt\n");
    check('pgsqlCopyFromFile', $pdo->pgsqlCopyFromFile('taken', $file), true);
    unlink($file);
    check('after it', $pdo->query("SELECT day FROM taken WHERE symbol = 'Y'")->fetchColumn(), '2026-01-05');
    check('update', $pdo->exec("UPDATE taken SET price = coalesce(price, 0) + 1"), 5);
    check('delete', $pdo->exec("DELETE FROM taken WHERE symbol IN ('X', 'Y')"), 2);
    $pdo->exec('DROP TABLE taken');
});

$connect = fn (string $more = '') => pg_connect(trim("host=" . getenv('PGHOST') . ' port=' . getenv('PGPORT') . ' user=' . getenv('PGUSER') . ' dbname=' . getenv('PGDATABASE') . " $more"), PGSQL_CONNECT_FORCE_NEW);
$db = $connect("options='--client_encoding=UTF8 --application_name=php'");

part('pg, connection', function () use ($db) {
    check('application_name', pg_parameter_status($db, 'application_name'), 'php');
    check('status', pg_connection_status($db), PGSQL_CONNECTION_OK);
    check('ping', pg_ping($db), true);
    check('version', substr(pg_version($db)['server'], 0, 3), '16.');
    check('database', pg_dbname($db), getenv('PGDATABASE'));
    check('encoding', [pg_set_client_encoding($db, 'UNICODE'), pg_client_encoding($db)], [0, 'UTF8']);
    check('transaction', pg_transaction_status($db), PGSQL_TRANSACTION_IDLE);
    check('no notification', pg_get_notify($db), false);
    check('a trace of errors', [pg_set_error_verbosity($db, PGSQL_ERRORS_VERBOSE), pg_set_error_verbosity($db, PGSQL_ERRORS_DEFAULT)], [PGSQL_ERRORS_DEFAULT, PGSQL_ERRORS_VERBOSE]);
});

part('pg, results', function () use ($db, $types) {
    $result = pg_query($db, $types);
    $fields = range(0, pg_num_fields($result) - 1);
    check('names', array_map(fn ($i) => pg_field_name($result, $i), $fields), ['b', 's', 'i', 'l', 'r', 'd', 'n', 't', 'day', 'local', 'instant', 'span', 'texts', 'nothing']);
    check('types', array_map(fn ($i) => pg_field_type($result, $i), $fields), ['bool', 'int2', 'int4', 'int8', 'float4', 'float8', 'numeric', 'text', 'date', 'timestamp', 'timestamptz', 'interval', '_text', 'float8']);
    check('sizes', array_map(fn ($i) => pg_field_size($result, $i), $fields), [1, 2, 4, 8, 4, 8, -1, -1, 4, 8, 8, 16, -1, 8]);
    check('a value', pg_fetch_result($result, 0, 'n'), '12.50');
    check('is null', pg_field_is_null($result, 0, 'nothing'), 1);
    $result = pg_query_params($db, 'SELECT symbol, close, 1 AS one FROM eod WHERE symbol = $1 AND date > $2::date ORDER BY date LIMIT $3', ['AAPL', '2026-01-02', 5]);
    check('rows', [pg_num_rows($result), pg_fetch_all_columns($result, 0)], [5, ['AAPL', 'AAPL', 'AAPL', 'AAPL', 'AAPL']]);
    check('pg_field_table', [pg_field_table($result, 0), pg_field_table($result, 1), pg_field_table($result, 2)], ['eod', 'eod', false]);
    check('its oid', (string) pg_field_table($result, 0, true), pg_fetch_result(pg_query($db, "SELECT 'eod'::regclass::oid"), 0, 0));
    pg_prepare($db, 'bars', 'SELECT count(*) FROM eod WHERE symbol = $1');
    foreach (['AAPL', 'MSFT', 'nosuch'] as $symbol) {
        $counts[] = (int) pg_fetch_result(pg_execute($db, 'bars', [$symbol]), 0, 0) > 0;
    }
    check('prepared', $counts, [true, true, false]);
    check('rows of a statement', pg_affected_rows(pg_query($db, 'SELECT 1 UNION ALL SELECT 2')), 2);
    $found = pg_fetch_all(pg_query_params($db, 'SELECT $1::text AS a, $2::int AS b', [null, '7']));
    check('fetch_all', $found, [['a' => null, 'b' => '7']]);
});

part('pg, readers of tables', function () use ($db) {
    $meta = pg_meta_data($db, 'eod', true);
    check('columns', array_keys($meta), ['symbol', 'date', 'open', 'high', 'low', 'close', 'volume', 'open_interest', 'source', 'fetched_at']);
    check('date', array_intersect_key($meta['date'], array_flip(['num', 'type', 'len', 'not null', 'has default', 'array dims', 'is enum'])), ['num' => 2, 'type' => 'date', 'len' => 4, 'not null' => true, 'has default' => false, 'array dims' => 0, 'is enum' => false]);
    check('basetype', $meta['close']['is base'], true);
    check('a schema', array_keys(pg_meta_data($db, 'live.quotes'))[0], 'symbol');
});

part('pg, convert and select', function () use ($db) {
    pg_query($db, 'CREATE TEMP TABLE taken (symbol text NOT NULL, day date, price float8, size bigint, active boolean)');
    // Without a schema `public` is meant.
    $taken = pg_fetch_result(pg_query($db, 'SELECT nspname FROM pg_namespace WHERE oid = pg_my_temp_schema()'), 0, 0) . '.taken';
    $row = ['symbol' => "it's", 'day' => '2026-01-02', 'price' => '1.5', 'size' => '7', 'active' => 't'];
    check('pg_convert', pg_convert($db, $taken, $row), ['"symbol"' => "'it''s'", '"day"' => "'2026-01-02'", '"price"' => '1.5', '"size"' => '7', '"active"' => "'t'"]);
    check('pg_insert', (bool) pg_insert($db, $taken, $row), true);
    check('pg_select', pg_select($db, $taken, ['symbol' => "it's"]), [$row]);
    check('pg_update', pg_update($db, $taken, ['price' => '2.5'], ['symbol' => "it's"]), true);
    check('after it', pg_select($db, $taken, ['size' => '7'])[0]['price'], '2.5');
    check('pg_copy_from', pg_copy_from($db, $taken, ["A\t2026-01-03\t\\N\t8\tf\n"]), true);
    check('pg_copy_to', pg_copy_to($db, $taken), ["it's\t2026-01-02\t2.5\t7\tt\n", "A\t2026-01-03\t\\N\t8\tf\n"]);
    check('pg_delete', pg_delete($db, $taken, ['symbol' => 'A']), true);
    check('rows', pg_fetch_result(pg_query($db, 'SELECT count(*) FROM taken'), 0, 0), '1');
    pg_query($db, 'COPY taken FROM STDIN');
    pg_put_line($db, "B\t2026-01-04\t1\t9\tt\n");
    pg_put_line($db, "\\.\n");
    check('pg_end_copy', pg_end_copy($db), true);
    check('a line', pg_fetch_result(pg_query($db, "SELECT size FROM taken WHERE symbol = 'B'"), 0, 0), '9');
    $found = pg_select($db, 'symbols', ['symbol' => 'SPY']);
    check('pg_select of symbols', [$found[0]['lists'], $found[0]['active']], ['{etf}', 't']);
    check('pg_copy_to of symbols', count(pg_copy_to($db, 'symbols')), (int) pg_fetch_result(pg_query($db, 'SELECT count(*) FROM symbols'), 0, 0));
    pg_query($db, 'DROP TABLE taken');
});

part('pg, errors', function () use ($db) {
    pg_send_query($db, 'SELECT nosuch FROM eod');
    $result = pg_get_result($db);
    check('SQLSTATE', pg_result_error_field($result, PGSQL_DIAG_SQLSTATE), '42703');
    check('position', pg_result_error_field($result, PGSQL_DIAG_STATEMENT_POSITION), '8');
    check('severity', pg_result_error_field($result, PGSQL_DIAG_SEVERITY_NONLOCALIZED), 'ERROR');
    check('message', pg_result_error_field($result, PGSQL_DIAG_MESSAGE_PRIMARY), 'column "nosuch" does not exist');
    while (pg_get_result($db)) {
    }
    pg_query($db, 'DROP TABLE IF EXISTS nosuch');
    check('a notice', trim(pg_last_notice($db)), 'NOTICE:  table "nosuch" does not exist, skipping');
});

part('pg, asynchronous', function () use ($db, $connect) {
    pg_send_query($db, 'SELECT 1; SELECT 2 AS two, 3; SELECT nosuch');
    $seen = [];
    while ($result = pg_get_result($db)) {
        $seen[] = pg_result_status($result) === PGSQL_TUPLES_OK ? pg_fetch_row($result) : pg_result_error_field($result, PGSQL_DIAG_SQLSTATE);
    }
    check('three statements', $seen, [['1'], ['2', '3'], '42703']);
    pg_send_query_params($db, 'SELECT $1::int + 1', [1]);
    check('parameters', pg_fetch_result(pg_get_result($db), 0, 0), '2');
    while (pg_get_result($db)) {
    }
    pg_send_prepare($db, 'later', 'SELECT $1::text');
    pg_get_result($db);
    while (pg_get_result($db)) {
    }
    pg_send_execute($db, 'later', ['x']);
    check('prepared', pg_fetch_result(pg_get_result($db), 0, 0), 'x');
    while (pg_get_result($db)) {
    }
    pg_send_query($db, 'SELECT count(*) FROM generate_series(1, 100000000000)');
    $watcher = $connect();
    $active = "SELECT count(*) FROM pg_stat_activity WHERE pid = \$1 AND state = 'active'";
    while (pg_fetch_result(pg_query_params($watcher, $active, [pg_get_pid($db)]), 0, 0) === '0') {
        usleep(10_000);
    }
    check('busy', pg_connection_busy($db), true);
    $began = microtime(true);
    check('cancelled', pg_cancel_query($db), true);
    check('soon', microtime(true) - $began < 5, true);
    check('goes on', pg_fetch_result(pg_query($db, 'SELECT 1'), 0, 0), '1');
    check('escape', [pg_escape_literal($db, "it's"), pg_escape_identifier($db, 'A b'), pg_escape_bytea($db, "\x00a")], ["'it''s'", '"A b"', '\\x0061']);
});

part('pg, persistent', function () {
    $options = sprintf('host=%s port=%s user=%s dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGUSER'), getenv('PGDATABASE'));
    $db = pg_pconnect($options);
    $again = pg_pconnect($options);
    check('one session', pg_get_pid($db), pg_get_pid($again));
    check('a statement', pg_fetch_result(pg_query($again, 'SELECT 1'), 0, 0), '1');
});

if ($failures > 0) {
    fwrite(STDERR, "$failures of $checks checks failed\n");
    exit(1);
}
echo "ok checks=$checks\n";
